//! Waiting for children.

use crate::current::Current;
use crate::process::Process;
use crate::table::{self, ProcessTree};
use crate::tree::{ExitStatus, Node};
use crate::usage::Usage;
use abi::signal::code;
use abi::{Errno, Signal, Uid, WaitFlags};
use alloc::sync::Arc;
use chronos::{WaitError, WaitKind};

/// Which children are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Any.
    Any,
    /// The one with this number.
    Process(u32),
    /// Those of a process group.
    Group(u32),
}

/// What a wait found.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// The child.
    pub pid: u32,
    /// Its real user.
    pub uid: Uid,
    /// What happened.
    pub event: Event,
    /// What the child used.
    pub usage: Usage,
}

/// What happened to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It ended.
    Ended(ExitStatus),
    /// A signal stopped it.
    Stopped(Signal),
    /// It goes on.
    Continued,
}

impl Event {
    /// The status word of `wait4`.
    pub fn status(self) -> i32 {
        match self {
            Self::Ended(status) => status.0,
            Self::Stopped(signal) => signal.as_i32() << 8 | 0x7f,
            Self::Continued => 0xffff,
        }
    }

    /// `si_code` and `si_status` of `waitid`.
    pub fn code_and_status(self) -> (i32, i32) {
        match self {
            Self::Ended(status) if status.signal().is_some() => (code::CLD_KILLED, status.detail()),
            Self::Ended(status) => (code::CLD_EXITED, status.detail()),
            Self::Stopped(signal) => (code::CLD_STOPPED, signal.as_i32()),
            Self::Continued => (code::CLD_CONTINUED, Signal::SIGCONT.as_i32()),
        }
    }
}

/// Whether a child is one of those that a wait is about.
fn is_meant<P>(pid: u32, child: &Node<P>, which: Which, options: WaitFlags, caller_tid: u32) -> bool {
    let chosen = match which {
        Which::Any => true,
        Which::Process(number) => number == pid,
        Which::Group(group) => group == child.group,
    };
    let is_clone = child.exit_signal != Some(Signal::SIGCHLD);
    let kind = options.contains(WaitFlags::ALL) || is_clone == options.contains(WaitFlags::CLONE);
    let maker = !options.contains(WaitFlags::NOTHREAD) || child.creator == caller_tid;
    chosen && kind && maker
}

/// What there is to report of a child; unless it is only looked at, it is reported once.
fn take_event<P>(child: &mut Node<P>, options: WaitFlags) -> Option<Event> {
    let keep = options.contains(WaitFlags::NOWAIT);
    if let Some(status) = child.report.ended {
        // The caller reaps it: only there does the number become free.
        return options.contains(WaitFlags::EXITED).then_some(Event::Ended(status));
    }
    if options.contains(WaitFlags::STOPPED)
        && let Some(signal) = child.report.stopped
    {
        if !keep {
            child.report.stopped = None;
        }
        return Some(Event::Stopped(signal));
    }
    if options.contains(WaitFlags::CONTINUED) && child.report.continued {
        child.report.continued = keep;
        return Some(Event::Continued);
    }
    None
}

enum Scan {
    /// No child is one of those meant.
    None,
    /// There are some, and nothing to report.
    Wait,
    /// Something to report.
    Found(Arc<Process>, Event),
}

fn scan(tree: &mut ProcessTree, parent: u32, tid: u32, which: Which, options: WaitFlags) -> Scan {
    let mut any = false;
    // Looked at by sequence: each step finds the next child anew, as one may be changed.
    let mut after = 0;
    while let Some((sequence, pid)) = tree.next_child(parent, after) {
        after = sequence;
        let Some(child) = tree.get_mut(pid) else { continue };
        if !is_meant(pid, child, which, options, tid) {
            continue;
        }
        any = true;
        if let Some(event) = take_event(child, options) {
            return Scan::Found(child.process.clone(), event);
        }
    }
    if any { Scan::Wait } else { Scan::None }
}

