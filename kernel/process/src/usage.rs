//! What programs used: processor time, faults.

use crate::thread::Thread;
use abi::process::Rusage;
use abi::time::USER_HZ;
use core::time::Duration;

/// An amount of means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time in the program.
    pub user: Duration,
    /// Processor time in the kernel for it.
    pub system: Duration,
    /// The most memory that was resident, in KiB.
    pub peak_resident_kib: u64,
}

/// The sums a process keeps.
#[derive(Default)]
pub(crate) struct Accounts {
    /// Of its threads that have ended.
    pub own: Usage,
    /// Of its children that were waited for, and of theirs.
    pub children: Usage,
}

impl Usage {
    /// What a thread used so far.
    pub fn of_thread(thread: &Thread) -> Self {
        let (user, system) = thread.task().map_or_else(Default::default, |task| task.time().split());
        let peak = thread.program().map_or(0, |program| program.space.highest_resident() * 4);
        Self { user, system, peak_resident_kib: peak }
    }

    /// Adds times; the peak is the larger one.
    pub fn add(&mut self, other: &Self) {
        self.user = self.user.saturating_add(other.user);
        self.system = self.system.saturating_add(other.system);
        self.peak_resident_kib = self.peak_resident_kib.max(other.peak_resident_kib);
    }

    /// All processor time.
    pub fn total(&self) -> Duration {
        self.user.saturating_add(self.system)
    }

    /// The user's struct; what is not counted is 0.
    pub fn to_abi(self) -> Rusage {
        Rusage {
            ru_utime: self.user.into(),
            ru_stime: self.system.into(),
            ru_maxrss: i64::try_from(self.peak_resident_kib).unwrap_or(i64::MAX),
            ..Rusage::default()
        }
    }
}

/// A time in the ticks that `times`, `siginfo` and `/proc` use.
pub fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_nanos() / u128::from(1_000_000_000 / USER_HZ)).unwrap_or(u64::MAX)
}
