//! Which thread runs first.

use core::sync::atomic::{AtomicU16, Ordering};

/// How a thread shares the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Runs before all fair threads, until it blocks; priority 1 (lowest) to 99.
    Fifo(u8),
    /// As [`Policy::Fifo`], but takes turns with threads of the same priority.
    RoundRobin(u8),
    /// Gets a share by weight; nice -20 (most) to 19.
    Fair(i8),
    /// Gets what nobody else wants.
    Batch,
}

impl Policy {
    /// What an ordinary thread has.
    pub const NORMAL: Self = Self::Fair(0);

    /// Real-time threads come before fair ones, those before batch ones; the higher real-time priority first.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Self::Fifo(priority) | Self::RoundRobin(priority) => 99 - priority.min(99),
            Self::Fair(_) => 100,
            Self::Batch => 140,
        }
    }

    const fn packed(self) -> u16 {
        u16::from_be_bytes(match self {
            Self::Fair(nice) => [0, nice.cast_unsigned()],
            Self::Fifo(priority) => [1, priority],
            Self::RoundRobin(priority) => [2, priority],
            Self::Batch => [3, 0],
        })
    }

    /// The weight for the virtual run time.
    pub(crate) fn weight(self) -> Weight {
        match self {
            Self::Fair(nice) => Weight::of_nice(nice),
            _ => Weight::NORMAL,
        }
    }

    /// Says whether the thread may be replaced by another of the same rank when its slice is over.
    pub(crate) fn takes_turns(self) -> bool {
        !matches!(self, Self::Fifo(_))
    }
}

/// A policy that is read at every switch, and changed by others meanwhile.
pub(crate) struct AtomicPolicy(AtomicU16);

impl AtomicPolicy {
    pub const fn new(policy: Policy) -> Self {
        Self(AtomicU16::new(policy.packed()))
    }

    #[inline]
    pub fn load(&self) -> Policy {
        let [kind, value] = self.0.load(Ordering::Relaxed).to_be_bytes();
        match kind {
            0 => Policy::Fair(value.cast_signed()),
            1 => Policy::Fifo(value),
            2 => Policy::RoundRobin(value),
            _ => Policy::Batch,
        }
    }

    pub fn store(&self, policy: Policy) {
        self.0.store(policy.packed(), Ordering::Relaxed);
    }
}

/// The share of a fair thread: a thread of twice the weight gets twice the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(u32);

impl Weight {
    /// That of nice 0.
    pub const NORMAL: Self = Self(1024);

    /// Each step of nice changes the share by a factor of 1.25 (as sched(7) describes for Linux).
    pub const fn of_nice(nice: i8) -> Self {
        let mut steps = if nice < -20 { 20 } else { nice.unsigned_abs() };
        if nice > 19 {
            steps = 19;
        }
        let mut weight: u64 = 1024 << 10;
        while steps > 0 {
            weight = if nice < 0 { weight * 5 / 4 } else { weight * 4 / 5 };
            steps -= 1;
        }
        Self((weight >> 10) as u32) // 15 to 88,817
    }

    /// How much the virtual run time grows when a thread of this weight runs for so many nanoseconds.
    pub(crate) fn virtual_nanos(self, nanos: u64) -> u64 {
        if self == Self::NORMAL { nanos } else { nanos.saturating_mul(1024) / u64::from(self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::{AtomicPolicy, Policy, Weight};

    #[test]
    fn a_policy_is_read_as_it_was_stored() {
        let cell = AtomicPolicy::new(Policy::Batch);
        for policy in
            [Policy::Fair(-20), Policy::Fair(19), Policy::Fifo(99), Policy::RoundRobin(1), Policy::Batch]
        {
            cell.store(policy);
            assert_eq!((cell.load(), AtomicPolicy::new(policy).load()), (policy, policy));
        }
    }

    #[test]
    fn nice_steps_change_the_share_by_a_quarter() {
        assert_eq!(Weight::of_nice(0), Weight::NORMAL);
        assert_eq!(Weight::of_nice(-1), Weight(1280));
        assert_eq!(Weight::of_nice(1), Weight(819));
        assert!(Weight::of_nice(19) < Weight::of_nice(18) && Weight::of_nice(127) == Weight::of_nice(19));
    }

    #[test]
    fn real_time_comes_before_fair_before_batch() {
        assert!(Policy::Fifo(99).rank() < Policy::RoundRobin(1).rank());
        assert!(Policy::RoundRobin(1).rank() < Policy::NORMAL.rank());
        assert!(Policy::NORMAL.rank() < Policy::Batch.rank());
    }
}
