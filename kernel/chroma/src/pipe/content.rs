//! The ring behind its lock, and what is known of it without the lock.

use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicU8, Ordering};

use chronos::{Mutex, MutexGuard};

use super::buffer::Ring;
use crate::lock_classes;

/// Nothing can be read.
const EMPTY: u8 = 1;
/// No page more has room.
const FULL: u8 = 2;
/// Something may come back that was taken out.
const LENT: u8 = 4;

/// What a pipe holds.
///
/// Whoever polls, or waits for a change, looks at the level and takes no lock: the holder may sleep, for it copies from and to user
/// memory. The level is stored before the lock is free and before anybody is woken, and who waits looks at it after
/// registering: either it sees the change, or the wake-up that follows the change finds it registered.
pub(super) struct Content {
    ring: Mutex<Ring>,
    level: AtomicU8,
}

impl Content {
    /// Nothing.
    pub(super) fn new() -> Content {
        Content { ring: Mutex::new(&lock_classes::PIPE, Ring::new()), level: AtomicU8::new(EMPTY) }
    }

    /// The ring. May sleep.
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub(super) fn lock(&self) -> Changing<'_> {
        Changing { ring: self.ring.lock(), level: &self.level }
    }

    /// The ring, unless somebody else is at it.
    #[inline]
    pub(super) fn try_lock(&self) -> Option<Changing<'_>> {
        Some(Changing { ring: self.ring.try_lock()?, level: &self.level })
    }

    /// How it was left last.
    #[inline]
    pub(super) fn level(&self) -> Level {
        Level(self.level.load(Ordering::Acquire))
    }
}

/// What can be done with a pipe at a moment.
#[derive(Clone, Copy)]
pub(super) struct Level(u8);

impl Level {
    /// Whether nothing can be read.
    #[inline]
    pub(super) fn is_empty(self) -> bool {
        self.0 & EMPTY != 0
    }

    /// Whether no page more has room.
    #[inline]
    pub(super) fn is_full(self) -> bool {
        self.0 & FULL != 0
    }

    /// Whether what was taken out may come back.
    #[inline]
    pub(super) fn is_lent(self) -> bool {
        self.0 & LENT != 0
    }
}

/// The right to change the ring. What it is like then is told when this is dropped.
pub(super) struct Changing<'a> {
    ring: MutexGuard<'a, Ring>,
    level: &'a AtomicU8,
}

impl Deref for Changing<'_> {
    type Target = Ring;

    #[inline]
    fn deref(&self) -> &Ring {
        &self.ring
    }
}

impl DerefMut for Changing<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Ring {
        &mut self.ring
    }
}

impl Drop for Changing<'_> {
    #[inline]
    fn drop(&mut self) {
        let holds = |bit, is_so| if is_so { bit } else { 0 };
        let ring = &*self.ring;
        let level = holds(EMPTY, ring.is_empty()) | holds(FULL, ring.is_full()) | holds(LENT, ring.is_lent());
        // The lock is still held: levels follow each other as the changes do.
        self.level.store(level, Ordering::Release);
    }
}
