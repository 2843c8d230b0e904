//! A cell that one holder at a time may use; asking never waits. A sleeping lock is such a cell plus a wait queue.

use core::cell::UnsafeCell;
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicBool, Ordering};

/// A value behind a flag.
pub struct TryLock<T: ?Sized> {
    held: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the flag lets one holder at a time reach the value, so sharing the cell moves the value between threads.
unsafe impl<T: ?Sized + Send> Sync for TryLock<T> {}
// SAFETY: owning the cell is owning the value.
unsafe impl<T: ?Sized + Send> Send for TryLock<T> {}

impl<T> TryLock<T> {
    /// A cell that nobody holds.
    pub const fn new(value: T) -> Self {
        Self { held: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// The value, taken out of the cell.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> TryLock<T> {
    /// Takes the cell unless somebody holds it. May be called anywhere.
    #[inline]
    pub fn try_lock(&self) -> Option<TryGuard<'_, T>> {
        if self.held.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            Some(TryGuard { cell: self })
        } else {
            None
        }
    }

    /// Says whether somebody holds the cell at this moment.
    pub fn is_held(&self) -> bool {
        self.held.load(Ordering::Relaxed)
    }

    /// The value, by the owner of the cell.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

/// The right to use the value; given up when dropped.
pub struct TryGuard<'a, T: ?Sized> {
    cell: &'a TryLock<T>,
}

// SAFETY: sharing the guard shares `&T` only.
unsafe impl<T: ?Sized + Sync> Sync for TryGuard<'_, T> {}

impl<T: ?Sized> Deref for TryGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard is the cell's only holder.
        unsafe { &*self.cell.value.get() }
    }
}

impl<T: ?Sized> DerefMut for TryGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard is the cell's only holder, and borrowed mutably.
        unsafe { &mut *self.cell.value.get() }
    }
}

impl<T: ?Sized> Drop for TryGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.cell.held.store(false, Ordering::Release);
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for TryGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::TryLock;

    #[test]
    fn only_one_holder_at_a_time() {
        let cell = TryLock::new(1);
        let first = cell.try_lock();
        assert!(first.is_some());
        assert!(cell.try_lock().is_none());
        drop(first);
        assert!(cell.try_lock().is_some());
    }
}
