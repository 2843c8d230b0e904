//! A lock that sleeps.

use core::ops::{Deref, DerefMut};
use core::panic::Location;
use core::sync::atomic::{AtomicU32, Ordering, fence};

use hal::{LockClass, TryGuard, TryLock};

use crate::held::Held;
use crate::wait::{Events, Interrupted, WaitError, WaitKind, WaitQueue};

/// A value that one thread at a time may use; the others sleep.
///
/// Its holder may sleep. Locks are taken in the order of their classes' ranks.
pub struct Mutex<T: ?Sized> {
    class: &'static LockClass,
    /// Threads that wait, or are about to: whoever gives the lock up looks at it to see if somebody must be woken.
    waiting: AtomicU32,
    queue: WaitQueue,
    cell: TryLock<T>,
}

impl<T> Mutex<T> {
    /// A lock of the class that nobody holds.
    pub const fn new(class: &'static LockClass, value: T) -> Self {
        Self { class, waiting: AtomicU32::new(0), queue: WaitQueue::new(), cell: TryLock::new(value) }
    }

    /// The value, taken out of the lock.
    pub fn into_inner(self) -> T {
        self.cell.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Takes the lock. May sleep; nothing interrupts the wait.
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        let held = Held::new(self.class, Location::caller(), true);
        hal::might_sleep();
        loop {
            if let Some(cell) = self.cell.try_lock() {
                return self.guard(cell, held);
            }
            if let Ok(cell) = self.wait(WaitKind::Uninterruptible) {
                return self.guard(cell, held);
            }
        }
    }

    /// Takes the lock. May sleep; what `kind` names ends the wait.
    ///
    /// # Errors
    /// [`Interrupted`] when the wait was ended.
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn lock_interruptible(&self, kind: WaitKind) -> Result<MutexGuard<'_, T>, Interrupted> {
        let held = Held::new(self.class, Location::caller(), true);
        hal::might_sleep();
        let cell = match self.cell.try_lock() {
            Some(cell) => cell,
            None => self.wait(kind).map_err(|_| Interrupted)?,
        };
        Ok(self.guard(cell, held))
    }

    /// Takes the lock unless somebody holds it. May be called where sleeping is forbidden.
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let cell = self.cell.try_lock()?;
        Some(self.guard(cell, Held::new(self.class, Location::caller(), false)))
    }

    #[inline]
    fn guard<'a>(&'a self, cell: TryGuard<'a, T>, held: Held) -> MutexGuard<'a, T> {
        MutexGuard { cell, _wake: WakeNext { waiting: &self.waiting, queue: &self.queue }, _held: held }
    }

    /// The class.
    pub fn class(&self) -> &'static LockClass {
        self.class
    }

    /// The value, by the owner of the lock.
    pub fn get_mut(&mut self) -> &mut T {
        self.cell.get_mut()
    }

    #[cold]
    fn wait(&self, kind: WaitKind) -> Result<TryGuard<'_, T>, WaitError> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let outcome = self.queue.wait_exclusive(kind, None, || self.cell.try_lock());
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        outcome
    }
}

/// The right to use the value; given up when dropped.
pub struct MutexGuard<'a, T: ?Sized> {
    // Dropped in this order: the cell is free before anybody is woken.
    cell: TryGuard<'a, T>,
    _wake: WakeNext<'a>,
    _held: Held,
}

/// Wakes the next thread that waits, after the cell was given up.
struct WakeNext<'a> {
    waiting: &'a AtomicU32,
    queue: &'a WaitQueue,
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.cell
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.cell
    }
}

impl Drop for WakeNext<'_> {
    #[inline]
    fn drop(&mut self) {
        fence(Ordering::SeqCst);
        if self.waiting.load(Ordering::Relaxed) > 0 {
            self.queue.wake_one(Events::all());
        }
    }
}
