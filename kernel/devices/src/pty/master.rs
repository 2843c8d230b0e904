//! The master's side.

use core::sync::atomic::Ordering;

use abi::fs::OpenFlags;
use abi::ioctl as requests;
use abi::poll::PollEvents;
use abi::{Errno, Signal};
use alloc::sync::Arc;
use chroma::fdtable;
use chroma::file::Ioctl;
use chroma::mount::Path;
use chroma::ops::OpenRequest;
use chroma::poll::restart;
use chroma::{FileOps, OpenFile, PollTable, Sink, Source, View};
use chronos::WaitKind;
use hal::user;

use super::{Pty, Shared};
use crate::job;
use crate::tty::ioctl;

/// `TIOCSIG`: a signal for the foreground of the slave.
const TIOCSIG: u32 = 0x4004_5436;

/// An open master. The pair ends with it.
pub(super) struct Master {
    pty: Arc<Pty>,
    instance: Arc<super::devpts::Instance>,
    /// The top of the devpts that the slave is in, if `/dev/ptmx` was opened outside of it.
    root: Option<Path>,
}

impl Master {
    pub(super) fn new(pty: Arc<Pty>, instance: Arc<super::devpts::Instance>, root: Option<Path>) -> Master {
        Master { pty, instance, root }
    }

    #[cfg(test)]
    pub(super) fn pty(&self) -> &Pty {
        &self.pty
    }

    fn shared(&self) -> &Shared {
        &self.pty.shared
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        self.shared().master_open.store(false, Ordering::Release);
        self.instance.remove(self.pty.index);
        if let Ok(slave) = self.pty.slave() {
            slave.set_cut_off(true);
            slave.hang_up();
        }
    }
}

fn flag(value: bool) -> i32 {
    i32::from(value)
}

impl FileOps for Master {
    fn seekable(&self) -> bool {
        false
    }

    fn read(&self, file: &OpenFile, _: &mut u64, to: &mut Sink<'_>) -> Result<usize, Errno> {
        if to.remaining() == 0 {
            return Ok(0);
        }
        let shared = self.shared();
        loop {
            let packets = shared.packet_mode.load(Ordering::Acquire);
            if packets {
                let events = shared.packet_events.swap(0, Ordering::AcqRel);
                if events != 0 {
                    return to.put(&[events]);
                }
            }
            let mut chunk = [0; 512];
            // In packet mode a zero byte says that data follows.
            let reserved = usize::from(packets);
            let count = {
                let wanted = to.remaining().min(chunk.len()).saturating_sub(reserved);
                let mut output = shared.output.lock();
                let count = wanted.min(output.len());
                for (place, byte) in chunk.iter_mut().skip(reserved).zip(output.drain(..count)) {
                    *place = byte;
                }
                count
            };
            if count > 0 {
                if let Ok(slave) = self.pty.slave() {
                    slave.continue_echo();
                    slave.output_possible();
                }
                return to.put(chunk.get(..count + reserved).unwrap_or_default());
            }
            if shared.slave_closed.load(Ordering::Acquire) {
                return Err(Errno::EIO);
            }
            if file.nonblocking() {
                return Err(Errno::EAGAIN);
            }
            let ready = || {
                let data = !shared.output.lock().is_empty();
                let event = packets && shared.packet_events.load(Ordering::Acquire) != 0;
                (data || event || shared.slave_closed.load(Ordering::Acquire)).then_some(())
            };
            shared.master.wait(WaitKind::Interruptible, None, ready).map_err(restart)?;
        }
    }

    fn write(&self, file: &OpenFile, _: &mut u64, from: &mut Source<'_>) -> Result<usize, Errno> {
        let shared = self.shared();
        let slave = self.pty.slave()?;
        let mut written = 0;
        while from.remaining() > 0 {
            let room = shared.input_room();
            if room == 0 {
                if file.nonblocking() {
                    return if written > 0 { Ok(written) } else { Err(Errno::EAGAIN) };
                }
                let ready = || (shared.input_room() > 0).then_some(());
                if let Err(interrupted) = shared.master.wait(WaitKind::Interruptible, None, ready) {
                    return if written > 0 { Ok(written) } else { Err(restart(interrupted)) };
                }
                continue;
            }
            let mut chunk = [0; 512];
            let place = chunk.get_mut(..room.min(512)).unwrap_or_default();
            let count = match from.take(place) {
                Ok(count) => count,
                Err(error) if written == 0 => return Err(error),
                Err(_) => break,
            };
            {
                let mut input = shared.input.lock();
                if aegis::charge::reserve(&mut *input, count).is_err() {
                    return if written > 0 { Ok(written) } else { Err(Errno::ENOMEM) };
                }
                input.extend(chunk.iter().take(count));
            }
            written += count;
            shared.feed(slave);
        }
        Ok(written)
    }

