//! `ioctl` on terminals (`ioctl_tty(2)`).

use core::sync::atomic::Ordering;

use abi::ioctl as requests;
use abi::tty::{
    ControlFlags, InputFlags, LocalFlags, N_TTY, TCIFLUSH, TCIOFF, TCIOFLUSH, TCION, TCOFLUSH, TCOOFF, TCOON,
    Termio, Termios, Termios2, Winsize,
};
use abi::{Errno, Signal};
use alloc::sync::Arc;
use chroma::cred::Cap;
use chroma::file::{Ioctl, OpenFile};
use chroma::poll::restart;
use chronos::WaitKind;
use hal::user;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::line::Effects;
use super::{Tty, settings};

/// What a packet-mode master is told (`TIOCPKT`).
pub(crate) const PACKET_FLUSH_READ: u8 = 1;
pub(crate) const PACKET_FLUSH_WRITE: u8 = 2;
pub(crate) const PACKET_STOP: u8 = 4;
pub(crate) const PACKET_START: u8 = 8;
pub(crate) const PACKET_NO_STOP: u8 = 16;
pub(crate) const PACKET_DO_STOP: u8 = 32;
pub(crate) const PACKET_IOCTL: u8 = 64;

fn read<T: FromBytes + IntoBytes>(call: &Ioctl<'_>) -> Result<T, Errno> {
    user::read(call.address()).map_err(|_| Errno::EFAULT)
}

fn give<T: IntoBytes + Immutable>(call: &Ioctl<'_>, value: &T) -> Result<i64, Errno> {
    user::write(call.address(), value).map_err(|_| Errno::EFAULT)?;
    Ok(0)
}

/// When changed settings take effect.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Now,
    /// After what waits for output was sent.
    Drained,
    /// And input is thrown away.
    Flushed,
}

