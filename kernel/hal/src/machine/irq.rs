//! Interrupts of devices, of the timer, and from other processors.

use alloc::boxed::Box;

use super::{apic, area, call, rcu, sched, shootdown, time};
use crate::Once;

/// Interrupt lines, in ISA's numbering.
const LINES: usize = 16;
/// The vector of line 0.
pub(super) const FIRST_LINE: u8 = 0x30;
/// The vector of the local timer.
pub(super) const TIMER: u8 = 0xe0;
/// Another processor asks for a reschedule.
pub(super) const RESCHEDULE: u8 = 0xe1;
/// Another processor asks that translations be forgotten.
pub(super) const FORGET: u8 = 0xe2;
/// Another processor asks that a function be run.
pub(super) const CALL: u8 = 0xe3;
/// What the local APIC gives when an interrupt went away before it was served.
pub(super) const SPURIOUS: u8 = 0xff;

type Handler = Box<dyn Fn() + Send + Sync>;

static HANDLERS: [Once<Handler>; LINES] = [const { Once::new() }; LINES];

/// The line cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchLine;

/// Lets `handler` serve an interrupt line (ISA numbering), and unmasks it. It runs with interrupts off and must not sleep.
///
/// # Errors
/// There is no such line, or it has a handler.
pub fn set_handler(line: u8, handler: Box<dyn Fn() + Send + Sync>) -> Result<(), NoSuchLine> {
    let slot = HANDLERS.get(usize::from(line)).ok_or(NoSuchLine)?;
    slot.set(handler).map_err(|_| NoSuchLine)?;
    apic::io::route(line, FIRST_LINE + line)
}

/// Switches interrupts on at the end of bring-up.
pub fn enable() {
    super::irq_restore(true);
}

/// Serves an interrupt, of a program or of the kernel. Called with interrupts off.
#[inline]
pub(super) fn serve(vector: u8, in_program: bool) {
    area::preempt_enter();
    rcu::interrupted();
    // SAFETY: this processor's own, with interrupts off.
    unsafe { *area::current().interrupt_depth.get() += 1 };
    match vector {
        TIMER => {
            apic::local::acknowledge();
            time::deadline_passed(in_program);
        }
        RESCHEDULE => {
            apic::local::acknowledge();
            sched::notice();
        }
        FORGET => {
            apic::local::acknowledge();
            shootdown::serve();
        }
        CALL => {
            apic::local::acknowledge();
            call::serve();
        }
        SPURIOUS => {}
        _ => {
            if let Some(handler) =
                HANDLERS.get(usize::from(vector.wrapping_sub(FIRST_LINE))).and_then(Once::get)
            {
                handler();
            }
            apic::local::acknowledge();
        }
    }
    // SAFETY: as above.
    unsafe { *area::current().interrupt_depth.get() -= 1 };
    // What became due is looked at by who was interrupted.
    area::preempt_leave(|| {});
}
