//! Controlling terminals: who may read and write, hang-up.

use core::sync::atomic::Ordering;

use abi::{Errno, Signal};
use alloc::boxed::Box;
use alloc::sync::Arc;
use chroma::FileOps;
use chroma::cred::{Cap, Cred};
use chroma::node::DeviceOpen;
use chronos::Events;

use super::{Control, OpenTty, Tty};
use crate::job::{self, GroupId, SessionId};

impl Tty {
    /// Checks that the caller may do what only the foreground does. A background process gets `signal` (its whole group
    /// does) and the call is restarted; `EIO` where the signal would change nothing for a read.
    pub(super) fn check_foreground(self: &Arc<Self>, signal: Signal) -> Result<(), Errno> {
        let Some(job_control) = job::control() else { return Ok(()) };
        let Some(caller) = job_control.caller() else { return Ok(()) };
        let controls = job_control.controlling_terminal().is_some_and(|tty| Arc::ptr_eq(&tty, self));
        let foreground = self.foreground();
        if !controls || foreground.is_none() || foreground == Some(caller.group) {
            return Ok(());
        }
        if job_control.is_ignored(signal) {
            return if signal == Signal::SIGTTIN { Err(Errno::EIO) } else { Ok(()) };
        }
        if job_control.is_orphaned(caller.group) {
            return Err(Errno::EIO);
        }
        job_control.signal_group(caller.group, signal);
        Err(Errno::RESTART_SYS)
    }

    /// Makes this the controlling terminal of the caller's session, if that has none and leads to nobody's loss: what
    /// opening a terminal does.
    pub(super) fn acquire_on_open(self: &Arc<Self>) {
        let Some(job_control) = job::control() else { return };
        let Some(caller) = job_control.caller() else { return };
        if !caller.is_leader || job_control.controlling_terminal().is_some() {
            return;
        }
        {
            let mut control = self.control.lock();
            if control.session.is_some() {
                return;
            }
            *control = Control { session: Some(caller.session), foreground: Some(caller.group) };
        }
        job_control.set_controlling_terminal(caller.session, Some(self.clone()));
    }

    /// `TIOCSCTTY`: `EPERM` unless the caller leads a session without a terminal, and nobody else's session has this one
    /// (the superuser may steal it with argument 1).
    pub(super) fn acquire(self: &Arc<Self>, cred: &Cred, readable: bool, steal: bool) -> Result<(), Errno> {
        let job_control = job::control().ok_or(Errno::EPERM)?;
        let caller = job_control.caller().ok_or(Errno::EPERM)?;
        let mine = self.session() == Some(caller.session);
        if caller.is_leader && mine {
            return Ok(());
        }
        if !caller.is_leader || job_control.controlling_terminal().is_some() {
            return Err(Errno::EPERM);
        }
        let robbed = self.session();
        if robbed.is_some() && !(steal && cred.has(Cap::SYS_ADMIN)) {
            return Err(Errno::EPERM);
        }
        if !readable && !cred.has(Cap::SYS_ADMIN) {
            return Err(Errno::EPERM);
        }
        if let Some(session) = robbed {
            job_control.set_controlling_terminal(session, None);
        }
        *self.control.lock() = Control { session: Some(caller.session), foreground: Some(caller.group) };
        job_control.set_controlling_terminal(caller.session, Some(self.clone()));
        Ok(())
    }

    /// `TIOCNOTTY`: the caller's process forgets the terminal; when it leads the session, all of the session does, and the
    /// foreground is hung up on.
    pub(super) fn disown(self: &Arc<Self>) -> Result<(), Errno> {
        let job_control = job::control().ok_or(Errno::ENOTTY)?;
        let caller = job_control.caller().ok_or(Errno::ENOTTY)?;
        if !job_control.controlling_terminal().is_some_and(|tty| Arc::ptr_eq(&tty, self)) {
            return Err(Errno::ENOTTY);
        }
        if caller.is_leader {
            self.session_ended(caller.session);
        } else {
            job_control.leave_terminal();
        }
        Ok(())
    }

