//! A lock that sleeps, for one who changes or many who read.

use core::ops::{Deref, DerefMut};
use core::panic::Location;
use core::sync::atomic::{AtomicU32, Ordering, fence};

use hal::{LockClass, ReadGuard, TryRwLock, WriteGuard};

use crate::held::Held;
use crate::wait::{Events, WaitKind, WaitQueue};

/// A value that many threads may read at a time, or one may change; the others sleep. Holders may sleep.
///
/// A thread that wants to change the value keeps later readers out, so that it gets its turn: reading twice in one thread can
/// therefore wait for ever, and is forbidden.
pub struct RwLock<T: ?Sized> {
    class: &'static LockClass,
    /// Threads that wait, or are about to.
    waiting: AtomicU32,
    /// Those of them that want to change the value.
    writers: AtomicU32,
    queue: WaitQueue,
    cell: TryRwLock<T>,
}

impl<T> RwLock<T> {
    /// A lock of the class that nobody holds.
    pub const fn new(class: &'static LockClass, value: T) -> Self {
        Self {
            class,
            waiting: AtomicU32::new(0),
            writers: AtomicU32::new(0),
            queue: WaitQueue::new(),
            cell: TryRwLock::new(value),
        }
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Takes the lock for reading. May sleep.
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        let held = Held::new(self.class, Location::caller(), true);
        hal::might_sleep();
        let cell =
            self.take(|| if self.writers.load(Ordering::SeqCst) == 0 { self.cell.try_read() } else { None });
        RwLockReadGuard { cell, _release: Release { lock: self.release() }, _held: held }
    }

    /// Takes the lock for changing. May sleep.
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        let held = Held::new(self.class, Location::caller(), true);
        hal::might_sleep();
        let cell = match self.cell.try_write() {
            Some(cell) => cell,
            None => {
                self.writers.fetch_add(1, Ordering::SeqCst);
                let cell = self.take(|| self.cell.try_write());
                self.writers.fetch_sub(1, Ordering::SeqCst);
                cell
            }
        };
        RwLockWriteGuard { cell, _release: Release { lock: self.release() }, _held: held }
    }

    /// The class.
    pub fn class(&self) -> &'static LockClass {
        self.class
    }

    fn take<G>(&self, mut attempt: impl FnMut() -> Option<G>) -> G {
        loop {
            if let Some(guard) = attempt() {
                return guard;
            }
            self.waiting.fetch_add(1, Ordering::SeqCst);
            let outcome = self.queue.wait(WaitKind::Uninterruptible, None, &mut attempt);
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            if let Ok(guard) = outcome {
                return guard;
            }
        }
    }

    fn release(&self) -> (&AtomicU32, &WaitQueue) {
        (&self.waiting, &self.queue)
    }
}

/// Wakes those who wait, after the cell was given up.
struct Release<'a> {
    lock: (&'a AtomicU32, &'a WaitQueue),
}

impl Drop for Release<'_> {
    fn drop(&mut self) {
        let (waiting, queue) = self.lock;
        fence(Ordering::SeqCst);
        if waiting.load(Ordering::Relaxed) > 0 {
            queue.wake_all(Events::all());
        }
    }
}

/// The right to read the value. (Fields are dropped in order: the cell is free before anybody is woken.)
pub struct RwLockReadGuard<'a, T: ?Sized> {
    cell: ReadGuard<'a, T>,
    _release: Release<'a>,
    _held: Held,
}

/// The right to change the value.
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    cell: WriteGuard<'a, T>,
    _release: Release<'a>,
    _held: Held,
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.cell
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.cell
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.cell
    }
}
