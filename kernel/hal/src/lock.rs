//! Spinlocks with classes.
//!
//! A class names what a group of locks protects and gives its rank: a processor that holds a lock may take only locks of
//! higher rank. Debug builds check this and more (see `lock_check.rs`).
//! The ranks stand in one table in the book (`docs/src/locks.md`).

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::panic::Location;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::arch;
use crate::lock_check::{self, LockClass};

/// A value behind a lock that is waited for by spinning.
pub struct SpinLock<T: ?Sized> {
    class: &'static LockClass,
    held: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: one holder at a time reaches the value, so sharing the lock moves the value between threads.
unsafe impl<T: ?Sized + Send> Sync for SpinLock<T> {}
// SAFETY: owning the lock is owning the value.
unsafe impl<T: ?Sized + Send> Send for SpinLock<T> {}

impl<T> SpinLock<T> {
    /// A lock of the class that nobody holds.
    pub const fn new(class: &'static LockClass, value: T) -> Self {
        Self { class, held: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// The value, taken out of the lock.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> SpinLock<T> {
    /// Takes the lock with preemption off. For what no interrupt handler takes; the holder must not sleep.
    #[track_caller]
    #[inline]
    pub fn lock(&self) -> SpinGuard<'_, T> {
        arch::preempt_enter();
        self.take(Location::caller());
        SpinGuard { lock: self, not_send: PhantomData }
    }

    /// Takes the lock with interrupts off, as they were again when the guard is dropped.
    #[track_caller]
    #[inline]
    pub fn lock_irq(&self) -> SpinIrqGuard<'_, T> {
        let enabled = arch::irq_save();
        arch::preempt_enter();
        if cfg!(debug_assertions) {
            lock_check::note_interrupts_out(self.class);
        }
        self.take(Location::caller());
        SpinIrqGuard { lock: ManuallyDrop::new(SpinGuard { lock: self, not_send: PhantomData }), enabled }
    }

    /// Takes the lock with preemption off, unless somebody holds it.
    #[track_caller]
    pub fn try_lock(&self) -> Option<SpinGuard<'_, T>> {
        arch::preempt_enter();
        if self.held.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_err() {
            arch::preempt_leave();
            return None;
        }
        if cfg!(debug_assertions) {
            lock_check::note_taken(self.class, Location::caller(), false);
        }
        Some(SpinGuard { lock: self, not_send: PhantomData })
    }

    /// The value, by the owner of the lock.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    #[inline]
    fn take(&self, place: &'static Location<'static>) {
        if cfg!(debug_assertions) {
            lock_check::note_taken(self.class, place, true);
        }
        while self.held.compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed).is_err() {
            while self.held.load(Ordering::Relaxed) {
                arch::spin_hint();
            }
        }
    }

    #[inline]
    fn give_up(&self) {
        if cfg!(debug_assertions) {
            lock_check::note_given_up(self.class);
        }
        self.held.store(false, Ordering::Release);
    }
}

/// The right to use the value; given up when dropped.
pub struct SpinGuard<'a, T: ?Sized> {
    lock: &'a SpinLock<T>,
    not_send: PhantomData<*mut ()>,
}

impl<T: ?Sized> Deref for SpinGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard is the lock's only holder.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: ?Sized> DerefMut for SpinGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard is the lock's only holder, and borrowed mutably.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T: ?Sized> Drop for SpinGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.give_up();
        arch::preempt_leave();
    }
}

/// As [`SpinGuard`]; restores the interrupt flag as well.
pub struct SpinIrqGuard<'a, T: ?Sized> {
    lock: ManuallyDrop<SpinGuard<'a, T>>,
    enabled: bool,
}

impl<T: ?Sized> Deref for SpinIrqGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.lock
    }
}

impl<T: ?Sized> DerefMut for SpinIrqGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.lock
    }
}

impl<T: ?Sized> Drop for SpinIrqGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Interrupts come back before preemption does, so that a pending reschedule happens with them on.
        self.lock.lock.give_up();
        if cfg!(debug_assertions) && self.enabled {
            lock_check::note_interrupts_on();
        }
        arch::irq_restore(self.enabled);
        arch::preempt_leave();
    }
}