    /// The leader of `session` ends, or gives the terminal up: `SIGHUP` and `SIGCONT` to the foreground (all of a
    /// pseudo-terminal stays usable; of other terminals the open files die), and the session has no terminal any more.
    pub fn session_ended(self: &Arc<Self>, session: SessionId) {
        let foreground = {
            let mut control = self.control.lock();
            if control.session != Some(session) {
                return;
            }
            core::mem::take(&mut *control).foreground
        };
        if let Some(job_control) = job::control() {
            hang_up_group(foreground);
            job_control.set_controlling_terminal(session, None);
        }
    }

    /// The leader of its session exits: the terminal is hung up (of a pseudo-terminal only the foreground is told).
    pub fn leader_exits(self: &Arc<Self>, session: SessionId) {
        if self.session() == Some(session) {
            if self.driver.is_pty() {
                self.session_ended(session);
            } else {
                self.hang_up();
            }
        }
    }

    /// Hangs up: what is open becomes dead (reads give 0, writes `EIO`), the session loses its terminal, its leader and the
    /// foreground get `SIGHUP` and `SIGCONT`.
    pub fn hang_up(self: &Arc<Self>) {
        let control = core::mem::take(&mut *self.control.lock());
        self.hang_ups.fetch_add(1, Ordering::AcqRel);
        if let (Some(job_control), Some(session)) = (job::control(), control.session) {
            job_control.signal_leader(session, Signal::SIGHUP);
            job_control.signal_leader(session, Signal::SIGCONT);
            hang_up_group(control.foreground);
            job_control.set_controlling_terminal(session, None);
        }
        self.driver.flush_output();
        self.readable.wake_all(Events::all());
        self.writable.wake_all(Events::all());
    }

    /// `TIOCGPGRP`'s answer.
    pub(crate) fn foreground_number(&self) -> i32 {
        match (job::control(), self.foreground()) {
            (Some(job_control), Some(group)) => job_control.group_number(group),
            _ => 0,
        }
    }

    /// `TIOCSPGRP`: `ENOTTY` unless this is the caller's controlling terminal, `EPERM` for a group of another session,
    /// `ESRCH` if there is none.
    pub(super) fn set_foreground(self: &Arc<Self>, number: i32) -> Result<(), Errno> {
        let job_control = job::control().ok_or(Errno::ENOTTY)?;
        let caller = job_control.caller().ok_or(Errno::ENOTTY)?;
        let controls = job_control.controlling_terminal().is_some_and(|tty| Arc::ptr_eq(&tty, self));
        if !controls || self.session() != Some(caller.session) {
            return Err(Errno::ENOTTY);
        }
        if number < 0 {
            return Err(Errno::EINVAL);
        }
        let group = job_control.group_from_number(number).ok_or(Errno::ESRCH)?;
        match job_control.session_of(group) {
            None => return Err(Errno::ESRCH),
            Some(session) if session != caller.session => return Err(Errno::EPERM),
            Some(_) => {}
        }
        self.control.lock().foreground = Some(group);
        Ok(())
    }
}

fn hang_up_group(group: Option<GroupId>) {
    if let (Some(job_control), Some(group)) = (job::control(), group) {
        job_control.signal_group(group, Signal::SIGHUP);
        job_control.signal_group(group, Signal::SIGCONT);
    }
}

/// Opens `/dev/tty`: the caller's controlling terminal; `ENXIO` without one.
pub fn open_controlling(_open: &DeviceOpen<'_>) -> Result<Box<dyn FileOps>, Errno> {
    let tty =
        job::control().and_then(|job_control| job_control.controlling_terminal()).ok_or(Errno::ENXIO)?;
    Ok(Box::new(OpenTty::new(tty)))
}
