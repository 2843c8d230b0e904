//! Open terminals.

use core::sync::atomic::Ordering;
use core::time::Duration;

use abi::fs::OpenFlags;
use abi::poll::PollEvents;
use abi::tty::LocalFlags;
use abi::{Errno, Signal};
use alloc::boxed::Box;
use alloc::sync::Arc;
use chroma::cred::{Cap, Cred};
use chroma::file::Ioctl;
use chroma::poll::restart;
use chroma::{FileOps, OpenFile, PollTable, Sink, Source};
use chronos::{Instant, WaitKind};

use super::line::Effects;
use super::{Tty, ioctl};

/// A terminal as one open file sees it.
pub struct OpenTty {
    tty: Arc<Tty>,
    /// The terminal's count of hang-ups at the time of opening: another one means that this file is dead.
    born: u32,
}

/// Opens a terminal: `EBUSY` while it is exclusively someone's. It becomes the controlling terminal of a session leader that
/// has none, unless `O_NOCTTY`.
pub fn open(
    tty: &Arc<Tty>,
    flags: OpenFlags,
    cred: &Cred,
    may_control: bool,
) -> Result<Box<dyn FileOps>, Errno> {
    if tty.exclusive.load(Ordering::Acquire) && !cred.has(Cap::SYS_ADMIN) {
        return Err(Errno::EBUSY);
    }
    let file = Box::new(OpenTty::new(tty.clone()));
    if may_control && !flags.contains(OpenFlags::NOCTTY) && flags.access().read {
        tty.acquire_on_open();
    }
    Ok(file)
}

impl OpenTty {
    pub(crate) fn new(tty: Arc<Tty>) -> OpenTty {
        if tty.users.fetch_add(1, Ordering::AcqRel) == 0 {
            tty.driver.in_use(true);
        }
        let born = tty.hang_ups.load(Ordering::Acquire);
        OpenTty { tty, born }
    }

    /// The terminal.
    pub fn tty(&self) -> &Arc<Tty> {
        &self.tty
    }

    pub(super) fn is_dead(&self) -> bool {
        self.tty.hang_ups.load(Ordering::Acquire) != self.born
    }
}

impl Drop for OpenTty {
    fn drop(&mut self) {
        if self.tty.users.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.tty.exclusive.store(false, Ordering::Release);
            self.tty.driver.in_use(false);
        }
    }
}

/// How a raw read waits: for how many bytes, how long for the first, and how long between bytes.
struct Patience {
    minimum: usize,
    first: Option<Duration>,
    between: Option<Duration>,
}

impl Patience {
    fn of(tty: &Tty) -> (Patience, bool) {
        let line = tty.line.lock();
        if line.is_canonical() {
            return (Patience { minimum: 1, first: None, between: None }, true);
        }
        let time = Duration::from_millis(line.tenths() * 100);
        let patience = match (line.minimum(), line.tenths()) {
            (0, _) => Patience { minimum: 1, first: Some(time), between: None },
            (minimum, 0) => Patience { minimum, first: None, between: None },
            (minimum, _) => Patience { minimum, first: None, between: Some(time) },
        };
        (patience, false)
    }
}

impl FileOps for OpenTty {
    fn seekable(&self) -> bool {
        false
    }

    fn read(&self, file: &OpenFile, _: &mut u64, to: &mut Sink<'_>) -> Result<usize, Errno> {
        let tty = &self.tty;
        if self.is_dead() {
            return Ok(0);
        }
        if to.remaining() == 0 {
            return Ok(0);
        }
        tty.check_foreground(Signal::SIGTTIN)?;
        let _reading = if file.nonblocking() {
            tty.reading.try_lock().ok_or(Errno::EAGAIN)?
        } else {
            tty.reading.lock_interruptible(WaitKind::Interruptible).map_err(|_| Errno::RESTART_SYS)?
        };
        let (patience, canonical) = Patience::of(tty);
        let mut timeout = patience.first;
        loop {
            let mut chunk = [0; 512];
            let (count, ended) = {
                let mut effects = Effects::default();
                let wanted = to.remaining().min(chunk.len());
                let place = chunk.get_mut(..wanted).unwrap_or_default();
                let taken = tty.line.lock().take(place, &mut effects);
                if taken.0 > 0 || taken.1 {
                    tty.input_taken(&mut effects);
                }
                taken
            };
            if count > 0
                && let Err(error) = to.put(chunk.get(..count).unwrap_or_default())
            {
                return if to.done() > 0 { Ok(to.done()) } else { Err(error) };
            }
            if ended {
                return Ok(to.done());
            }
            if to.remaining() == 0 {
                return Ok(to.done());
            }
            if count > 0 {
                timeout = patience.between.or(timeout);
                if canonical || count == chunk.len() {
                    continue;
                }
            }
            if !canonical && to.done() >= patience.minimum {
                return Ok(to.done());
            }
            match self.wait_for_input(file, timeout) {
                Ok(true) => {}
                Ok(false) => return Ok(to.done()),
                Err(_) if to.done() > 0 => return Ok(to.done()),
                Err(error) => return Err(error),
            }
        }
    }

