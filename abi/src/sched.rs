//! Scheduling: the policies (`sched(7)`) and `struct sched_attr`.
#![expect(missing_docs, reason = "fields bear the names of the man page")]

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `sched_setscheduler`: the ordinary, weighted-fair policy.
pub const SCHED_NORMAL: i32 = 0;
/// `sched_setscheduler`: first in, first out.
pub const SCHED_FIFO: i32 = 1;
/// `sched_setscheduler`: round robin.
pub const SCHED_RR: i32 = 2;
/// `sched_setscheduler`: batch.
pub const SCHED_BATCH: i32 = 3;
/// `sched_setscheduler`: idle.
pub const SCHED_IDLE: i32 = 5;
/// `sched_setscheduler`: earliest deadline first.
pub const SCHED_DEADLINE: i32 = 6;
/// A bit of the policy: children do not inherit it.
pub const SCHED_RESET_ON_FORK: i32 = 0x4000_0000;

/// `struct sched_attr` of `sched_setattr`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SchedAttr {
    /// Its own size in bytes.
    pub size: u32,
    pub policy: u32,
    /// `SCHED_FLAG_…`.
    pub flags: u64,
    pub nice: i32,
    pub priority: u32,
    /// Nanoseconds, for a deadline.
    pub runtime: u64,
    pub deadline: u64,
    pub period: u64,
    pub util_min: u32,
    pub util_max: u32,
}

impl SchedAttr {
    /// The bytes that it had at first.
    pub const FIRST_SIZE: usize = 48;

    /// Reads as much as there is; the rest is zero.
    pub fn from_prefix(bytes: &[u8]) -> Self {
        let mut attributes = Self::default();
        for (to, from) in attributes.as_mut_bytes().iter_mut().zip(bytes) {
            *to = *from;
        }
        attributes
    }

    /// The bytes that it had at first.
    pub fn first_version(&self) -> [u8; Self::FIRST_SIZE] {
        let mut bytes = [0; Self::FIRST_SIZE];
        for (to, from) in bytes.iter_mut().zip(self.as_bytes()) {
            *to = *from;
        }
        bytes
    }

    /// Says whether its times are a deadline's (sched(7), "Deadline scheduling").
    pub fn has_deadline(&self) -> bool {
        const LEAST: u64 = 1 << 10;
        const PERIODS: core::ops::RangeInclusive<u64> = 100_000..=4_194_304_000;
        let period = if self.period == 0 { self.deadline } else { self.period };
        (LEAST..=self.deadline).contains(&self.runtime)
            && self.deadline <= period
            && PERIODS.contains(&period)
    }
}

/// `sched_setattr`: children start anew.
pub const SCHED_FLAG_RESET_ON_FORK: u64 = 1;
/// `sched_setattr`: the policy stays.
pub const SCHED_FLAG_KEEP_POLICY: u64 = 8;
/// `sched_setattr`: priority and nice value stay.
pub const SCHED_FLAG_KEEP_PARAMS: u64 = 0x10;
/// `sched_setattr`: bounds of the processor's speed.
pub const SCHED_FLAG_UTIL_CLAMP: u64 = 0x60;
/// All flags of `sched_setattr`; those left concern deadlines.
pub const SCHED_FLAGS: u64 = 0x7f;
