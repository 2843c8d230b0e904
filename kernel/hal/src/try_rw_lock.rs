//! A cell that many may read or one may change; asking never waits. A sleeping reader-writer lock is such a cell plus wait
//! queues.

use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicU32, Ordering};

/// The state when one may change the value.
const WRITER: u32 = u32::MAX;

/// A value behind a count of its readers.
pub struct TryRwLock<T: ?Sized> {
    /// The number of readers, or [`WRITER`].
    state: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: readers share `&T` (needs `Sync`), a writer has `&mut T` on its own thread (needs `Send`).
unsafe impl<T: ?Sized + Send + Sync> Sync for TryRwLock<T> {}
// SAFETY: owning the cell is owning the value.
unsafe impl<T: ?Sized + Send> Send for TryRwLock<T> {}

impl<T> TryRwLock<T> {
    /// A cell that nobody uses.
    pub const fn new(value: T) -> Self {
        Self { state: AtomicU32::new(0), value: UnsafeCell::new(value) }
    }
}

impl<T: ?Sized> TryRwLock<T> {
    /// Takes the cell for reading unless somebody changes it. May be called anywhere.
    pub fn try_read(&self) -> Option<ReadGuard<'_, T>> {
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            // The highest count is refused too: one more reader would look like a writer.
            if state >= WRITER - 1 {
                return None;
            }
            match self.state.compare_exchange_weak(state, state + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Some(ReadGuard { cell: self }),
                Err(now) => state = now,
            }
        }
    }

    /// Takes the cell for changing unless somebody uses it.
    pub fn try_write(&self) -> Option<WriteGuard<'_, T>> {
        let taken = self.state.compare_exchange(0, WRITER, Ordering::Acquire, Ordering::Relaxed).is_ok();
        taken.then(|| WriteGuard { cell: self })
    }
}

/// The right to read the value.
pub struct ReadGuard<'a, T: ?Sized> {
    cell: &'a TryRwLock<T>,
}

/// The right to change the value.
pub struct WriteGuard<'a, T: ?Sized> {
    cell: &'a TryRwLock<T>,
}

// SAFETY: sharing a guard shares `&T` only.
unsafe impl<T: ?Sized + Sync> Sync for WriteGuard<'_, T> {}

impl<T: ?Sized> Deref for ReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: while there are readers there is no writer.
        unsafe { &*self.cell.value.get() }
    }
}

impl<T: ?Sized> Deref for WriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard is the cell's only user.
        unsafe { &*self.cell.value.get() }
    }
}

impl<T: ?Sized> DerefMut for WriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard is the cell's only user, and borrowed mutably.
        unsafe { &mut *self.cell.value.get() }
    }
}

impl<T: ?Sized> Drop for ReadGuard<'_, T> {
    fn drop(&mut self) {
        self.cell.state.fetch_sub(1, Ordering::Release);
    }
}

impl<T: ?Sized> Drop for WriteGuard<'_, T> {
    fn drop(&mut self) {
        self.cell.state.store(0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::TryRwLock;

    #[test]
    fn readers_keep_writers_out_and_the_other_way_round() {
        let cell = TryRwLock::new(1);
        let (first, second) = (cell.try_read(), cell.try_read());
        assert!(first.is_some() && second.is_some());
        assert!(cell.try_write().is_none());
        drop((first, second));
        let writer = cell.try_write();
        assert!(writer.is_some() && cell.try_read().is_none());
    }
}
