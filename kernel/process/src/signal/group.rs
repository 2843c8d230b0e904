//! What the threads of a process have in common as far as signals go.

use super::action::{Actions, Default, STOPPING, default_action};
use super::info::Info;
use super::pending::Pending;
use crate::thread::Thread;
use crate::tree::ExitStatus;
use abi::signal::SIG_DFL;
use abi::{SigSet, Signal};
use alloc::sync::Arc;
use alloc::vec::Vec;
use chronos::Work;
use core::sync::atomic::Ordering;

/// A stop of the whole process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// What stopped it.
    pub signal: Signal,
    /// Whether all threads have stopped, and the parent was told.
    pub complete: bool,
}

/// The threads of a process and what signals do to all of them.
pub struct Signals {
    /// The threads that have not ended, oldest first.
    pub threads: Vec<Arc<Thread>>,
    /// Signals for whichever thread takes them.
    pub pending: Pending,
    /// What is done on each signal.
    pub actions: Arc<Actions>,
    /// The process is to end, so.
    pub ending: Option<ExitStatus>,
    /// The number of the thread that executes a program: the others are to end.
    pub executing: Option<u32>,
    /// The process is to stop, or has.
    pub stop: Option<Stop>,
    /// It goes on after a stop, and the parent has not been told: the thread that finds this does so.
    pub continued: bool,
    /// No signal ends or stops it by its default action, but those that the kernel itself sends to that end: the first process.
    pub is_protected: bool,
}

impl Signals {
    /// No thread yet.
    pub fn new(actions: Arc<Actions>) -> Self {
        Self {
            threads: Vec::new(),
            pending: Pending::new(),
            actions,
            ending: None,
            executing: None,
            stop: None,
            continued: false,
            is_protected: false,
        }
    }

    /// Which thread is told of a signal for the process: its first thread if that takes the signal, else another one that does;
    /// one that sleeps where the signal ends the sleep, or runs, is as good as any other (Linux's `complete_signal`).
    /// `None`: all block it, and the first to unblock it takes it.
    pub fn receiver(&self, signal: Signal) -> Option<&Arc<Thread>> {
        let takes = |thread: &&Arc<Thread>| {
            !thread.blocked().contains(signal) && (signal == Signal::SIGKILL || !thread.is_parked())
        };
        let mut idle = self.threads.iter().filter(takes);
        // A thread that has something to do already is told of the signal last: it may be busy for long.
        let first = idle.next()?;
        if !first.pending_set().is_empty() {
            return Some(idle.find(|thread| thread.pending_set().is_empty()).unwrap_or(first));
        }
        Some(first)
    }

    /// Whether the default action of a signal spares the process.
    pub fn spares(&self, info: &Info) -> bool {
        self.is_protected && !(info.is_from_kernel() && SigSet::UNBLOCKABLE.contains(info.signal))
    }

    /// Whether sending a signal has no effect at all, now or later. `target` is the one thread it is for.
    pub fn ignores(&self, info: &Info, target: Option<&Thread>) -> bool {
        let signal = info.signal;
        let blocked = match target {
            Some(thread) => thread.blocked().contains(signal),
            None => self.threads.first().is_some_and(|thread| thread.blocked().contains(signal)),
        };
        if blocked {
            return false; // the action may change before the signal is taken
        }
        let action = self.actions.get(signal);
        let spared = action.handler == SIG_DFL && self.spares(info);
        spared || action.ignores(signal)
    }

    /// What sending `signal` does at once, whether or not it is delivered later: stop signals and `SIGCONT` cancel each other, and
    /// `SIGCONT` and `SIGKILL` end a stop. Says whether threads that wait for the end of a stop are to be woken.
    pub fn prepare(&mut self, signal: Signal) -> bool {
        const CONTINUE: SigSet = SigSet::EMPTY.with(Signal::SIGCONT);
        if STOPPING.contains(signal) {
            self.discard(CONTINUE);
            return false;
        }
        if signal == Signal::SIGCONT {
            self.discard(STOPPING);
        }
        if signal != Signal::SIGCONT && signal != Signal::SIGKILL {
            return false;
        }
        let Some(stop) = self.stop.take() else { return false };
        self.continued = signal == Signal::SIGCONT && stop.complete;
        true
    }

    /// Forgets pending signals of the process and of all its threads.
    pub fn discard(&mut self, which: SigSet) {
        self.pending.discard(which);
        for thread in &self.threads {
            thread.pending.lock_irq().discard(which);
        }
    }

    /// Ends the process with `status`, unless it is ending already; says whether this began it.
    pub fn end(&mut self, status: ExitStatus) -> bool {
        let begins = self.ending.is_none();
        if begins {
            self.ending = Some(status);
            self.stop = None;
        }
        for thread in &self.threads {
            thread.notify(Work::KILL);
        }
        begins
    }

    /// Begins a stop. Threads see it on their way to their program, or when it ends their wait.
    pub fn begin_stop(&mut self, signal: Signal) {
        if self.ending.is_some() || self.stop.is_some() {
            return;
        }
        self.stop = Some(Stop { signal, complete: false });
        for thread in &self.threads {
            thread.notify(Work::STOP);
        }
    }

    /// Notes that all threads have stopped, if they have and nobody noted it; gives the signal to be reported.
    pub fn complete_stop(&mut self) -> Option<Signal> {
        let stop = self.stop.as_mut().filter(|stop| !stop.complete)?;
        if !self.threads.iter().all(|thread| thread.is_parked.load(Ordering::Relaxed)) {
            return None;
        }
        stop.complete = true;
        Some(stop.signal)
    }

    /// Whether the signal, taken now, ends the process without further ado (so that the end need not wait for the receiver).
    pub fn is_fatal(&self, info: &Info) -> bool {
        let signal = info.signal;
        let by_default = self.actions.get(signal).handler == SIG_DFL;
        by_default && default_action(signal) == Default::Terminate && !self.spares(info)
    }
}
