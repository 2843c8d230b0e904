//! Switching preemption off: while the count of this processor is above 0, the running thread stays on it.

use core::marker::PhantomData;

use crate::arch;

/// Keeps preemption off until it is dropped; belongs to the processor it was made on.
pub struct PreemptGuard {
    not_send: PhantomData<*mut ()>,
}

/// Switches preemption off until the guard is dropped. May be called anywhere, and nested.
#[inline]
pub fn disable() -> PreemptGuard {
    arch::preempt_enter();
    PreemptGuard { not_send: PhantomData }
}

/// How many guards this processor's current code holds, spinlocks included.
#[inline]
pub fn count() -> u32 {
    arch::preempt_count()
}

/// Whether this runs in an interrupt's handler, and not in the thread that was interrupted.
#[inline]
pub fn in_interrupt() -> bool {
    arch::in_interrupt()
}

impl Drop for PreemptGuard {
    #[inline]
    fn drop(&mut self) {
        arch::preempt_leave();
    }
}

/// Keeps interrupts off until it is dropped; then they are as they were.
pub struct InterruptGuard {
    enabled: bool,
    not_send: PhantomData<*mut ()>,
}

/// Switches interrupts off until the guard is dropped. May be called anywhere, and nested.
#[inline]
pub fn interrupts_off() -> InterruptGuard {
    InterruptGuard { enabled: arch::irq_save(), not_send: PhantomData }
}

impl Drop for InterruptGuard {
    #[inline]
    fn drop(&mut self) {
        if cfg!(debug_assertions) && self.enabled {
            crate::lock_check::note_interrupts_on();
        }
        arch::irq_restore(self.enabled);
    }
}
