//! A process in the tree, and how one ends.

use abi::Signal;
use alloc::collections::BTreeSet;

/// How a process ended, as `wait` encodes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitStatus(pub i32);

impl ExitStatus {
    /// By `exit`.
    pub const fn exited(code: i32) -> Self {
        Self((code & 0xff) << 8)
    }

    /// By a signal.
    pub const fn killed(signal: Signal) -> Self {
        Self(signal.as_i32())
    }

    /// The signal that ended it.
    pub fn signal(self) -> Option<Signal> {
        Signal::from_user(self.0 & 0x7f)
    }

    /// The code given to `exit`, or the signal's number: `si_status`.
    pub fn detail(self) -> i32 {
        if self.0 & 0x7f == 0 { (self.0 >> 8) & 0xff } else { self.0 & 0x7f }
    }
}

/// What a parent has not been told yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How the process ended: it is a zombie.
    pub ended: Option<ExitStatus>,
    /// The signal that stopped it.
    pub stopped: Option<Signal>,
    /// It goes on after a stop.
    pub continued: bool,
}

/// A process in the tree.
pub struct Node<P> {
    /// The process.
    pub process: P,
    /// The number of its parent; 0 for the first process.
    pub parent: u32,
    /// Which of the parent's threads made it.
    pub creator: u32,
    /// Its children, in the order in which they came: (sequence, number).
    pub children: BTreeSet<(u64, u32)>,
    /// Its process group.
    pub group: u32,
    /// Its session.
    pub session: u32,
    /// What its end sends to the parent.
    pub exit_signal: Option<Signal>,
    /// Whether it has executed a program since it was made.
    pub has_executed: bool,
    /// Whether orphans below it become its children.
    pub is_subreaper: bool,
    /// Its last thread has ended: its group can no longer be continued through it. Set before its children are given away, which
    /// may find out that they were.
    pub is_leaving: bool,
    /// What the parent has not been told yet.
    pub report: Report,
    /// When it became its parent's child.
    pub(super) sequence: u64,
}

impl<P> Node<P> {
    /// Whether it has ended and waits for its parent to ask.
    pub fn is_zombie(&self) -> bool {
        self.report.ended.is_some()
    }
}
