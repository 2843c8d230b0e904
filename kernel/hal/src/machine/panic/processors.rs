//! The other processors in a report.
//!
//! A processor is stopped by an NMI, which comes whatever its interrupt flag says. The handler leaves the address of the
//! registers that were interrupted, which stay on the stack of that handler, and halts; who panicked reads the rest.

use core::fmt::{self, Write};
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use core::time::Duration;

use super::super::backtrace::Place;
use super::super::trap::Frame;
use super::super::{apic, area, backtrace, context, cpu, time};
use super::{NOBODY, PANICKING, Raw, registers};
use crate::CpuId;

/// How long a processor may take to stop, or to end its report. An emulator's host may be busy.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where each stopped processor was.
static STOPPED: [AtomicPtr<Frame>; area::MAX] = [const { AtomicPtr::new(ptr::null_mut()) }; area::MAX];

/// The processor that is to print where it is, and go on.
static REPORTING: AtomicU32 = AtomicU32::new(NOBODY);

/// When patience ends, in nanoseconds since boot.
fn deadline() -> u64 {
    time::now_nanos().saturating_add(PATIENCE.as_nanos() as u64)
}

/// The processors that run, but for this one.
fn others() -> impl Iterator<Item = usize> {
    (0..cpu::online()).filter(|&other| other != area::id() as usize)
}

/// Has the others stop. One that has begun a report of where it is ends it first: two at a time could not be read.
pub(super) fn stop() {
    others().for_each(|other| apic::local::send_nmi(CpuId::new(other as u32)));
    let end = deadline();
    let is_reporting = || ![NOBODY, area::id()].contains(&REPORTING.load(Ordering::SeqCst));
    while is_reporting() && time::now_nanos() < end {
        core::hint::spin_loop();
    }
}

/// Stops this processor, in its handler of NMIs.
pub(super) fn stop_here(frame: &Frame) -> ! {
    STOPPED[area::id() as usize].store(ptr::from_ref(frame).cast_mut(), Ordering::Release);
    cpu::stop()
}

/// Prints where the others were when they stopped.
pub(super) fn write() -> fmt::Result {
    let end = deadline();
    for other in others() {
        while STOPPED[other].load(Ordering::Acquire).is_null() && time::now_nanos() < end {
            core::hint::spin_loop();
        }
        // SAFETY: the frame lies on a stack that is never given back, and the processor halts for good.
        match unsafe { STOPPED[other].load(Ordering::Acquire).as_ref() } {
            None => writeln!(Raw, "processor {other} does not answer")?,
            Some(frame) => write_stopped(other, frame)?,
        }
    }
    Ok(())
}

fn write_stopped(other: usize, frame: &Frame) -> fmt::Result {
    write!(Raw, "processor {other} was at ")?;
    write_place(frame)?;
    // SAFETY: the processor has stopped: it switches no more.
    super::write_thread(unsafe { context::owner_on_stopped(other) })?;
    registers::write(frame)?;
    backtrace::print(&mut Raw, frame.rbp);
    Ok(())
}

fn write_place(frame: &Frame) -> fmt::Result {
    let whose = if frame.cs & 3 == 0 { "" } else { ", in its program" };
    writeln!(Raw, "{}{whose}", Place(frame.rip))
}

/// Lets another processor print where it is.
pub(in super::super) fn report(other: CpuId) {
    if REPORTING.compare_exchange(NOBODY, other.index() as u32, Ordering::SeqCst, Ordering::Relaxed).is_ok() {
        apic::local::send_nmi(other);
    }
}

/// Prints where this processor was interrupted, if another one wants to know and nobody has panicked meanwhile. In the handler of
/// NMIs: takes no lock.
pub(in super::super) fn report_if_asked(frame: &Frame) {
    // In this order: who panics says so first, and then looks whether somebody reports.
    if REPORTING.load(Ordering::SeqCst) != area::id() {
        return;
    }
    if PANICKING.load(Ordering::SeqCst) == NOBODY {
        let _ = write_own(frame); // `Raw` never fails
    }
    REPORTING.store(NOBODY, Ordering::Release);
}

fn write_own(frame: &Frame) -> fmt::Result {
    write!(Raw, "processor {} is at ", area::id())?;
    write_place(frame)?;
    context::with_owner(super::write_thread)?;
    backtrace::print(&mut Raw, frame.rbp);
    Ok(())
}
