//! Which thread runs first.

use core::sync::atomic::{AtomicU32, Ordering};

/// How a thread shares the processor (sched(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Runs before all fair threads, until it blocks; priority 1 (lowest) to 99.
    Fifo(u8),
    /// As [`Policy::Fifo`], but takes turns with threads of the same priority.
    RoundRobin(u8),
    /// Gets a share by weight.
    Fair,
    /// As [`Policy::Fair`], but does not take another's place when it wakes up.
    Batch,
    /// Gets very little of what others want, and makes place for them.
    Idle,
}

impl Policy {
    /// What an ordinary thread has.
    pub const NORMAL: Self = Self::Fair;

    /// Real-time threads come before fair ones; the higher real-time priority first.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Self::Fifo(priority) | Self::RoundRobin(priority) => 99 - priority.min(99),
            Self::Fair | Self::Batch | Self::Idle => FAIR_RANK,
        }
    }

    /// Says whether it runs before all fair threads.
    #[inline]
    pub(crate) fn is_real_time(self) -> bool {
        matches!(self, Self::Fifo(_) | Self::RoundRobin(_))
    }

    /// Says whether a thread that woke up may take the place of one with policy `running`, if their ranks and times say so.
    pub(crate) fn may_replace(self, running: Self) -> bool {
        match self {
            Self::Fifo(_) | Self::RoundRobin(_) | Self::Fair => true,
            Self::Batch => running == Self::Idle,
            Self::Idle => false,
        }
    }
}

/// The rank of all threads that share by weight.
pub(crate) const FAIR_RANK: u8 = 100;

/// All that says how a thread is scheduled (`sched_setattr(2)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheduling {
    /// How it shares the processor.
    pub policy: Policy,
    /// Its nice value, -20 to 19: the weight with fair policies, kept with others.
    pub nice: i8,
    /// Its children start with an ordinary policy if its own is real-time, and with nice 0 if its own is less.
    pub resets_on_fork: bool,
}

impl From<Policy> for Scheduling {
    fn from(policy: Policy) -> Self {
        Self { policy, nice: 0, resets_on_fork: false }
    }
}

impl Scheduling {
    /// What a child starts with.
    #[must_use]
    pub fn inherited(self) -> Self {
        match self {
            Self { resets_on_fork: false, .. } => self,
            Self { policy, .. } if policy.is_real_time() => Policy::NORMAL.into(),
            Self { nice, .. } => Self { nice: nice.max(0), resets_on_fork: false, ..self },
        }
    }

    /// The weight for the virtual run time.
    #[inline]
    pub(crate) fn weight(self) -> Weight {
        match self.policy {
            Policy::Fair | Policy::Batch => Weight::of_nice(self.nice),
            Policy::Idle => Weight::IDLE,
            Policy::Fifo(_) | Policy::RoundRobin(_) => Weight::NORMAL,
        }
    }

    const fn packed(self) -> u32 {
        let [kind, priority] = match self.policy {
            Policy::Fair => [0, 0],
            Policy::Fifo(priority) => [1, priority],
            Policy::RoundRobin(priority) => [2, priority],
            Policy::Batch => [3, 0],
            Policy::Idle => [4, 0],
        };
        u32::from_be_bytes([self.resets_on_fork as u8, kind, priority, self.nice.cast_unsigned()])
    }

    #[inline]
    const fn unpacked(packed: u32) -> Self {
        let [resets, kind, priority, nice] = packed.to_be_bytes();
        let policy = match kind {
            0 => Policy::Fair,
            1 => Policy::Fifo(priority),
            2 => Policy::RoundRobin(priority),
            3 => Policy::Batch,
            _ => Policy::Idle,
        };
        Self { policy, nice: nice.cast_signed(), resets_on_fork: resets != 0 }
    }
}

/// How a thread is scheduled: read at every switch, and changed by others meanwhile.
pub(crate) struct AtomicScheduling(AtomicU32);

impl AtomicScheduling {
    pub const fn new(scheduling: Scheduling) -> Self {
        Self(AtomicU32::new(scheduling.packed()))
    }

    #[inline]
    pub fn load(&self) -> Scheduling {
        Scheduling::unpacked(self.0.load(Ordering::Relaxed))
    }

    pub fn store(&self, scheduling: Scheduling) {
        self.0.store(scheduling.packed(), Ordering::Relaxed);
    }
}

/// The share of a fair thread: a thread of twice the weight gets twice the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(u32);

impl Weight {
    /// That of nice 0.
    pub const NORMAL: Self = Self(1024);
    /// That of [`Policy::Idle`], as Linux's.
    pub const IDLE: Self = Self(3);

    /// Each step of nice changes the share by a factor of 1.25 (as sched(7) describes for Linux).
    pub const fn of_nice(nice: i8) -> Self {
        if nice == 0 {
            return Self::NORMAL;
        }
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
    use super::{AtomicScheduling, Policy, Scheduling, Weight};

    #[test]
    fn what_is_stored_is_read() {
        let policies = [Policy::Fair, Policy::Fifo(99), Policy::RoundRobin(1), Policy::Batch, Policy::Idle];
        let cell = AtomicScheduling::new(Policy::Batch.into());
        for policy in policies {
            for (nice, resets_on_fork) in [(-20, false), (19, true)] {
                let scheduling = Scheduling { policy, nice, resets_on_fork };
                cell.store(scheduling);
                assert_eq!(cell.load(), scheduling);
                assert_eq!(AtomicScheduling::new(scheduling).load(), scheduling);
            }
        }
    }

    #[test]
    fn a_child_starts_anew_where_that_was_asked_for() {
        let of = |policy, nice, resets_on_fork| Scheduling { policy, nice, resets_on_fork };
        let inherited = |policy, nice, resets| of(policy, nice, resets).inherited();
        assert_eq!(inherited(Policy::Fifo(5), -3, false), of(Policy::Fifo(5), -3, false));
        assert_eq!(inherited(Policy::Fifo(5), 3, true), of(Policy::Fair, 0, false));
        assert_eq!(inherited(Policy::Batch, -3, true), of(Policy::Batch, 0, false));
        assert_eq!(inherited(Policy::Idle, 3, true), of(Policy::Idle, 3, false));
    }

    #[test]
    fn nice_steps_change_the_share_by_a_quarter() {
        assert_eq!(Weight::of_nice(0), Weight::NORMAL);
        assert_eq!(Weight::of_nice(-1), Weight(1280));
        assert_eq!(Weight::of_nice(1), Weight(819));
        assert!(Weight::of_nice(19) < Weight::of_nice(18) && Weight::of_nice(127) == Weight::of_nice(19));
        let weight = |policy| Scheduling { policy, nice: 19, resets_on_fork: false }.weight();
        assert!(
            weight(Policy::Idle) < weight(Policy::Batch) && weight(Policy::Batch) == weight(Policy::Fair)
        );
    }

    #[test]
    fn real_time_comes_before_fair() {
        assert!(Policy::Fifo(99).rank() < Policy::RoundRobin(1).rank());
        assert!(Policy::RoundRobin(1).rank() < Policy::NORMAL.rank());
        assert!(!Policy::Batch.may_replace(Policy::Fair) && !Policy::Idle.may_replace(Policy::Idle));
        assert!(Policy::Batch.may_replace(Policy::Idle) && Policy::Fair.may_replace(Policy::Batch));
    }
}
