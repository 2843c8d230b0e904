//! What happens when the kernel finds itself broken.

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use super::trap::{self, Frame};
use super::{backtrace, console, power};
use crate::Once;

/// The status that a panic ends QEMU with, before `isa-debug-exit` transforms it.
const PANIC_STATUS: u8 = 0x32;

static PANICKING: AtomicBool = AtomicBool::new(false);
static NAME_THREAD: Once<fn(&mut dyn Write) -> fmt::Result> = Once::new();

/// Registers what names the current thread in a report, once. It must neither wait nor allocate.
pub fn set_thread_name_hook(hook: fn(&mut dyn Write) -> fmt::Result) {
    let _ = NAME_THREAD.set(hook);
}

/// The console without locks.
struct Raw;

impl Write for Raw {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        console::write_in_panic(text.as_bytes());
        Ok(())
    }
}

/// Ends the machine if it panicked already: the report itself may be what panics.
fn begin() {
    super::irq_save();
    if PANICKING.swap(true, Ordering::Relaxed) {
        power::exit(PANIC_STATUS);
    }
}

fn end(rbp: u64) -> ! {
    backtrace::print(&mut Raw, rbp);
    // The last, as this goes through code that may be what is broken.
    let _ = write_thread(); // `Raw` never fails
    power::exit(PANIC_STATUS)
}

fn write_thread() -> fmt::Result {
    Raw.write_str("thread: ")?;
    match NAME_THREAD.get() {
        Some(name) => name(&mut Raw)?,
        None => Raw.write_str("none, or before there are any")?,
    }
    Raw.write_str("\n")
}

/// Prints where and why the kernel panicked and ends the machine.
pub fn panic(info: &PanicInfo<'_>) -> ! {
    begin();
    let _ = writeln!(Raw, "kernel panic: {info}");
    end(backtrace::frame_pointer())
}

/// Ends the machine as a panic does, because somebody who may asked for that.
pub fn on_request(why: &str) -> ! {
    begin();
    let _ = writeln!(Raw, "kernel panic: {why}"); // `Raw` never fails
    end(backtrace::frame_pointer())
}

/// Prints the registers at an exception in the kernel and ends the machine.
pub(super) fn exception(frame: &Frame, address: Option<u64>) -> ! {
    begin();
    let _ = write_exception(frame, address);
    end(frame.rbp)
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
    write!(Raw, "kernel panic: {name} (vector {}, error {:#x}) at ", frame.vector, frame.error)?;
    backtrace::write_address(&mut Raw, frame.rip)?;
    writeln!(Raw)?;
    if let Some(address) = address {
        writeln!(Raw, "accessed {address:#018x}: {}", trap::describe(address))?;
    }
    let registers = [
        ("rax", frame.rax),
        ("rbx", frame.rbx),
        ("rcx", frame.rcx),
        ("rdx", frame.rdx),
        ("rsi", frame.rsi),
        ("rdi", frame.rdi),
        ("rbp", frame.rbp),
        ("rsp", frame.rsp),
        ("r8 ", frame.r8),
        ("r9 ", frame.r9),
        ("r10", frame.r10),
        ("r11", frame.r11),
        ("r12", frame.r12),
        ("r13", frame.r13),
        ("r14", frame.r14),
        ("r15", frame.r15),
        ("rip", frame.rip),
        ("rfl", frame.rflags),
        ("cs ", frame.cs),
        ("ss ", frame.ss),
        ("cr3", super::register::read_cr3()),
        ("nmi", trap::nmi_count()),
    ];
    for row in registers.chunks(4) {
        for (name, value) in row {
            write!(Raw, "{name} {value:016x}  ")?;
        }
        writeln!(Raw)?;
    }
    Ok(())
}
