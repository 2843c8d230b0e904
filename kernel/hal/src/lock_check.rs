//! The rules of locks, checked in debug builds.
//!
//! - **Order**: a processor that holds a lock takes only locks of higher rank. So does a thread, of locks that sleep, which
//!   whoever makes these locks notes with each thread.
//! - **Interrupts**: a class that an interrupt handler takes is never held with interrupts on.
//! - **Sleep**: nobody sleeps, leaves the processor or returns to a program while he holds a spinlock.
//! - **Memory**: nobody asks the heap for memory while he holds a lock of a class that keeps interrupts out, nor in an interrupt.
//!   Giving memory back is fine.
//!
//! Every report is a panic that names both places.

use core::panic::Location;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::Once;
use crate::arch;

/// What a group of locks protects.
pub struct LockClass {
    name: &'static str,
    rank: u16,
    /// Where an interrupt handler took a lock of the class first.
    in_interrupt: Once<Place>,
    /// Where one was first held with interrupts on.
    with_interrupts: Once<Place>,
    /// Locks of the class keep interrupts out.
    keeps_interrupts_out: AtomicBool,
}

/// A place in the source.
type Place = &'static Location<'static>;

impl Default for HeldLocks {
    fn default() -> Self {
        Self::new()
    }
}

impl LockClass {
    /// A class; locks of lower rank are taken first. Two locks of one class are never held together.
    pub const fn new(name: &'static str, rank: u16) -> Self {
        Self {
            name,
            rank,
            in_interrupt: Once::new(),
            with_interrupts: Once::new(),
            keeps_interrupts_out: AtomicBool::new(false),
        }
    }

    /// What the locks protect.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The class's place in the order.
    pub fn rank(&self) -> u16 {
        self.rank
    }

    /// Notes that a lock of the class was taken in an interrupt, or is held with interrupts on; both must not be.
    fn note_use(&self, in_interrupt: bool, place: Place) {
        let (same, other) = if in_interrupt {
            (&self.in_interrupt, &self.with_interrupts)
        } else {
            (&self.with_interrupts, &self.in_interrupt)
        };
        if same.get().is_none() {
            let _ = same.set(place); // another processor may have been faster: any place will do
        }
        if let Some(other) = other.get() {
            let (interrupt, thread) = if in_interrupt { (place, *other) } else { (*other, place) };
            report_interrupt(self, interrupt, thread);
        }
    }
}

/// How many locks a processor can hold at once; more is a report.
const DEPTH: usize = 16;