/// Answers a request for a terminal; also for a pseudo-terminal's slave when its master was asked.
pub(crate) fn answer(tty: &Arc<Tty>, file: &OpenFile, call: &Ioctl<'_>) -> Result<i64, Errno> {
    match call.command {
        requests::TCGETS => give(call, &tty.termios()),
        requests::TCGETS2 => give(call, &settings::with_speeds(&tty.termios())),
        requests::TCGETA => give(call, &old_style(&tty.termios())),
        requests::TCSETS => change(tty, read(call)?, When::Now),
        requests::TCSETSW => change(tty, read(call)?, When::Drained),
        requests::TCSETSF => change(tty, read(call)?, When::Flushed),
        requests::TCSETS2 => change(tty, settings::without_speeds(&read::<Termios2>(call)?), When::Now),
        requests::TCSETSW2 => change(tty, settings::without_speeds(&read::<Termios2>(call)?), When::Drained),
        requests::TCSETSF2 => change(tty, settings::without_speeds(&read::<Termios2>(call)?), When::Flushed),
        requests::TCSETA => change(tty, merged(&tty.termios(), &read(call)?), When::Now),
        requests::TCSETAW => change(tty, merged(&tty.termios(), &read(call)?), When::Drained),
        requests::TCSETAF => change(tty, merged(&tty.termios(), &read(call)?), When::Flushed),
        requests::TIOCGWINSZ => give(call, &tty.window()),
        requests::TIOCSWINSZ => {
            tty.set_window(read::<Winsize>(call)?);
            Ok(0)
        }
        requests::TIOCSCTTY => tty.acquire(call.cred, file.readable(), call.arg == 1).map(|()| 0),
        requests::TIOCNOTTY => tty.disown().map(|()| 0),
        requests::TIOCGPGRP => {
            tty.check_controls()?;
            give(call, &tty.foreground_number())
        }
        requests::TIOCSPGRP => {
            tty.check_foreground(Signal::SIGTTOU)?;
            tty.set_foreground(read(call)?).map(|()| 0)
        }
        requests::TIOCGSID => {
            tty.check_controls()?;
            let session = tty.session().ok_or(Errno::ENOTTY)?;
            let number = crate::job::control().map_or(0, |job_control| job_control.session_number(session));
            give(call, &number)
        }
        requests::FIONREAD => give(call, &count(tty.line.lock().readable_bytes())),
        requests::TIOCOUTQ => give(call, &count(tty.driver.pending())),
        requests::TCFLSH => flush(tty, call.arg),
        requests::TCXONC => flow(tty, call.arg),
        requests::TCSBRK | requests::TCSBRKP => {
            tty.check_foreground(Signal::SIGTTOU)?;
            drain(tty)?;
            // A break of a quarter of a second, unless `tcdrain` was meant.
            if call.command == requests::TCSBRKP || call.arg == 0 {
                send_break(tty)?;
            }
            Ok(0)
        }
        requests::TIOCSBRK | requests::TIOCCBRK => {
            tty.driver.set_break(call.command == requests::TIOCSBRK);
            Ok(0)
        }
        requests::TIOCSTI => {
            let controls = tty.check_controls().is_ok();
            if !controls && !call.cred.has(Cap::SYS_ADMIN) {
                return Err(Errno::EPERM);
            }
            let byte: u8 = read(call)?;
            tty.receive_bytes(&[byte]);
            Ok(0)
        }
        requests::TIOCEXCL => {
            tty.exclusive.store(true, Ordering::Release);
            Ok(0)
        }
        requests::TIOCNXCL => {
            tty.exclusive.store(false, Ordering::Release);
            Ok(0)
        }
        requests::TIOCGEXCL => give(call, &i32::from(tty.exclusive.load(Ordering::Acquire))),
        requests::TIOCGETD => give(call, &N_TTY),
        requests::TIOCSETD => {
            let discipline: i32 = read(call)?;
            if discipline == N_TTY { Ok(0) } else { Err(Errno::EINVAL) }
        }
        requests::TIOCGSOFTCAR => {
            give(call, &i32::from(tty.termios().c_cflag & ControlFlags::CLOCAL.bits() != 0))
        }
        requests::TIOCMGET => give(call, &tty.driver.modem().ok_or(Errno::ENOTTY)?),
        requests::TIOCMSET | requests::TIOCMBIS | requests::TIOCMBIC => {
            let now = tty.driver.modem().ok_or(Errno::ENOTTY)?;
            let lines: u32 = read(call)?;
            tty.driver.set_modem(match call.command {
                requests::TIOCMBIS => now | lines,
                requests::TIOCMBIC => now & !lines,
                _ => lines,
            });
            Ok(0)
        }
        requests::TIOCGDEV => give(call, &tty.number.encode()),
        requests::TIOCVHANGUP => {
            call.cred.require(Cap::SYS_ADMIN)?;
            tty.hang_up();
            Ok(0)
        }
        _ => tty.driver.ioctl(call),
    }
}

fn count(bytes: usize) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}

fn change(tty: &Arc<Tty>, new: Termios, when: When) -> Result<i64, Errno> {
    tty.check_foreground(Signal::SIGTTOU)?;
    if when != When::Now {
        drain(tty)?;
    }
    let mut effects = Effects::default();
    {
        let mut line = tty.line.lock();
        if when == When::Flushed {
            line.flush_input(&mut effects);
        }
        let old = *line.termios();
        line.set_termios(new, &mut effects);
        tty.apply_flow(&line, &mut effects);
        tty.driver.settings_changed(&new);
        let flow = stops_as_usual(&new);
        let external = (old.c_lflag ^ new.c_lflag) & LocalFlags::EXTPROC.bits() != 0;
        if external || flow != stops_as_usual(&old) {
            let event = if flow { PACKET_DO_STOP } else { PACKET_NO_STOP };
            tty.driver.packet_event(event | if external { PACKET_IOCTL } else { 0 });
        }
    }
    tty.finish(&effects);
    // What was flushed makes room, and so may another mode.
    tty.driver.input_possible(tty);
    tty.writable.wake_all(super::WRITABLE);
    Ok(0)
}

/// Whether ^S and ^Q control the flow, which a packet-mode master may then do by itself.
fn stops_as_usual(termios: &Termios) -> bool {
    const STOP: u8 = 0x13;
    const START: u8 = 0x11;
    termios.c_iflag & InputFlags::IXON.bits() != 0
        && settings::flow_character(termios, true) == Some(STOP)
        && settings::flow_character(termios, false) == Some(START)
}

