//! The x86-64 machine.
//!
//! - coming up: [`boot`], [`layout`], [`appended`], [`early`], [`features`], [`descriptors`], [`kernel_map`]
//! - memory: [`frame_table`], [`page`], [`paging`], [`heap`], [`stack`]
//! - programs: [`trap`], [`user_context`], [`user`], [`segments`], [`fpu`], [`vdso`]
//! - threads: [`context`], [`sched`], [`area`]; readers without locks: [`rcu`]
//! - processors: [`smp`], [`cpu`], [`shootdown`]
//! - devices: [`acpi`], [`apic`], [`irq`], [`time`], [`uart`], [`i8042`], [`screen`], [`console`], [`power`], [`random`]

mod acpi;
mod apic;
mod appended;
mod area;
mod backtrace;
pub mod boot;
mod call;
mod console;
pub mod context;
pub mod cpu;
mod descriptors;
mod early;
mod features;
pub mod fpu;
mod frame_table;
pub mod heap;
pub mod i8042;
pub mod irq;
mod kernel_map;
pub mod keys;
mod layout;
mod memory;
pub mod page;
pub mod paging;
pub mod panic;
mod port;
pub mod power;
pub mod processor;
pub mod random;
pub(crate) mod rcu;
mod register;
pub mod sched;
pub mod screen;
mod segments;
#[cfg(feature = "self-test")]
mod self_test;
mod shootdown;
mod smp;
mod stack;
mod symbols;
mod table;
pub mod time;
mod trap;
pub mod uart;
pub(crate) mod user;
pub mod user_context;
pub mod vdso;

use core::arch::asm;

use crate::lock_check::HeldLocks;

pub(crate) use console::write as console_write;
pub(crate) use frame_table::release_boot as release_boot_memory;

/// Switches interrupts off; says whether they were on.
#[inline]
pub(crate) fn irq_save() -> bool {
    let flags: u64;
    // SAFETY: no memory that Rust knows of changes.
    unsafe { asm!("pushfq", "pop {}", "cli", out(reg) flags, options(preserves_flags)) };
    flags & trap::INTERRUPT_FLAG != 0
}

/// Switches interrupts off, for who knows that they are on.
#[inline]
pub(crate) fn irq_disable() {
    // SAFETY: as in `irq_save`.
    unsafe { asm!("cli") };
}

/// Switches interrupts on if `enabled`.
#[inline]
pub(crate) fn irq_restore(enabled: bool) {
    if enabled {
        // SAFETY: whoever switched them off holds nothing any more that a handler could touch.
        unsafe { asm!("sti", options(nostack)) };
    }
}

#[inline]
pub(crate) fn interrupts_enabled() -> bool {
    let flags: u64;
    // SAFETY: reads the flags.
    unsafe { asm!("pushfq", "pop {}", out(reg) flags, options(preserves_flags)) };
    flags & trap::INTERRUPT_FLAG != 0
}

#[inline]
pub(crate) fn in_interrupt() -> bool {
    area::interrupt_depth() > 0
}

#[inline]
pub(crate) fn preempt_enter() {
    area::preempt_enter();
}

#[inline]
pub(crate) fn preempt_leave() {
    area::preempt_leave(reschedule);
}

/// Lets the scheduler have the processor, if interrupts are on. With them off the request waits for the next interrupt, the end
/// of the next critical section, or the return to user mode.
#[cold]
fn reschedule() {
    if interrupts_enabled()
        && let Some(hooks) = crate::sched::hooks()
    {
        hooks.preempt();
    }
}

#[inline]
pub(crate) fn preempt_count() -> u32 {
    area::preempt_word() & !area::NO_RESCHED
}

pub(crate) fn with_held_locks<R>(f: impl FnOnce(&mut HeldLocks) -> R) -> R {
    let interrupts = irq_save();
    // SAFETY: this processor's own, with interrupts off, and `f` takes no lock.
    let result = f(unsafe { &mut *area::current().held_locks.get() });
    irq_restore(interrupts);
    result
}

/// Runs the self-test where it was built in.
fn self_test_or_return() {
    #[cfg(feature = "self-test")]
    self_test::run()
}

/// Says whether a page fault in the kernel was the self-test's intention. Then it is served.
fn self_test_caught(frame: &mut trap::Frame) -> bool {
    #[cfg(feature = "self-test")]
    return self_test::attacks::caught(frame);
    #[cfg(not(feature = "self-test"))]
    {
        let _ = frame;
        false
    }
}

/// What a processor does while it waits for another: it may be the one that the other waits for.
#[inline]
pub(crate) fn spin_hint() {
    core::hint::spin_loop();
    shootdown::serve();
}
