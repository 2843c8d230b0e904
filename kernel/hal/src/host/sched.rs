//! The reschedule flag.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::cpu::CpuId;

static NEED: AtomicBool = AtomicBool::new(false);

/// Asks a processor to reschedule soon; the current one when a critical section or an interrupt ends.
pub fn set_need_resched(_cpu: CpuId) {
    NEED.store(true, Ordering::Relaxed);
}

/// Interrupts another processor so that it notices its flag.
pub fn send_reschedule(_cpu: CpuId) {}

/// Says whether this processor was asked.
pub fn need_resched() -> bool {
    NEED.load(Ordering::Relaxed)
}

/// The scheduler is at work: the flag is served.
pub fn clear_need_resched() {
    NEED.store(false, Ordering::Relaxed);
}