/// `wait4` and `waitid`: waits until a child has something to report. `None`: nothing yet, and `WNOHANG` was given.
///
/// # Errors
/// `ECHILD`: no such child; [`Errno::RESTART_SYS`]: a signal came.
pub fn wait_for_child(current: &Current, which: Which, options: WaitFlags) -> Result<Option<Change>, Errno> {
    let parent = &current.process;
    let tid = current.tid();
    let look = || {
        let found = table::with(|tree| {
            let found = scan(tree, parent.pid(), tid, which, options);
            // Reaped under the same lock: two threads that wait cannot both get the child.
            let reaped = match &found {
                Scan::Found(process, Event::Ended(_)) if !options.contains(WaitFlags::NOWAIT) => {
                    tree.reap(process.pid())
                }
                _ => None,
            };
            (found, reaped)
        });
        match found.0 {
            Scan::None => Some(Err(Errno::ECHILD)),
            Scan::Wait if options.contains(WaitFlags::NOHANG) => Some(Ok(None)),
            Scan::Wait => None,
            Scan::Found(process, event) => Some(Ok(Some((process, event, found.1.is_some())))),
        }
    };
    let outcome = parent.child_events.wait(WaitKind::Interruptible, None, look);
    let found = match outcome {
        Ok(found) => found?,
        Err(WaitError::Interrupted | WaitError::TimedOut) => return Err(Errno::RESTART_SYS),
    };
    let Some((process, event, reaped)) = found else { return Ok(None) };
    let mut usage = process.usage();
    usage.add(&process.children_usage());
    if reaped {
        parent.accounts.lock_irq().children.add(&usage);
    }
    Ok(Some(Change { pid: process.pid(), uid: process.cred().uid, event, usage }))
}

#[cfg(test)]
mod tests {
    use super::{Event, Which, is_meant, take_event};
    use crate::tree::{ExitStatus, Tree};
    use abi::{Signal, WaitFlags};

    fn family() -> Tree<(), ()> {
        let mut tree = Tree::new(());
        tree.add_process(1, 0, 0, None, ());
        tree.add_process(2, 1, 1, Some(Signal::SIGCHLD), ());
        tree.add_process(3, 1, 1, None, ());
        tree
    }

    #[test]
    fn a_stop_is_reported_once_and_only_if_asked_for() {
        let mut tree = family();
        let child = tree.get_mut(2).unwrap();
        child.report.stopped = Some(Signal::SIGTSTP);
        assert_eq!(take_event(child, WaitFlags::EXITED), None);
        let keep = WaitFlags::STOPPED | WaitFlags::NOWAIT;
        assert_eq!(take_event(child, keep), Some(Event::Stopped(Signal::SIGTSTP)));
        assert_eq!(take_event(child, WaitFlags::STOPPED), Some(Event::Stopped(Signal::SIGTSTP)));
        assert_eq!(take_event(child, WaitFlags::STOPPED), None);
    }

    #[test]
    fn an_end_hides_what_came_before() {
        let mut tree = family();
        let child = tree.get_mut(2).unwrap();
        child.report.continued = true;
        child.report.ended = Some(ExitStatus::exited(1));
        assert_eq!(take_event(child, WaitFlags::CONTINUED), None);
        assert_eq!(take_event(child, WaitFlags::EXITED), Some(Event::Ended(ExitStatus::exited(1))));
    }

    #[test]
    fn clone_children_are_waited_for_only_on_demand() {
        let tree = family();
        let meant = |pid, options| is_meant(pid, tree.get(pid).unwrap(), Which::Any, options, 1);
        assert!(meant(2, WaitFlags::empty()) && !meant(3, WaitFlags::empty()));
        assert!(!meant(2, WaitFlags::CLONE) && meant(3, WaitFlags::CLONE));
        assert!(meant(2, WaitFlags::ALL) && meant(3, WaitFlags::ALL));
        assert!(!is_meant(2, tree.get(2).unwrap(), Which::Any, WaitFlags::NOTHREAD, 7));
    }

    #[test]
    fn status_words_are_those_of_wait() {
        assert_eq!(Event::Stopped(Signal::SIGSTOP).status(), 0x137f);
        assert_eq!(Event::Continued.status(), 0xffff);
        assert_eq!(Event::Ended(ExitStatus::killed(Signal::SIGKILL)).code_and_status(), (2, 9));
    }
}
