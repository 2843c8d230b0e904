//! A lock that sleeps.

use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicU32, Ordering, fence};

use hal::{LockClass, TryGuard, TryLock};

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
    pub fn lock(&self) -> MutexGuard<'_, T> {
        loop {
            if let Some(guard) = self.try_lock() {
                return guard;
            }
            if let Ok(guard) = self.wait(WaitKind::Uninterruptible) {
                return guard;
            }
        }
    }

    /// Takes the lock. May sleep; what `kind` names ends the wait.
    ///
    /// # Errors
    /// [`Interrupted`] when the wait was ended.
    pub fn lock_interruptible(&self, kind: WaitKind) -> Result<MutexGuard<'_, T>, Interrupted> {
        match self.try_lock() {
            Some(guard) => Ok(guard),
            None => self.wait(kind).map_err(|_| Interrupted),
        }
    }

    /// Takes the lock unless somebody holds it. May be called where sleeping is forbidden.
    #[inline]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let cell = self.cell.try_lock()?;
        Some(MutexGuard { cell, _wake: WakeNext { waiting: &self.waiting, queue: &self.queue } })
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
    fn wait(&self, kind: WaitKind) -> Result<MutexGuard<'_, T>, WaitError> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let outcome = self.queue.wait_exclusive(kind, None, || self.try_lock());
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        outcome
    }
}

/// The right to use the value; given up when dropped.
pub struct MutexGuard<'a, T: ?Sized> {
    // Dropped in this order: the cell is free before anybody is woken.
    cell: TryGuard<'a, T>,
    _wake: WakeNext<'a>,
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