/// Waits until all output was sent.
fn drain(tty: &Arc<Tty>) -> Result<(), Errno> {
    /// No interrupt tells of the end of what the device was given last. It is a few bytes.
    const LOOK_AGAIN: core::time::Duration = core::time::Duration::from_millis(1);
    let sent = || (tty.driver.pending() == 0).then_some(());
    tty.writable.wait(WaitKind::Interruptible, None, sent).map_err(restart)?;
    while !tty.driver.all_sent() {
        chronos::sleep(WaitKind::Interruptible, chronos::clock::now() + LOOK_AGAIN)
            .map_err(|_| Errno::RESTART_SYS)?;
    }
    Ok(())
}

fn send_break(tty: &Arc<Tty>) -> Result<(), Errno> {
    const BREAK: core::time::Duration = core::time::Duration::from_millis(250);
    tty.driver.set_break(true);
    let slept = chronos::sleep(WaitKind::Interruptible, chronos::clock::now() + BREAK);
    tty.driver.set_break(false);
    slept.map_err(|_| Errno::EINTR)
}

fn flush(tty: &Arc<Tty>, which: u64) -> Result<i64, Errno> {
    tty.check_foreground(Signal::SIGTTOU)?;
    let which = usize::try_from(which).unwrap_or(usize::MAX);
    if which > TCIOFLUSH {
        return Err(Errno::EINVAL);
    }
    let mut event = 0;
    if which == TCIFLUSH || which == TCIOFLUSH {
        let mut effects = Effects::default();
        tty.line.lock().flush_input(&mut effects);
        tty.input_taken(&mut effects);
        event |= PACKET_FLUSH_READ;
    }
    if which == TCOFLUSH || which == TCIOFLUSH {
        tty.driver.flush_output();
        event |= PACKET_FLUSH_WRITE;
        tty.output_possible();
    }
    tty.driver.packet_event(event);
    Ok(0)
}

fn flow(tty: &Arc<Tty>, action: u64) -> Result<i64, Errno> {
    tty.check_foreground(Signal::SIGTTOU)?;
    let action = usize::try_from(action).unwrap_or(usize::MAX);
    match action {
        TCOOFF | TCOON => {
            let mut line = tty.line.lock();
            line.hold(action == TCOOFF);
            tty.driver.set_stopped(line.is_stopped());
            tty.driver.packet_event(if action == TCOOFF { PACKET_STOP } else { PACKET_START });
            tty.output_possible();
        }
        TCIOFF | TCION => {
            if let Some(byte) = settings::flow_character(&tty.termios(), action == TCIOFF) {
                tty.driver.send_urgent(byte);
            }
        }
        _ => return Err(Errno::EINVAL),
    }
    if action == TCOON {
        tty.output_possible();
    }
    Ok(0)
}

impl Tty {
    /// `ENOTTY` unless this is the caller's controlling terminal.
    pub(crate) fn check_controls(self: &Arc<Self>) -> Result<(), Errno> {
        let current = crate::job::control().and_then(|job_control| job_control.controlling_terminal());
        if current.is_some_and(|tty| Arc::ptr_eq(&tty, self)) { Ok(()) } else { Err(Errno::ENOTTY) }
    }
}

/// `struct termio`: the low halves of the flags, and eight control characters.
fn old_style(termios: &Termios) -> Termio {
    let mut old = Termio {
        c_iflag: termios.c_iflag as u16,
        c_oflag: termios.c_oflag as u16,
        c_cflag: termios.c_cflag as u16,
        c_lflag: termios.c_lflag as u16,
        c_line: termios.c_line,
        ..Termio::default()
    };
    for (to, from) in old.c_cc.iter_mut().zip(termios.c_cc) {
        *to = from;
    }
    old
}

/// Settings changed by a `struct termio`.
fn merged(now: &Termios, old: &Termio) -> Termios {
    let low = |whole: u32, half: u16| whole & 0xffff_0000 | u32::from(half);
    let mut new = Termios {
        c_iflag: low(now.c_iflag, old.c_iflag),
        c_oflag: low(now.c_oflag, old.c_oflag),
        c_cflag: low(now.c_cflag, old.c_cflag),
        c_lflag: low(now.c_lflag, old.c_lflag),
        c_line: old.c_line,
        c_cc: now.c_cc,
    };
    for (to, from) in new.c_cc.iter_mut().zip(old.c_cc) {
        *to = from;
    }
    new
}
