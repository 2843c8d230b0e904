//! The simulated machine: one processor whose contexts are threads that pass a baton, whose clock is turned by hand, and whose
//! frames are heap allocations. Same names and rules as the machine backend; what a test may do beyond is in [`simulate`].

pub mod context;
pub mod cpu;
pub mod fpu;
pub mod heap;
pub mod i8042;
pub mod irq;
pub mod keys;
pub mod page;
pub mod paging;
pub mod panic;
pub mod power;
pub mod processor;
pub mod random;
pub(crate) mod rcu;
pub mod sched;
pub mod screen;
pub mod simulate;
pub mod time;
pub mod uart;
pub(crate) mod user;
pub mod user_context;
pub mod vdso;

use std::cell::{Cell, RefCell};
use std::io::Write;

use crate::lock_check::HeldLocks;

thread_local! {
    static PREEMPT_COUNT: Cell<u32> = const { Cell::new(0) };
    static INTERRUPTS_ON: Cell<bool> = const { Cell::new(true) };
    static IN_INTERRUPT: Cell<bool> = const { Cell::new(false) };
    static HELD: RefCell<HeldLocks> = const { RefCell::new(HeldLocks::new()) };
}

/// Switches interrupts off; says whether they were on.
pub(crate) fn irq_save() -> bool {
    INTERRUPTS_ON.replace(false)
}

/// Switches interrupts on if `enabled`.
pub(crate) fn irq_restore(enabled: bool) {
    INTERRUPTS_ON.set(enabled);
}

pub(crate) fn interrupts_enabled() -> bool {
    INTERRUPTS_ON.get()
}

pub(crate) fn in_interrupt() -> bool {
    IN_INTERRUPT.get()
}

/// Runs `handler` as an interrupt handler runs.
pub(crate) fn as_interrupt(handler: impl FnOnce()) {
    let before = (IN_INTERRUPT.replace(true), irq_save());
    preempt_enter();
    handler();
    PREEMPT_COUNT.set(PREEMPT_COUNT.get() - 1);
    IN_INTERRUPT.set(before.0);
    irq_restore(before.1);
}

pub(crate) fn preempt_enter() {
    PREEMPT_COUNT.set(PREEMPT_COUNT.get() + 1);
}

pub(crate) fn preempt_leave() {
    PREEMPT_COUNT.set(PREEMPT_COUNT.get() - 1);
    if preempt_count() == 0
        && interrupts_enabled()
        && sched::need_resched()
        // A test beside the machine's, which only takes a lock, must not run its threads.
        && context::current().is_some()
        && let Some(hooks) = crate::sched::hooks()
    {
        hooks.preempt();
    }
}

pub(crate) fn preempt_count() -> u32 {
    PREEMPT_COUNT.get()
}

pub(crate) fn with_held_locks<R>(f: impl FnOnce(&mut HeldLocks) -> R) -> R {
    HELD.with(|held| f(&mut held.borrow_mut()))
}

pub(crate) fn spin_hint() {
    std::thread::yield_now();
}

pub(crate) fn console_write(bytes: &[u8]) {
    let _ = std::io::stderr().write_all(bytes); // a test's log may be closed
}

pub(crate) fn release_boot_memory(_: &'static [u8]) {}
