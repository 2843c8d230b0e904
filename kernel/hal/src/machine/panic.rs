//! What happens when the kernel finds itself broken: every processor stops, one report names where each of them was, and the
//! machine ends, or waits for its host to take a picture of it.

mod log_end;
mod processors;
mod registers;

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering};

use super::backtrace::Place;
use super::context::Owner;
use super::trap::{self, Frame};
use super::{area, backtrace, console, context, cpu, layout, power};
use crate::Once;

pub(super) use processors::{report, report_if_asked};

/// The status that a panic ends QEMU with, before `isa-debug-exit` transforms it.
const PANIC_STATUS: u8 = 0x32;

/// The processor that panicked.
static PANICKING: AtomicU32 = AtomicU32::new(NOBODY);
const NOBODY: u32 = u32::MAX;

/// Names a thread, which a context belongs to.
type NameThread = fn(&mut dyn Write, &Owner) -> fmt::Result;
static NAME_THREAD: Once<NameThread> = Once::new();

/// Registers what names a thread in a report by what its context belongs to, once. It must neither wait nor allocate.
pub fn set_thread_name_hook(hook: NameThread) {
    let _ = NAME_THREAD.set(hook);
}

/// Registers what shows a report on the screen, once. It must neither wait, nor take a lock, nor allocate.
pub fn set_screen_hook(hook: fn(&[u8])) {
    console::set_screen_hook(hook);
}

/// The console without locks.
struct Raw;

impl Write for Raw {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // A report of a machine that goes on leaves the screen to whoever uses it.
        match PANICKING.load(Ordering::Relaxed) {
            NOBODY => console::write_unlocked(text.as_bytes()),
            _ => console::write_in_panic(text.as_bytes()),
        }
        Ok(())
    }
}

/// Stops the other processors. Ends the machine if this one panicked already: the report itself may be what panics.
fn begin() {
    super::irq_save();
    let own = area::id();
    match PANICKING.compare_exchange(NOBODY, own, Ordering::SeqCst, Ordering::Acquire) {
        Ok(_) => processors::stop(),
        Err(first) if first == own => power::end_panic(PANIC_STATUS),
        // Two at a time: the first one reports.
        Err(_) => cpu::stop(),
    }
    log_end::write();
}

/// Stops this processor if another one has panicked. In the handler of NMIs.
pub(super) fn stop_if_panicking(frame: &Frame) {
    let panicking = PANICKING.load(Ordering::Acquire);
    if panicking != NOBODY && panicking != area::id() {
        processors::stop_here(frame);
    }
}

/// Prints the rest of a report whose first line says what happened, and ends the machine.
fn end(frame: &Frame) -> ! {
    let _ = write_rest(frame); // `Raw` never fails
    power::end_panic(PANIC_STATUS)
}

fn write_rest(frame: &Frame) -> fmt::Result {
    registers::write(frame)?;
    registers::write_control()?;
    backtrace::print(&mut Raw, frame.rbp);
    writeln!(Raw, "the image was moved by {:#x}", layout::slide())?;
    // Through code that may be what is broken: as late as possible.
    write!(Raw, "processor {}, ", area::id())?;
    context::with_owner(write_thread)?;
    processors::write()
}

fn write_thread(owner: Option<&Owner>) -> fmt::Result {
    Raw.write_str("thread: ")?;
    match NAME_THREAD.get().zip(owner) {
        Some((name, owner)) => name(&mut Raw, owner)?,
        None => Raw.write_str("none, or before there are any")?,
    }
    Raw.write_str("\n")
}

/// Prints where and why the kernel panicked and ends the machine.
pub fn panic(info: &PanicInfo<'_>) -> ! {
    begin();
    let _ = writeln!(Raw, "kernel panic: {info}"); // `Raw` never fails
    end(&registers::capture())
}

/// Ends the machine as a panic does, because somebody who may asked for that.
pub fn on_request(why: &str) -> ! {
    begin();
    let _ = writeln!(Raw, "kernel panic: {why}"); // `Raw` never fails
    end(&registers::capture())
}

/// Prints the registers at an exception in the kernel and ends the machine.
pub(super) fn exception(frame: &Frame, address: Option<u64>) -> ! {
    begin();
    let _ = write_exception(frame, address); // `Raw` never fails
    end(frame)
}

fn write_exception(frame: &Frame, address: Option<u64>) -> fmt::Result {
    let name = match frame.vector {
        0 => "division error",
        2 => "NMI",
        3 => "breakpoint",
        6 => "invalid opcode",
        8 => "double fault",
        13 => "general protection fault",
        14 => "page fault",
        18 => "machine check",
        _ => "exception",
    };
    let at = Place(frame.rip);
    writeln!(Raw, "kernel panic: {name} (vector {}, error {:#x}) at {at}", frame.vector, frame.error)?;
    if let Some(address) = address {
        writeln!(Raw, "accessed {address:#018x}: {}", trap::describe(address))?;
    }
    Ok(())
}