/// The locks that a processor holds, or the sleeping ones that a thread does.
pub struct HeldLocks {
    stack: [Option<(&'static LockClass, Place)>; DEPTH],
    depth: usize,
}

impl HeldLocks {
    /// No locks.
    pub const fn new() -> Self {
        Self { stack: [None; DEPTH], depth: 0 }
    }

    /// Notes a lock being taken. Panics if one is held that comes later in the order, unless nobody waits for this one.
    pub fn take(&mut self, class: &'static LockClass, place: Place, waited_for: bool) {
        if let Some((held, at)) = self.push(class, place).filter(|_| waited_for) {
            report_order(class, place, held, at);
        }
    }

    /// Notes that a lock of the class was given up (not always the last one taken).
    pub fn give_up(&mut self, class: &'static LockClass) {
        self.pop(class);
    }

    fn held(&self) -> impl DoubleEndedIterator<Item = (&'static LockClass, Place)> + '_ {
        self.stack[..self.depth].iter().flatten().copied()
    }

    /// Notes a lock being taken; gives one that is held and must not be.
    fn push(&mut self, class: &'static LockClass, place: Place) -> Option<(&'static LockClass, Place)> {
        let conflict = self.held().find(|(held, _)| held.rank >= class.rank);
        if self.depth == DEPTH {
            return self.stack[DEPTH - 1];
        }
        self.stack[self.depth] = Some((class, place));
        self.depth += 1;
        conflict
    }

    fn pop(&mut self, class: &'static LockClass) {
        let found = self.stack[..self.depth]
            .iter()
            .rposition(|entry| entry.is_some_and(|(held, _)| core::ptr::eq(held, class)));
        if let Some(index) = found {
            self.stack.copy_within(index + 1..self.depth, index);
            self.depth -= 1;
        }
    }
}

/// Reports an order that could deadlock silently.
#[cold]
#[expect(clippy::panic, reason = "a broken lock rule is a bug of the kernel, found in debug builds only")]
fn report_order(class: &LockClass, place: Place, held: &LockClass, at: Place) -> ! {
    panic!(
        "lock rule broken: order: `{}` (rank {}) at {place}, holding `{}` (rank {}) taken at {at}",
        class.name, class.rank, held.name, held.rank
    )
}

/// Reports a class that an interrupt could find locked by whom it interrupted.
#[cold]
#[expect(clippy::panic, reason = "a broken lock rule is a bug of the kernel, found in debug builds only")]
fn report_interrupt(class: &LockClass, interrupt: Place, thread: Place) -> ! {
    panic!(
        "lock rule broken: `{}` (rank {}) is taken in an interrupt at {interrupt} and held with interrupts on at {thread}",
        class.name, class.rank
    )
}

/// Reports that the heap was asked for memory; by whom, the report's backtrace says.
#[cfg(any(test, target_os = "none"))]
#[cold]
#[expect(clippy::panic, reason = "a broken lock rule is a bug of the kernel, found in debug builds only")]
fn report_allocation(held: Option<(&LockClass, Place)>) -> ! {
    const WHAT: &str = "lock rule broken: the heap is asked for memory";
    match held {
        Some((class, at)) => {
            panic!(
                "{WHAT}, holding `{}` (rank {}), which keeps interrupts out, taken at {at}",
                class.name, class.rank
            )
        }
        None => panic!("{WHAT} in an interrupt"),
    }
}

/// Notes a lock as taken, and checks that this breaks no rule. What was not waited for (`try_lock`) may break the order, and be
/// tried in an interrupt.
pub(crate) fn note_taken(class: &'static LockClass, place: Place, waited_for: bool) {
    let in_interrupt = arch::in_interrupt();
    if in_interrupt && waited_for || !in_interrupt && arch::interrupts_enabled() {
        class.note_use(in_interrupt, place);
    }
    let conflict = arch::with_held_locks(|held| held.push(class, place));
    if let Some((held, at)) = conflict.filter(|_| waited_for) {
        report_order(class, place, held, at);
    }
}

/// Notes that a lock of the class is about to be taken with interrupts kept out.
pub(crate) fn note_interrupts_out(class: &LockClass) {
    if !class.keeps_interrupts_out.load(Ordering::Relaxed) {
        class.keeps_interrupts_out.store(true, Ordering::Relaxed);
    }
}

/// Checks that the heap may be asked for memory here: it may have to make some, which takes long.
#[cfg(any(test, target_os = "none"))]
#[inline]
pub(crate) fn check_may_allocate() {
    if cfg!(debug_assertions) {
        let out = |(class, _): &(&LockClass, Place)| class.keeps_interrupts_out.load(Ordering::Relaxed);
        let held = arch::with_held_locks(|held| held.held().find(out));
        if held.is_some() || arch::in_interrupt() {
            report_allocation(held);
        }
    }
}

/// Notes a lock of the class as given up.
pub(crate) fn note_given_up(class: &'static LockClass) {
    arch::with_held_locks(|held| held.pop(class));
}

/// Checks what is still held when interrupts come on again: guards may be dropped in any order.
pub(crate) fn note_interrupts_on() {
    let held = arch::with_held_locks(|held| held.stack);
    for (class, place) in held.into_iter().flatten() {
        if arch::with_held_locks(|held| held.held().any(|(other, _)| core::ptr::eq(other, class))) {
            class.note_use(false, place);
        }
    }
}

/// Says that the caller may sleep here; debug builds check that nothing forbids it.
#[track_caller]
#[inline]
pub fn might_sleep() {
    if cfg!(debug_assertions) && (arch::preempt_count() != 0 || !arch::interrupts_enabled()) {
        report_sleep("sleep", Location::caller());
    }
}

/// Checks that no lock is held where the processor is left to another thread or to a program.
#[track_caller]
#[inline]
pub(crate) fn check_nothing_held(what: &str) {
    if cfg!(debug_assertions) && arch::with_held_locks(|held| held.depth != 0) {
        report_sleep(what, Location::caller());
    }
}

#[cold]
#[expect(
    clippy::panic,
    reason = "sleeping where it is forbidden is a bug of the kernel, found in debug builds only"
)]
fn report_sleep(what: &str, place: Place) -> ! {
    match arch::with_held_locks(|held| held.held().next_back()) {
        Some((class, at)) => panic!("{what} at {place} while holding `{}` taken at {at}", class.name),
        None => panic!("{what} at {place} with preemption or interrupts off"),
    }
}

#[cfg(test)]
mod tests {
    use super::{HeldLocks, LockClass, check_may_allocate, check_nothing_held, might_sleep};
    use crate::SpinLock;
    use crate::arch::as_interrupt;

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
    #[should_panic(expected = "lock rule broken: order: `low` (rank 1) at kernel/hal/src/lock_check.rs")]
    fn a_lower_rank_under_a_higher_one_is_reported() {
        let (low, high) = (SpinLock::new(&LOW, ()), SpinLock::new(&HIGH, ()));
        let _second = high.lock();
        let _first = low.lock();
    }

