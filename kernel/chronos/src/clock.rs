//! What time it is.

use core::sync::atomic::{AtomicI64, Ordering};
use core::time::Duration;

use hal::vdso::TimePage;
use hal::{NoMemory, Once};

use crate::Instant;

/// What the wall clock was set forward or back by since boot, in nanoseconds.
static ADJUSTMENT: AtomicI64 = AtomicI64::new(0);

/// What programs see of the clocks.
struct Shown {
    page: TimePage,
    since_boot: u16,
    wall: u16,
}

static SHOWN: Once<Shown> = Once::new();

/// Shows programs the clocks with these numbers (a bit each): those that count from boot, and those that show wall time.
/// Once; a second call changes nothing.
///
/// # Errors
/// [`NoMemory`].
pub fn show(since_boot: u16, wall: u16) -> Result<(), NoMemory> {
    let _ = SHOWN.set(Shown { page: TimePage::new()?, since_boot, wall });
    publish();
    Ok(())
}

/// What programs see the clocks through; `None` before [`show`].
pub fn shown() -> Option<&'static TimePage> {
    SHOWN.get().map(|shown| &shown.page)
}

fn publish() {
    let Some(shown) = SHOWN.get() else { return };
    shown.page.publish(|| {
        // Modulo 2^64: a wall clock that was set back far may be behind the time since boot.
        let wall = hal::time::wall_at_boot().as_nanos() as u64;
        let wall = wall.wrapping_add(ADJUSTMENT.load(Ordering::Relaxed).cast_unsigned());
        core::array::from_fn(|clock| {
            let is_in = |clocks: u16| clocks >> clock & 1 != 0;
            if is_in(shown.wall) { Some(wall) } else { is_in(shown.since_boot).then_some(0) }
        })
    });
}

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

/// The wall clock cannot be set to this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadTime;

/// The first second that it cannot be set to: 30 years before nanoseconds since the epoch need 64 bits (as on Linux).
const LATEST_SECOND: u64 = i64::MAX as u64 / 1_000_000_000 - 30 * 365 * 86_400;

/// Sets the wall clock.
///
/// # Errors
/// [`BadTime`]: too late, or less than the time since boot (as on Linux).
pub fn set_realtime(wall: Duration) -> Result<(), BadTime> {
    if wall.as_secs() >= LATEST_SECOND || wall < now().since_boot() {
        return Err(BadTime);
    }
    let unadjusted = hal::time::wall_at_boot() + now().since_boot();
    let nanos = |amount: Duration| i64::try_from(amount.as_nanos()).unwrap_or(i64::MAX);
    ADJUSTMENT.store(nanos(wall).saturating_sub(nanos(unadjusted)), Ordering::Relaxed);
    publish();
    Ok(())
}
