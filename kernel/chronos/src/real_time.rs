//! How much of a processor real-time threads may have before the others get their turn.
//!
//! Of each period (a second) real-time threads run for the run time (950 ms) before all others; what is left of it belongs to the
//! others, and to real-time threads what those do not want. So a program that never sleeps cannot shut out the shell that
//! would end it (sched(7), "Limiting the CPU usage of real-time"). Unlike on Linux 6.1 the processor does not stand idle.

use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use crate::Instant;

/// A period in microseconds, and how much of it real-time threads may have; -1: all.
static PERIOD_MICROS: AtomicU32 = AtomicU32::new(1_000_000);
static RUN_TIME_MICROS: AtomicI32 = AtomicI32::new(950_000);

/// The period, in microseconds (`sched_rt_period_us`).
pub fn period_micros() -> u32 {
    PERIOD_MICROS.load(Ordering::Relaxed)
}

/// How many microseconds of it real-time threads may have; negative: all (`sched_rt_runtime_us`).
pub fn run_time_micros() -> i32 {
    RUN_TIME_MICROS.load(Ordering::Relaxed)
}

/// Sets both; says whether that was possible: a period is not zero and not shorter than the run time.
pub fn set_limits(period_micros: u32, run_time_micros: i32) -> bool {
    let fits = u32::try_from(run_time_micros).map_or(run_time_micros == -1, |time| time <= period_micros);
    if period_micros == 0 || !fits {
        return false;
    }
    PERIOD_MICROS.store(period_micros, Ordering::Relaxed);
    RUN_TIME_MICROS.store(run_time_micros, Ordering::Relaxed);
    true
}

/// What a processor's real-time threads have had of the period.
pub(crate) struct Budget {
    began: Instant,
    used_nanos: u64,
}

impl Budget {
    pub(crate) const fn new() -> Self {
        Self { began: Instant::BOOT, used_nanos: 0 }
    }

    /// Takes note of `nanos` that real-time threads had up to `now`; says whether the others come first now.
    pub(crate) fn charge(&mut self, now: Instant, nanos: u64) -> bool {
        let Ok(run_time) = u64::try_from(run_time_micros()) else {
            self.used_nanos = 0;
            return false;
        };
        let (run_time, period) = (run_time.saturating_mul(1000), u64::from(period_micros()) * 1000);
        let passed = now.as_nanos().saturating_sub(self.began.as_nanos());
        if passed >= period {
            let periods = passed / period;
            self.began = Instant::BOOT
                .saturating_add(core::time::Duration::from_nanos(now.as_nanos() - passed % period));
            self.used_nanos = self.used_nanos.saturating_sub(run_time.saturating_mul(periods));
        }
        // What they had because nobody else wanted it is not held against them in the next period.
        self.used_nanos = self.used_nanos.saturating_add(nanos).min(run_time + 1);
        self.used_nanos > run_time && run_time < period
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::{Budget, set_limits};
    use crate::Instant;

    const MILLI: u64 = 1_000_000;

    fn at(millis: u64) -> Instant {
        Instant::BOOT.saturating_add(Duration::from_millis(millis))
    }

    #[test]
    fn others_come_first_from_the_run_time_on_until_the_period_is_over() {
        let mut budget = Budget::new();
        assert!(!budget.charge(at(950), 950 * MILLI));
        assert!(budget.charge(at(951), MILLI));
        assert!(budget.charge(at(999), 0));
        assert!(!budget.charge(at(1000), 0));
        assert!(!budget.charge(at(1900), 900 * MILLI));
        assert!(budget.charge(at(1960), 60 * MILLI));
    }

    #[test]
    fn what_nobody_else_wanted_is_not_held_against_the_next_period() {
        let mut budget = Budget::new();
        assert!(budget.charge(at(999), 999 * MILLI));
        assert!(!budget.charge(at(1001), 2 * MILLI));
        assert!(!budget.charge(at(60_000), 50_000 * MILLI - 1) || budget.charge(at(60_001), 0));
    }

    #[test]
    fn limits_have_to_fit() {
        assert!(!set_limits(0, 0) && !set_limits(1000, 1001) && !set_limits(1000, -2));
    }
}