    fn write(&self, file: &OpenFile, _: &mut u64, from: &mut Source<'_>) -> Result<usize, Errno> {
        let tty = &self.tty;
        if self.is_dead() {
            return Err(Errno::EIO);
        }
        if tty.line.lock().has_local(LocalFlags::TOSTOP) {
            tty.check_foreground(Signal::SIGTTOU)?;
        }
        let _writing = if file.nonblocking() {
            tty.writing.try_lock().ok_or(Errno::EAGAIN)?
        } else {
            tty.writing.lock_interruptible(WaitKind::Interruptible).map_err(|_| Errno::RESTART_SYS)?
        };
        let mut written = 0;
        while from.remaining() > 0 {
            let mut chunk = [0; 512];
            let count = match from.take(&mut chunk) {
                Ok(count) => count,
                Err(error) if written == 0 => return Err(error),
                Err(_) => break,
            };
            let mut rest = chunk.get(..count).unwrap_or_default();
            while !rest.is_empty() {
                if self.is_dead() || tty.cut_off.load(Ordering::Acquire) {
                    return if written > 0 { Ok(written) } else { Err(Errno::EIO) };
                }
                let went = tty.output(rest);
                written += went;
                rest = rest.get(went..).unwrap_or_default();
                if went > 0 {
                    continue;
                }
                if file.nonblocking() {
                    return if written > 0 { Ok(written) } else { Err(Errno::EAGAIN) };
                }
                let ready = || {
                    let gone = self.is_dead() || tty.cut_off.load(Ordering::Acquire);
                    // Room for the widest byte, or processing might make no progress and spin.
                    (gone || tty.driver.room() >= 8).then_some(())
                };
                if let Err(interrupted) = tty.writable.wait(WaitKind::Interruptible, None, ready) {
                    return if written > 0 { Ok(written) } else { Err(restart(interrupted)) };
                }
            }
        }
        Ok(written)
    }

    fn poll(&self, _: &OpenFile, table: Option<&PollTable>) -> PollEvents {
        let tty = &self.tty;
        if let Some(table) = table {
            table.watch(&tty.readable, PollEvents::READABLE);
            table.watch(&tty.writable, PollEvents::WRITABLE);
        }
        if self.is_dead() {
            let all = PollEvents::READABLE | PollEvents::WRITABLE;
            return all | PollEvents::ERR | PollEvents::HUP;
        }
        let mut events = PollEvents::empty();
        let readable = {
            let line = tty.line.lock();
            let amount = if line.tenths() == 0 { line.minimum() } else { 1 };
            line.is_readable(amount)
        };
        events.set(PollEvents::READABLE, readable);
        events.set(PollEvents::HUP, tty.cut_off.load(Ordering::Acquire));
        /// Output that waits beyond this keeps writers from being woken (Linux's `WAKEUP_CHARS`).
        const FEW: usize = 256;
        events.set(PollEvents::WRITABLE, tty.driver.pending() < FEW && tty.driver.room() > 0);
        events
    }

    fn ioctl(&self, file: &OpenFile, call: &Ioctl<'_>) -> Result<i64, Errno> {
        if self.is_dead() {
            return Err(if call.command == abi::ioctl::TIOCSPGRP { Errno::ENOTTY } else { Errno::EIO });
        }
        ioctl::answer(&self.tty, file, call)
    }
}

impl OpenTty {
    /// Waits for input; false at the end of the file (hang-up) or of the time.
    fn wait_for_input(&self, file: &OpenFile, timeout: Option<Duration>) -> Result<bool, Errno> {
        let tty = &self.tty;
        let readable = || tty.line.lock().is_readable(1);
        if readable() {
            return Ok(true);
        }
        if tty.cut_off.load(Ordering::Acquire) {
            return Err(Errno::EIO);
        }
        if self.is_dead() || timeout == Some(Duration::ZERO) {
            return Ok(false);
        }
        if file.nonblocking() {
            return Err(Errno::EAGAIN);
        }
        let deadline: Option<Instant> = timeout.map(|time| chronos::clock::now() + time);
        let ready = || (readable() || self.is_dead() || tty.cut_off.load(Ordering::Acquire)).then_some(());
        match tty.readable.wait(WaitKind::Interruptible, deadline, ready) {
            Ok(()) => Ok(true),
            Err(chronos::WaitError::TimedOut) => Ok(false),
            Err(chronos::WaitError::Interrupted) => Err(Errno::RESTART_SYS),
        }
    }
}
