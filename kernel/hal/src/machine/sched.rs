//! The request for a reschedule.

use core::sync::atomic::Ordering;

use super::{apic, area};
use crate::cpu::CpuId;

/// Asks a processor to reschedule soon; the current one when a critical section or an interrupt ends.
pub fn set_need_resched(cpu: CpuId) {
    let _guard = crate::preempt::disable();
    if cpu == super::cpu::current() {
        area::set_resched();
    } else if let Some(area) = area::of(cpu.index()) {
        area.resched_asked.store(true, Ordering::Release);
        send_reschedule(cpu);
    }
}

/// Interrupts another processor so that it notices its flag.
pub fn send_reschedule(cpu: CpuId) {
    if cpu.index() < super::cpu::online() {
        apic::local::send(cpu, super::irq::RESCHEDULE);
    }
}

/// Says whether this processor was asked.
#[inline]
pub fn need_resched() -> bool {
    area::preempt_word() & area::NO_RESCHED == 0
}

/// The scheduler is at work: the flag is served.
#[inline]
pub fn clear_need_resched() {
    area::clear_resched();
}

/// Takes over what another processor asked. In an interrupt handler.
pub(super) fn notice() {
    if area::current().resched_asked.swap(false, Ordering::Acquire) {
        area::set_resched();
    }
}
