//! A clock that is turned by hand.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::time::Instant;

static NOW: AtomicU64 = AtomicU64::new(1);
static DEADLINE: AtomicU64 = AtomicU64::new(u64::MAX);

pub(crate) fn now_nanos() -> u64 {
    NOW.load(Ordering::Relaxed)
}

pub(crate) fn conversion() -> (u64, u64) {
    (0, 1 << 32)
}

pub(super) fn advance(time: Duration) {
    NOW.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    serve();
}

pub(super) fn jump_to_deadline() {
    let deadline = DEADLINE.load(Ordering::Relaxed);
    assert_ne!(deadline, u64::MAX, "the simulated machine sleeps, and nothing will wake it");
    NOW.fetch_max(deadline, Ordering::Relaxed);
    serve();
}

/// Interrupts if the deadline has passed.
fn serve() {
    if now_nanos() >= DEADLINE.load(Ordering::Relaxed) {
        DEADLINE.store(u64::MAX, Ordering::Relaxed);
        if let Some(hooks) = crate::sched::hooks() {
            super::as_interrupt(|| hooks.timer(false));
        }
    }
}

/// Asks for one call of the scheduler's `timer` at this point in time on this processor, in place of an earlier wish; at once
/// if it has passed.
pub fn set_deadline(deadline: Option<Instant>) {
    DEADLINE.store(deadline.unwrap_or(Instant::NEVER).as_nanos(), Ordering::Relaxed);
}

/// The wall clock at [`Instant::BOOT`]: time since the epoch.
pub fn wall_at_boot() -> Duration {
    Duration::from_secs(1_700_000_000)
}

/// The rate of the processor's time-stamp counter.
pub fn tsc_khz() -> u64 {
    1_000_000
}
