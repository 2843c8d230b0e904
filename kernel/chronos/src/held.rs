//! The order of sleeping locks, checked in debug builds: each thread knows which it holds or waits for.

use core::panic::Location;

use hal::LockClass;
#[cfg(debug_assertions)]
use hal::{HeldLocks, TryLock};

/// What a thread holds.
#[cfg(debug_assertions)]
pub(crate) type Own = TryLock<HeldLocks>;

/// Says, as long as it lives, that the current thread holds a lock of a class, or is about to.
pub(crate) struct Held {
    #[cfg(debug_assertions)]
    class: &'static LockClass,
}

#[cfg(debug_assertions)]
impl Held {
    /// Notes the lock; if it may have to be waited for, checks that the thread holds only locks that come before it.
    pub(crate) fn new(
        class: &'static LockClass,
        place: &'static Location<'static>,
        waited_for: bool,
    ) -> Self {
        with_own(|own| own.take(class, place, waited_for));
        Self { class }
    }
}

#[cfg(debug_assertions)]
impl Drop for Held {
    fn drop(&mut self) {
        with_own(|own| own.give_up(self.class));
    }
}

/// Gives `f` what the current thread holds, if there is a thread.
#[cfg(debug_assertions)]
fn with_own(f: impl FnOnce(&mut HeldLocks)) {
    crate::thread::with_current(|thread| {
        // Only the thread itself asks, and nothing in between takes a sleeping lock.
        if let Some(mut own) = thread.and_then(|thread| thread.held.try_lock()) {
            f(&mut own);
        }
    });
}

#[cfg(not(debug_assertions))]
impl Held {
    #[inline]
    pub(crate) fn new(_: &'static LockClass, _: &'static Location<'static>, _: bool) -> Self {
        Self {}
    }
}
