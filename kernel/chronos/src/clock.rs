//! What time it is.

use core::sync::atomic::{AtomicI64, Ordering};
use core::time::Duration;

use crate::Instant;

/// What the wall clock was set forward or back by since boot, in nanoseconds.
static ADJUSTMENT: AtomicI64 = AtomicI64::new(0);

/// Time since boot.
#[inline]
pub fn now() -> Instant {
    hal::time::now()
}

/// The wall clock: time since the epoch (1970-01-01 00:00 UTC).
pub fn realtime() -> Duration {
    from_boot(now())
}

/// The wall clock at a point of monotonic time.
pub fn from_boot(instant: Instant) -> Duration {
    let wall = hal::time::wall_at_boot() + instant.since_boot();
    let adjustment = ADJUSTMENT.load(Ordering::Relaxed);
    let amount = Duration::from_nanos(adjustment.unsigned_abs());
    if adjustment < 0 { wall.saturating_sub(amount) } else { wall.saturating_add(amount) }
}

/// The point of monotonic time at which the wall clock shows `wall`, as it is set now; the boot for earlier times.
pub fn to_boot(wall: Duration) -> Instant {
    let (now, shown) = (now(), realtime());
    if wall >= shown {
        now.saturating_add(wall - shown)
    } else {
        Instant::from_nanos(
            now.as_nanos().saturating_sub(u64::try_from((shown - wall).as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

/// Sets the wall clock.
pub fn set_realtime(wall: Duration) {
    let unadjusted = hal::time::wall_at_boot() + now().since_boot();
    let nanos = |amount: Duration| i64::try_from(amount.as_nanos()).unwrap_or(i64::MAX);
    ADJUSTMENT.store(nanos(wall).saturating_sub(nanos(unadjusted)), Ordering::Relaxed);
}
