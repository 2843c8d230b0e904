//! Time as the machine counts it: nanoseconds since boot.

use core::ops::Add;
use core::time::Duration;

pub use crate::arch::time::{set_deadline, tsc_khz, wall_at_boot};

/// A point in time: nanoseconds since the processor's clock was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The boot.
    pub const BOOT: Self = Self(0);
    /// Later than everything.
    pub const NEVER: Self = Self(u64::MAX);

    /// The point this many nanoseconds after boot.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since boot.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time since boot.
    pub const fn since_boot(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// The time from `earlier` to here; zero when that is later.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The point `delay` later, at most [`Instant::NEVER`].
    pub const fn saturating_add(self, delay: Duration) -> Self {
        let nanos = delay.as_nanos();
        if nanos > u64::MAX as u128 { Self::NEVER } else { Self(self.0.saturating_add(nanos as u64)) }
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, delay: Duration) -> Self {
        self.saturating_add(delay)
    }
}

/// The present. Never goes back on one processor; may be called anywhere.
#[inline]
pub fn now() -> Instant {
    Instant(crate::arch::time::now_nanos())
}
