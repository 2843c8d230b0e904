//! Taking signals without handlers.

use super::group::Signals;
use super::info::Info;
use crate::current::{self, Current};
use crate::thread::Thread;
use crate::timer::posix;
use abi::{Errno, PollEvents, SigSet};
use chroma::PollTable;
use chronos::{WaitError, WaitKind, WaitQueue};
use hal::Instant;

/// Takes a pending signal out of `wanted`, the thread's own first.
pub fn take(thread: &Thread, wanted: SigSet) -> Option<Info> {
    take_of(thread, &mut thread.process().signals.lock_irq(), wanted)
}

/// As [`take`], with the process's signals locked.
pub(super) fn take_of(thread: &Thread, signals: &mut Signals, wanted: SigSet) -> Option<Info> {
    let own = {
        let mut pending = thread.pending.lock_irq();
        pending.next(wanted).and_then(|signal| pending.take(signal))
    };
    let mut taken = own.or_else(|| {
        let signal = signals.pending.next(wanted)?;
        signals.pending.take(signal)
    })?;
    // A timer's signal tells, when it is taken, how often the timer expired meanwhile.
    if let Some(timer) = taken.timer {
        posix::signal_taken(thread.process(), timer, &mut taken.info);
    }
    Some(taken.info)
}

/// As [`take`], for the running thread (a file's operation).
pub fn take_of_thread(wanted: SigSet) -> Option<Info> {
    take(&*current::thread()?, wanted)
}

/// Waits until the running thread can take a signal out of `wanted`, which it blocks.
///
/// # Errors
/// [`Errno::RESTART_SYS`]: another signal came.
pub fn wait_of_thread(wanted: SigSet) -> Result<Info, Errno> {
    let thread = current::thread().ok_or(Errno::EAGAIN)?;
    let queue = thread.process().signal_events.clone();
    let taken = queue.wait(WaitKind::Interruptible, None, || take(&thread, wanted));
    taken.map_err(|_| Errno::RESTART_SYS)
}

/// Whether the running thread could take a signal out of `wanted`; with a table, it is told of signals that come.
pub fn poll_of_thread(wanted: SigSet, table: Option<&PollTable>) -> bool {
    let Some(thread) = current::thread() else { return false };
    if let Some(table) = table {
        table.watch(&thread.process().signal_events, PollEvents::IN);
    }
    let shared = thread.process().signals.lock_irq().pending.set();
    !shared.union(thread.pending_set()).intersection(wanted).is_empty()
}

/// `rt_sigtimedwait`: waits for a signal of `wanted` (which are blocked otherwise).
///
/// # Errors
/// `EAGAIN`: the deadline passed; `EINTR`: another signal came.
pub fn wait_for(current: &Current, wanted: SigSet, deadline: Option<Instant>) -> Result<Info, Errno> {
    let wanted = wanted.difference(SigSet::UNBLOCKABLE);
    if let Some(info) = take(&current.thread, wanted) {
        return Ok(info);
    }
    if deadline.is_some_and(|deadline| deadline <= chronos::clock::now()) {
        return Err(Errno::EAGAIN);
    }
    // They stay blocked: a signal that would be ignored by default is kept only while it is blocked.
    let queue = current.process.signal_events.clone();
    let taken = queue.wait(WaitKind::Interruptible, deadline, || take(&current.thread, wanted));
    taken.map_err(|error| if error == WaitError::TimedOut { Errno::EAGAIN } else { Errno::EINTR })
}

/// `rt_sigsuspend` and `pause`: waits for a signal to be handled. With a mask, that is in force meanwhile; the handler's
/// return, or the signal path if no handler runs, brings the present one back.
pub fn suspend(current: &mut Current, mask: Option<SigSet>) -> Errno {
    if let Some(mask) = mask {
        current.saved_mask = Some(current.thread.blocked());
        current.set_blocked(mask);
    }
    let nobody = WaitQueue::new();
    // The wait has one end: an interruption.
    let _ = nobody.wait(WaitKind::Interruptible, None, || None::<()>);
    Errno::RESTART_NO_HAND
}
