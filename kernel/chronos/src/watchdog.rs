//! Noticing a processor that is stuck: each one looks after the next, from a timer, also when it is idle.
//!
//! A processor that has served no timer for twice the [threshold](watchdog_threshold) either runs with interrupts off or with a handler that does not end; it is
//! sent an NMI, upon which it prints where it is. With one processor there is nobody to notice.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use core::time::Duration;

use hal::{CpuId, Once, PerCpu, cpu};

use crate::timer::{Timer, TimerHandler};

/// Linux's; an emulator's host may keep a processor waiting for a while.
const DEFAULT_THRESHOLD_SECONDS: u32 = 10;
/// How often in the threshold's time each processor shows that it lives, and looks after another.
const LOOKS: u32 = 2;

static THRESHOLD_SECONDS: AtomicU32 = AtomicU32::new(DEFAULT_THRESHOLD_SECONDS);

/// Half the seconds after which a processor counts as stuck (Linux's `watchdog_thresh`); 0 if nobody looks.
pub fn watchdog_threshold() -> u32 {
    THRESHOLD_SECONDS.load(Ordering::Relaxed)
}

/// Sets [it](watchdog_threshold); each processor keeps to it after its next look.
pub fn set_watchdog_threshold(seconds: u32) {
    THRESHOLD_SECONDS.store(seconds, Ordering::Relaxed);
}

fn threshold() -> Duration {
    Duration::from_secs(watchdog_threshold().into())
}

struct Watch {
    timer: Once<Timer>,
    /// When this processor will show again that it lives, in nanoseconds since boot; 0 before it takes part.
    due: AtomicU64,
    /// It was reported, and has not been seen since.
    reported: AtomicBool,
}

static WATCHES: PerCpu<Watch> = PerCpu::new(
    [const { Watch { timer: Once::new(), due: AtomicU64::new(0), reported: AtomicBool::new(false) } };
        cpu::MAX],
);

struct Tick;

impl TimerHandler for Tick {
    fn fire(&self) {
        let own = cpu::current();
        show_life(own);
        let next = CpuId::new(((own.index() + 1) % cpu::online()) as u32);
        let now = hal::time::now().as_nanos();
        let limit = threshold() * 2;
        if next != own && is_stuck(WATCHES.of(next).due.load(Ordering::Relaxed), now, limit) {
            report(next, limit);
        }
    }
}

/// Says whether a processor that was to show itself at `due` is stuck. What it promised counts: the threshold may have been
/// another one then.
fn is_stuck(due: u64, now: u64, limit: Duration) -> bool {
    let grace = limit - limit / (2 * LOOKS);
    due != 0 && !limit.is_zero() && u128::from(now.saturating_sub(due)) > grace.as_nanos()
}

fn show_life(own: CpuId) {
    let watch = WATCHES.of(own);
    // Also while nobody looks, so that a change is noticed.
    let due = hal::time::now() + threshold().max(Duration::from_secs(1)) / LOOKS;
    watch.due.store(due.as_nanos(), Ordering::Relaxed);
    watch.reported.store(false, Ordering::Relaxed);
    if let Some(timer) = watch.timer.get() {
        timer.set(due);
    }
}

fn report(stuck: CpuId, limit: Duration) {
    if !WATCHES.of(stuck).reported.swap(true, Ordering::Relaxed) {
        hal::emerg!(
            "watchdog",
            "processor {} has not served a timer for {} s",
            stuck.index(),
            limit.as_secs()
        );
        cpu::report(stuck);
    }
}

/// Lets this processor take part. Once on each, where there is more than one.
pub(crate) fn start() {
    let own = cpu::current();
    if WATCHES.of(own).timer.set(Timer::new(Arc::new(Tick))).is_ok() {
        show_life(own);
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::is_stuck;

    #[test]
    fn a_processor_that_is_overdue_is_stuck_and_one_that_does_not_take_part_is_not() {
        const SECOND: u64 = 1_000_000_000;
        const LIMIT: Duration = Duration::from_secs(20);
        let is_stuck = |due, now| is_stuck(due, now, LIMIT);
        assert!(!is_stuck(0, 100 * SECOND));
        // It is seen 5 s before it is due again.
        assert!(!is_stuck(86 * SECOND, 100 * SECOND));
        assert!(is_stuck(84 * SECOND, 100 * SECOND));
        assert!(!is_stuck(101 * SECOND, 100 * SECOND));
        assert!(!super::is_stuck(95 * SECOND, 96 * SECOND, Duration::from_secs(2)), "it promised no more");
        assert!(!super::is_stuck(1, 100 * SECOND, Duration::ZERO), "nobody looks");
    }
}
