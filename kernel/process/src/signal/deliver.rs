//! On the way back to the program: what pending signals do.

use super::action::{Action, Default, default_action};
use super::fault;
use super::frame;
use super::info::Info;
use super::restart::{self, Cause};
use super::wait;
use crate::current::Current;
use crate::exit;
use crate::table;
use crate::tree::ExitStatus;
use abi::signal::{SIG_DFL, SIG_IGN, SaFlags};
use abi::{SigSet, Signal};
use chronos::{Events, WaitKind, Work};
use core::sync::atomic::Ordering;

/// What is to be done next.
enum Next {
    /// The thread ends.
    End(ExitStatus),
    /// It waits until the process goes on.
    Stop,
    /// The parent is told that the process goes on.
    TellContinued,
    /// A signal does what its action says.
    Signal(Info, Action),
    /// Back to the program.
    Nothing,
}

/// Sees to everything that the work word asks for, until the thread may go back to its program or ends ([`Current::end`]).
#[cold]
pub(crate) fn see_to_work(current: &mut Current) {
    if current.end.is_some() {
        return;
    }
    loop {
        // Cleared before looking: what comes later sets the bit again.
        current.task.clear_work(Work::SIGNAL | Work::STOP | Work::TIMER);
        match next(current) {
            Next::End(status) => {
                current.end = Some(status);
                return;
            }
            Next::Stop => wait_for_continue(current),
            Next::TellContinued => exit::tell_continued(&current.process),
            Next::Signal(info, action) => {
                if act(current, info, action) {
                    return;
                }
            }
            Next::Nothing => {
                resolve(current, Cause::NoHandler);
                if let Some(mask) = current.saved_mask.take() {
                    current.set_blocked(mask);
                }
                return;
            }
        }
    }
}

fn next(current: &Current) -> Next {
    let own_tid = current.thread.tid();
    let mut signals = current.process.signals.lock_irq();
    if let Some(status) = signals.ending {
        return Next::End(status);
    }
    if signals.executing.is_some_and(|tid| tid != own_tid) {
        return Next::End(ExitStatus::exited(0));
    }
    if signals.stop.is_some() {
        return Next::Stop;
    }
    if core::mem::take(&mut signals.continued) {
        return Next::TellContinued;
    }
    let wanted = SigSet::ALL.difference(current.thread.blocked());
    let Some(info) = wait::take_of(&current.thread, &mut signals, wanted) else { return Next::Nothing };
    let action = signals.actions.get(info.signal);
    if action.is_caught() && action.flags.contains(SaFlags::RESETHAND) {
        signals.actions.reset(info.signal);
    }
    Next::Signal(info, action)
}

/// Does what the action says; says whether the thread goes back to its program (a handler runs).
fn act(current: &mut Current, info: Info, action: Action) -> bool {
    let signal = info.signal;
    match action.handler {
        SIG_IGN => false,
        SIG_DFL => {
            let spared = current.process.signals.lock_irq().spares(&info);
            if !spared {
                act_by_default(current, signal);
            }
            false
        }
        _ => {
            resolve(current, Cause::Handler { restart: action.flags.contains(SaFlags::RESTART) });
            let mask = current.saved_mask.take().unwrap_or_else(|| current.thread.blocked());
            if frame::enter_handler(current, &info, &action, mask).is_err() {
                // No room on the stack: the program cannot go on, unless it handles SIGSEGV on another stack.
                current.set_blocked(mask);
                fault::force_segv(current, signal);
                return false;
            }
            let mut blocked = current.thread.blocked().union(action.mask);
            if !action.flags.contains(SaFlags::NODEFER) {
                blocked = blocked.with(signal);
            }
            current.set_blocked(blocked);
            // More signals may be deliverable: their handlers run before this one's first instruction, as on Linux.
            !current.task.work().contains(Work::SIGNAL)
        }
    }
}

fn act_by_default(current: &mut Current, signal: Signal) {
    match default_action(signal) {
        Default::Ignore | Default::Continue => {}
        Default::Stop => {
            if signal != Signal::SIGSTOP && is_orphaned(current) {
                return; // nobody is there to continue it (POSIX)
            }
            current.process.signals.lock_irq().begin_stop(signal);
        }
        Default::Terminate | Default::Core => {
            current.process.signals.lock_irq().end(ExitStatus::killed(signal));
            current.process.thread_events.wake_all(Events::all());
        }
    }
}

fn is_orphaned(current: &Current) -> bool {
    table::with(|tree| tree.get(current.pid()).is_some_and(|node| tree.is_orphaned(node.group)))
}

/// Waits, as a thread of a stopped process, until the process goes on or ends.
fn wait_for_continue(current: &mut Current) {
    let process = &current.process;
    current.thread.is_parked.store(true, Ordering::Relaxed);
    let completed = process.signals.lock_irq().complete_stop();
    if let Some(signal) = completed {
        exit::tell_stopped(process, signal);
    }
    // A thread that is killed leaves with an error; that is as good an end of the wait as any.
    let _ = process.thread_events.wait(WaitKind::Killable, None, || {
        let signals = process.signals.lock_irq();
        (signals.stop.is_none() || signals.ending.is_some()).then_some(())
    });
    current.thread.is_parked.store(false, Ordering::Relaxed);
}

fn resolve(current: &mut Current, cause: Cause) {
    if let Some((number, outcome)) = current.interrupted.take() {
        restart::resolve(&mut current.context.regs, number, outcome, cause);
    }
}
