//! Spinlocks with classes.
//!
//! A class names what a group of locks protects and gives its rank: a processor that holds a lock may take only locks of
//! higher rank. Debug builds check this, and that a lock that an interrupt takes is never held with interrupts on.
//! The ranks stand in one table in the book (`docs/src/locks.md`).

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::panic::Location;
use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::arch;

/// What a group of locks protects.
pub struct LockClass {
    name: &'static str,
    rank: u16,
    /// How locks of the class have been used so far (bits [`TAKEN_IN_INTERRUPT`] and [`HELD_WITH_INTERRUPTS`]).
    usage: AtomicU8,
}

const TAKEN_IN_INTERRUPT: u8 = 1;
const HELD_WITH_INTERRUPTS: u8 = 2;

impl LockClass {
    /// A class; locks of lower rank are taken first. Two locks of one class are never held together.
    pub const fn new(name: &'static str, rank: u16) -> Self {
        Self { name, rank, usage: AtomicU8::new(0) }
    }

    /// What the locks protect.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The class's place in the order.
    pub fn rank(&self) -> u16 {
        self.rank
    }
}

/// How many locks a processor can hold at once; more is a report.
const DEPTH: usize = 16;

/// The locks that a processor holds, for the checks of debug builds.
pub(crate) struct HeldLocks {
    stack: [Option<(&'static LockClass, &'static Location<'static>)>; DEPTH],
    depth: usize,
}

impl HeldLocks {
    /// No locks.
    pub(crate) const fn new() -> Self {
        Self { stack: [None; DEPTH], depth: 0 }
    }

    /// Notes a lock being taken; the error says which rule that breaks.
    fn push(
        &mut self,
        class: &'static LockClass,
        place: &'static Location<'static>,
    ) -> Result<(), (&'static LockClass, &'static Location<'static>)> {
        let conflict =
            self.stack[..self.depth].iter().flatten().find(|(held, _)| held.rank >= class.rank).copied();
        if self.depth < DEPTH {
            self.stack[self.depth] = Some((class, place));
            self.depth += 1;
        }
        conflict.map_or(Ok(()), Err)
    }

    /// Notes that a lock of the class was given up (not always the last one taken).
    fn pop(&mut self, class: &'static LockClass) {
        let found = self.stack[..self.depth]
            .iter()
            .rposition(|entry| entry.is_some_and(|(held, _)| core::ptr::eq(held, class)));
        if let Some(index) = found {
            self.stack.copy_within(index + 1..self.depth, index);
            self.depth -= 1;
        }
    }

    /// The lock taken last.
    fn last(&self) -> Option<(&'static LockClass, &'static Location<'static>)> {
        self.depth.checked_sub(1).and_then(|index| self.stack[index])
    }
}

/// Reports a broken lock rule: the kernel is wrong, and going on could deadlock silently.
#[cold]
#[expect(clippy::panic, reason = "a broken lock rule is a bug of the kernel, found in debug builds only")]
fn report(
    what: &str,
    class: &LockClass,
    place: &Location<'_>,
    other: Option<(&LockClass, &Location<'_>)>,
) -> ! {
    match other {
        Some((held, at)) => panic!(
            "lock rule broken: {what}: `{}` (rank {}) at {place}, holding `{}` (rank {}) taken at {at}",
            class.name, class.rank, held.name, held.rank
        ),
        None => panic!("lock rule broken: {what}: `{}` at {place}", class.name),
    }
}

/// Checks that taking a lock of the class here breaks no rule, and notes it as held.
fn note_taken(class: &'static LockClass, place: &'static Location<'static>) {
    let usage = if arch::in_interrupt() {
        TAKEN_IN_INTERRUPT
    } else if arch::interrupts_enabled() {
        HELD_WITH_INTERRUPTS
    } else {
        0
    };
    let before = class.usage.fetch_or(usage, Ordering::Relaxed);
    if (before | usage) == (TAKEN_IN_INTERRUPT | HELD_WITH_INTERRUPTS) && before != (before | usage) {
        report("taken in an interrupt and held with interrupts on", class, place, None);
    }
    if let Err((held, at)) = arch::with_held_locks(|held| held.push(class, place)) {
        report("order", class, place, Some((held, at)));
    }
}

/// Says that the caller may sleep here; debug builds check that nothing forbids it.
#[track_caller]
#[inline]
pub fn might_sleep() {
    if cfg!(debug_assertions) {
        check_may_sleep(Location::caller());
    }
}

#[expect(
    clippy::panic,
    reason = "sleeping where it is forbidden is a bug of the kernel, found in debug builds only"
)]
fn check_may_sleep(place: &Location<'_>) {
    if arch::preempt_count() == 0 && arch::interrupts_enabled() {
        return;
    }
    match arch::with_held_locks(|held| held.last()) {
        Some((class, at)) => panic!("sleep at {place} while holding `{}` taken at {at}", class.name),
        None => panic!("sleep at {place} with preemption or interrupts off"),
    }
}

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
            note_taken(self.class, Location::caller());
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
            note_taken(self.class, place);
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
            arch::with_held_locks(|held| held.pop(self.class));
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
        arch::irq_restore(self.enabled);
        arch::preempt_leave();
    }
}

#[cfg(test)]
mod tests {
    use super::{LockClass, SpinLock, might_sleep};

    static LOW: LockClass = LockClass::new("low", 1);
    static HIGH: LockClass = LockClass::new("high", 2);

    #[test]
    fn locks_in_order_are_fine_in_any_order_of_release() {
        let (low, high) = (SpinLock::new(&LOW, ()), SpinLock::new(&HIGH, ()));
        let first = low.lock();
        let second = high.lock();
        drop(first);
        drop(second);
        drop(low.lock());
    }

    #[test]
    #[should_panic(expected = "lock rule broken: order")]
    fn a_lower_rank_under_a_higher_one_is_reported() {
        let (low, high) = (SpinLock::new(&LOW, ()), SpinLock::new(&HIGH, ()));
        let _second = high.lock();
        let _first = low.lock();
    }

    #[test]
    #[should_panic(expected = "while holding `low`")]
    fn a_sleep_under_a_spinlock_is_reported() {
        let lock = SpinLock::new(&LOW, ());
        let _guard = lock.lock();
        might_sleep();
    }
}