    fn poll(&self, _: &OpenFile, table: Option<&PollTable>) -> PollEvents {
        let shared = self.shared();
        if let Some(table) = table {
            table.watch(&shared.master, PollEvents::READABLE | PollEvents::WRITABLE | PollEvents::PRI);
        }
        let mut events = PollEvents::empty();
        events.set(PollEvents::READABLE, !shared.output.lock().is_empty());
        if shared.packet_mode.load(Ordering::Acquire) && shared.packet_events.load(Ordering::Acquire) != 0 {
            events |= PollEvents::READABLE | PollEvents::PRI;
        }
        events.set(PollEvents::HUP, shared.slave_closed.load(Ordering::Acquire));
        events.set(PollEvents::WRITABLE, shared.input_room() > 0);
        events
    }

    fn ioctl(&self, file: &OpenFile, call: &Ioctl<'_>) -> Result<i64, Errno> {
        let shared = self.shared();
        let slave = self.pty.slave()?;
        let read = || user::read::<i32>(call.address()).map_err(|_| Errno::EFAULT);
        let give = |value: i32| {
            user::write(call.address(), &value).map_err(|_| Errno::EFAULT)?;
            Ok(0)
        };
        match call.command {
            requests::TIOCGPTN => give(self.pty.index.cast_signed()),
            requests::TIOCSPTLCK => {
                shared.locked.store(read()? != 0, Ordering::Release);
                Ok(0)
            }
            requests::TIOCGPTLCK => give(flag(shared.locked.load(Ordering::Acquire))),
            requests::TIOCPKT => {
                let on = read()? != 0;
                if on && !shared.packet_mode.load(Ordering::Acquire) {
                    shared.packet_events.store(0, Ordering::Release);
                }
                shared.packet_mode.store(on, Ordering::Release);
                Ok(0)
            }
            requests::TIOCGPKT => give(flag(shared.packet_mode.load(Ordering::Acquire))),
            requests::TIOCGPTPEER => self.open_peer(file, call),
            requests::FIONREAD => give(i32::try_from(shared.output.lock().len()).unwrap_or(i32::MAX)),
            requests::TIOCOUTQ => give(0),
            requests::TIOCGPGRP => give(slave.foreground_number()),
            requests::TIOCGSID => {
                let session = slave.session().ok_or(Errno::ENOTTY)?;
                give(job::control().map_or(0, |job_control| job_control.session_number(session)))
            }
            TIOCSIG => {
                // The signal is the argument itself.
                let number = i32::try_from(call.arg).map_err(|_| Errno::EINVAL)?;
                let signal = Signal::from_user(number).ok_or(Errno::EINVAL)?;
                if !matches!(signal, Signal::SIGINT | Signal::SIGQUIT | Signal::SIGTSTP) {
                    return Err(Errno::EINVAL);
                }
                if let (Some(job_control), Some(group)) = (job::control(), slave.foreground()) {
                    job_control.signal_group(group, signal);
                }
                Ok(0)
            }
            requests::TIOCSCTTY | requests::TIOCNOTTY => Err(Errno::ENOTTY),
            _ => ioctl::answer(slave, file, call),
        }
    }
}

impl Master {
    /// `TIOCGPTPEER`: opens the slave, whatever the caller's root shows of it.
    fn open_peer(&self, file: &OpenFile, call: &Ioctl<'_>) -> Result<i64, Errno> {
        let flags = OpenFlags::from_bits_retain(u32::try_from(call.arg).map_err(|_| Errno::EINVAL)?);
        let number = call.fds.reserve(call.fd_limit)?;
        let root = match &self.root {
            Some(root) => root.clone(),
            None => Path::top_of(file.path().mount.clone()),
        };
        let view = View { cred: call.cred, root: root.clone(), start: root };
        let name = alloc::format!("{}", self.pty.index);
        let peer = view.open(name.as_bytes(), &OpenRequest::existing(flags))?;
        let close_on_exec = flags.contains(OpenFlags::CLOEXEC);
        Ok(i64::from(number.fill(fdtable::capability(peer), close_on_exec).0))
    }
}
