//! Sending signals.

use super::info::Info;
use super::pending::{Pending, Room};
use crate::ids::may_signal;
use crate::process::Process;
use crate::table;
use crate::thread::Thread;
use crate::tree::ExitStatus;
use crate::user::Charge;
use abi::signal::code;
use abi::{Errno, Resource, Signal};
use alloc::sync::Arc;
use chronos::{Events, Work};
use core::sync::atomic::Ordering;

/// Whom a signal is for.
#[derive(Clone, Copy)]
enum Target<'a> {
    Process,
    Thread(&'a Arc<Thread>),
}

/// What became of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It is pending, or needs not be: the process ends, or an ordinary signal is pending already.
    Done,
    /// It was ignored.
    Ignored,
    /// There was no room for it.
    Refused,
}

/// Does something with the signals that are pending for a process or one thread.
fn with_pending<R>(process: &Process, target: Target<'_>, act: impl FnOnce(&mut Pending) -> R) -> R {
    match target {
        Target::Process => act(&mut process.signals.lock_irq().pending),
        Target::Thread(thread) => act(&mut thread.pending.lock_irq()),
    }
}

/// Makes room in a queue before its lock is taken for adding to it; says whether there was some.
fn make_room(process: &Process, target: Target<'_>) -> bool {
    loop {
        let wanted = with_pending(process, target, |pending| pending.wanted_room());
        if wanted == 0 {
            return true;
        }
        let Some(room) = Room::new(wanted) else { return false };
        drop(with_pending(process, target, |pending| pending.take_room(room)));
    }
}

fn target(thread: Option<&Arc<Thread>>) -> Target<'_> {
    thread.map_or(Target::Process, Target::Thread)
}

/// Keeps a place for the signals of a timer, to the process or to one thread; false: there is no memory. May allocate.
pub(crate) fn keep_place(process: &Process, thread: Option<&Arc<Thread>>) -> bool {
    let target = target(thread);
    loop {
        if !make_room(process, target) {
            return false;
        }
        // Another sender may have been faster.
        if with_pending(process, target, Pending::keep) {
            return true;
        }
    }
}

/// Ends the keeping of a timer's place; `mark` is called with the signals locked.
pub(crate) fn release_place(
    process: &Process,
    thread: Option<&Arc<Thread>>,
    timer: i32,
    mark: impl FnOnce(),
) {
    with_pending(process, target(thread), |pending| {
        mark();
        pending.release(timer);
    });
}

/// Sends the signal of a timer, which has a place for it, if `exists` says so with the signals locked. From interrupts, too.
pub(crate) fn of_timer(
    process: &Arc<Process>,
    thread: Option<&Arc<Thread>>,
    info: Info,
    timer: i32,
    exists: impl FnOnce() -> bool,
) -> Sent {
    deliver_to(process, target(thread), info, |pending| {
        if exists() {
            pending.add_of_timer(info, timer);
        }
        true
    })
}

/// Sends a signal to a process. May allocate; not from interrupts.
pub fn to_process(process: &Arc<Process>, info: Info) {
    let _ = queue_for_process(process, info); // only queued real-time signals can be refused
}

/// As [`to_process`], for a signal whose information must not be lost.
///
/// # Errors
/// `EAGAIN`: the receiver's user has `RLIMIT_SIGPENDING` signals queued, or there is no memory.
pub fn queue_for_process(process: &Arc<Process>, info: Info) -> Result<(), Errno> {
    queue(process, Target::Process, info)
}

/// Sends a signal to one thread.
pub fn to_thread(thread: &Arc<Thread>, info: Info) {
    let _ = queue_for_thread(thread, info); // as above
}

/// As [`to_thread`], for a signal whose information must not be lost.
///
/// # Errors
/// `EAGAIN`: see [`queue_for_process`].
pub fn queue_for_thread(thread: &Arc<Thread>, info: Info) -> Result<(), Errno> {
    queue(thread.process(), Target::Thread(thread), info)
}

fn queue(process: &Arc<Process>, target: Target<'_>, info: Info) -> Result<(), Errno> {
    // `kill` has no information that could be lost, and the kernel's own signals must arrive.
    let may_lose = !info.signal.is_realtime() || info.code == code::SI_USER || info.is_from_kernel();
    loop {
        // Ordinary signals are sent without a place in the account, too.
        let charge = if make_room(process, target) { charge_for(process) } else { None };
        let is_charged = charge.is_some();
        let sent = deliver_to(process, target, info, |pending| {
            if !is_charged && !may_lose {
                return false;
            }
            pending.add(info, charge, is_charged) || !is_charged
        });
        match sent {
            // Another sender took the room meanwhile.
            Sent::Refused if is_charged => {}
            Sent::Refused => return Err(Errno::EAGAIN),
            Sent::Done | Sent::Ignored => return Ok(()),
        }
    }
}

/// Sends a signal to a process from an interrupt: nothing is allocated, so its information may be lost.
pub fn from_interrupt(process: &Arc<Process>, info: Info) {
    deliver_to(process, Target::Process, info, |pending| {
        pending.add(info, None, false);
        true
    });
}

/// A place in the account of a process's user; `None` when its limit is reached.
pub(crate) fn charge_for(process: &Process) -> Option<Charge> {
    let limit = process.limits.current(Resource::Sigpending);
    let user = process.main_thread().map(|thread| thread.parts(|parts| parts.user.clone()))?;
    Charge::take(&user.queued_signals, limit)
}