    #[test]
    #[should_panic(expected = "holding `high` (rank 2) taken at kernel/hal/src/lock_check.rs")]
    fn the_report_of_an_order_names_the_other_place_too() {
        let (low, high) = (SpinLock::new(&LOW, ()), SpinLock::new(&HIGH, ()));
        let _second = high.lock();
        let _first = low.lock_irq();
    }

    #[test]
    #[should_panic(expected = "lock rule broken: order")]
    fn two_locks_of_a_class_are_reported() {
        let (one, other) = (SpinLock::new(&LOW, ()), SpinLock::new(&LOW, ()));
        let _first = one.lock();
        let _second = other.lock();
    }

    #[test]
    #[should_panic(expected = "lock rule broken: order: `low` (rank 1) at kernel/hal/src/lock_check.rs")]
    fn what_a_thread_holds_has_an_order_too() {
        let mut held = HeldLocks::new();
        let place = core::panic::Location::caller();
        held.take(&HIGH, place, true);
        held.take(&LOW, place, false);
        held.give_up(&HIGH);
        held.take(&HIGH, place, true);
        held.take(&LOW, place, true);
    }

    #[test]
    fn what_is_only_tried_may_break_the_order() {
        let (low, high) = (SpinLock::new(&LOW, ()), SpinLock::new(&HIGH, ()));
        let _second = high.lock();
        assert!(low.try_lock().is_some());
    }

    #[test]
    #[should_panic(
        expected = "memory, holding `inner` (rank 8), which keeps interrupts out, taken at kernel/hal/src/lock_check.rs"
    )]
    fn memory_asked_for_with_interrupts_kept_out_is_reported() {
        static OUTER: LockClass = LockClass::new("outer", 7);
        static INNER: LockClass = LockClass::new("inner", 8);
        let (outer, inner) = (SpinLock::new(&OUTER, ()), SpinLock::new(&INNER, ()));
        let outer = outer.lock();
        check_may_allocate();
        let held = inner.lock_irq();
        drop(outer);
        drop(held);
        check_may_allocate();
        // Once a lock of the class has kept interrupts out, the class does.
        let _inner = inner.lock();
        check_may_allocate();
    }

    #[test]
    #[should_panic(expected = "the heap is asked for memory in an interrupt")]
    fn memory_asked_for_in_an_interrupt_is_reported() {
        as_interrupt(check_may_allocate);
    }

    #[test]
    #[should_panic(expected = "sleep at kernel/hal/src/lock_check.rs")]
    fn a_sleep_under_a_spinlock_is_reported() {
        let lock = SpinLock::new(&LOW, ());
        let _guard = lock.lock();
        might_sleep();
    }

    #[test]
    #[should_panic(expected = "with preemption or interrupts off")]
    fn a_sleep_with_interrupts_off_is_reported() {
        let _off = crate::preempt::interrupts_off();
        might_sleep();
    }

    #[test]
    #[should_panic(expected = "return to a program")]
    fn a_lock_held_at_the_return_to_a_program_is_reported() {
        let lock = SpinLock::new(&LOW, ());
        let _guard = lock.lock();
        check_nothing_held("return to a program");
    }

    #[test]
    #[should_panic(expected = "`device` (rank 5) is taken in an interrupt at kernel/hal/src/lock_check.rs")]
    fn a_lock_that_an_interrupt_takes_is_not_held_with_interrupts_on() {
        static DEVICE: LockClass = LockClass::new("device", 5);
        let lock = SpinLock::new(&DEVICE, ());
        drop(lock.lock());
        as_interrupt(|| drop(lock.lock_irq()));
    }

    #[test]
    #[should_panic(expected = "and held with interrupts on at kernel/hal/src/lock_check.rs")]
    fn nor_after_an_interrupt_took_it() {
        static TIMER: LockClass = LockClass::new("timer", 5);
        let lock = SpinLock::new(&TIMER, ());
        as_interrupt(|| drop(lock.lock()));
        drop(lock.lock_irq());
        drop(lock.lock());
    }

    #[test]
    fn what_is_only_tried_in_an_interrupt_waits_for_nobody() {
        static TRIED: LockClass = LockClass::new("tried", 5);
        let lock = SpinLock::new(&TRIED, ());
        drop(lock.lock());
        as_interrupt(|| drop(lock.try_lock()));
    }

    #[test]
    #[should_panic(expected = "`second` (rank 6) is taken in an interrupt")]
    fn nor_when_a_lock_taken_before_is_given_up_first() {
        static FIRST: LockClass = LockClass::new("first", 5);
        static SECOND: LockClass = LockClass::new("second", 6);
        let (first, second) = (SpinLock::new(&FIRST, ()), SpinLock::new(&SECOND, ()));
        as_interrupt(|| drop(second.lock()));
        let outer = first.lock_irq();
        let _inner = second.lock_irq();
        drop(outer);
    }
}
