//! What happens when the kernel finds itself broken.

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering};

use super::trap::{self, Frame};
use super::{apic, area, backtrace, console, cpu, power};
use crate::Once;

/// The status that a panic ends QEMU with, before `isa-debug-exit` transforms it.
const PANIC_STATUS: u8 = 0x32;

/// The processor that panicked.
static PANICKING: AtomicU32 = AtomicU32::new(NOBODY);
const NOBODY: u32 = u32::MAX;
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

/// Stops the other processors. Ends the machine if this one panicked already: the report itself may be what panics.
fn begin() {
    super::irq_save();
    let own = area::id();
    match PANICKING.compare_exchange(NOBODY, own, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {
            let others = (0..cpu::online() as u32).filter(|&other| other != own);
            others.for_each(|other| apic::local::send_nmi(crate::CpuId::new(other)));
        }
        Err(first) if first == own => power::exit(PANIC_STATUS),
        // Two at a time: the first one reports.
        Err(_) => cpu::stop(),
    }
}

/// The processor that is to print where it is.
static REPORTING: AtomicU32 = AtomicU32::new(NOBODY);

/// Lets another processor print where it is.
pub(super) fn report(other: crate::CpuId) {
    if REPORTING.compare_exchange(NOBODY, other.index() as u32, Ordering::AcqRel, Ordering::Acquire).is_ok() {
        apic::local::send_nmi(other);
    }
}

/// Prints where this processor was interrupted, if another one wants to know. In the handler of NMIs: takes no lock.
pub(super) fn report_if_asked(frame: &Frame) {
    if REPORTING.load(Ordering::Acquire) == area::id() {
        let _ = write!(Raw, "processor {} is at ", area::id()); // `Raw` never fails
        let _ = backtrace::write_address(&mut Raw, frame.rip);
        let _ = writeln!(Raw);
        backtrace::print(&mut Raw, frame.rbp);
        REPORTING.store(NOBODY, Ordering::Release);
    }
}

/// Stops this processor if another one has panicked. In the handler of NMIs.
pub(super) fn stop_if_panicking() {
    let panicking = PANICKING.load(Ordering::Acquire);
    if panicking != NOBODY && panicking != area::id() {
        cpu::stop();
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