/// `add` adds the signal to those that are pending; false: it could not be.
fn deliver_to(
    process: &Arc<Process>,
    target: Target<'_>,
    info: Info,
    add: impl FnOnce(&mut Pending) -> bool,
) -> Sent {
    let signal = info.signal;
    let mut signals = process.signals.lock_irq();
    if signals.threads.is_empty() || signals.ending.is_some() && signal != Signal::SIGKILL {
        return Sent::Done;
    }
    if signals.prepare(signal) {
        process.thread_events.wake_all(Events::all());
    }
    let one = match target {
        Target::Process => None,
        Target::Thread(thread) => Some(&**thread),
    };
    if signals.ignores(&info, one) {
        return Sent::Ignored;
    }
    let is_added = match target {
        Target::Process => add(&mut signals.pending),
        Target::Thread(thread) => add(&mut thread.pending.lock_irq()),
    };
    if !is_added {
        return Sent::Refused;
    }
    let receiver = match target {
        Target::Process => signals.receiver(signal).cloned(),
        Target::Thread(thread) => (!thread.blocked().contains(signal)).then(|| thread.clone()),
    };
    process.signal_events.wake_all(Events::IN | Events::RDNORM);
    let Some(receiver) = receiver else { return Sent::Done };
    if signals.is_fatal(&info) {
        signals.end(ExitStatus::killed(signal));
        process.thread_events.wake_all(Events::all());
    } else {
        receiver.notify(Work::SIGNAL);
    }
    Sent::Done
}

/// Who sends, for the checks and for `si_pid` and `si_uid`.
pub struct Sender<'a> {
    /// The thread.
    pub thread: &'a Arc<Thread>,
}

impl Sender<'_> {
    /// Whether it may send `signal` to a process (`kill(2)`).
    pub fn may_send(&self, process: &Arc<Process>, signal: Option<Signal>) -> bool {
        if Arc::ptr_eq(process, self.thread.process()) || may_signal(&self.thread.cred(), &process.cred()) {
            return true;
        }
        let own = self.thread.process().pid();
        signal == Some(Signal::SIGCONT) && table::session_of(process.pid()) == table::session_of(own)
    }

    /// The information of `kill`.
    pub fn info(&self, signal: Signal) -> Info {
        Info::user(signal, self.thread.process().pid(), self.thread.cred().uid)
    }

    fn send_checked(&self, process: &Arc<Process>, signal: Option<Signal>) -> Result<(), Errno> {
        if !self.may_send(process, signal) {
            return Err(Errno::EPERM);
        }
        if let Some(signal) = signal {
            to_process(process, self.info(signal));
        }
        Ok(())
    }

    /// `kill`: to a process (a positive number), the own group (0), everybody (-1) or a group (below). Without a signal only the
    /// checks are made.
    ///
    /// # Errors
    /// `ESRCH`: nobody there; `EPERM`: none of them may be sent to.
    pub fn kill(&self, number: i32, signal: Option<Signal>) -> Result<(), Errno> {
        let own = self.thread.process();
        if let Ok(pid) = u32::try_from(number)
            && pid > 0
        {
            let process = table::process(pid).or_else(|| Some(table::thread(pid)?.process().clone()));
            let process = process.ok_or(Errno::ESRCH)?;
            return self.send_checked(&process, signal);
        }
        // All under the tree's lock: a member that forks meanwhile either has the signal first, or its child is found.
        let mut result = Err(Errno::ESRCH);
        table::with(|tree| {
            let mut send = |process: &Arc<Process>| match self.send_checked(process, signal) {
                Ok(()) => result = Ok(()),
                Err(error) => result = result.or(Err(error)),
            };
            if number == -1 {
                let others = tree.processes().filter(|(pid, _)| *pid != 1 && *pid != own.pid());
                others.for_each(|(_, node)| send(&node.process));
            } else {
                let own_group = || tree.get(own.pid()).map(|node| node.group);
                let group = if number == 0 { own_group() } else { Some(number.unsigned_abs()) };
                let members = group.into_iter().flat_map(|group| tree.members(group));
                members.for_each(|(_, node)| send(&node.process));
            }
        });
        // To everybody: those that may not be reached don't count.
        if number == -1 && result == Err(Errno::EPERM) { Ok(()) } else { result }
    }

    /// `tgkill`, and `tkill` without a process number.
    ///
    /// # Errors
    /// `ESRCH`: no such thread (in that process); `EPERM`; `EAGAIN`: a real-time signal cannot be queued.
    pub fn thread_kill(&self, pid: Option<u32>, tid: u32, signal: Option<Signal>) -> Result<(), Errno> {
        let thread = table::thread(tid).ok_or(Errno::ESRCH)?;
        if pid.is_some_and(|pid| pid != thread.process().pid()) {
            return Err(Errno::ESRCH);
        }
        if !self.may_send(thread.process(), signal) {
            return Err(Errno::EPERM);
        }
        let Some(signal) = signal else { return Ok(()) };
        let info = Info::thread_kill(signal, self.thread.process().pid(), self.thread.cred().uid);
        queue_for_thread(&thread, info)
    }
}

/// Sends a signal to all members of a process group; says whether there are any. By the kernel: no permission is asked.
pub fn to_group(group: u32, info: Info) -> bool {
    // Under the tree's lock: see `Sender::kill`.
    table::with(|tree| tree.members(group).map(|(_, node)| to_process(&node.process, info)).count() > 0)
}

/// Whether a stop of the process is complete or under way.
pub fn is_stopped(process: &Process) -> bool {
    process.signals.lock_irq().stop.is_some()
}

/// Whether a thread of the process waits for the end of a stop.
pub fn is_parked(thread: &Thread) -> bool {
    thread.is_parked.load(Ordering::Relaxed)
}
