//! The registers in a report.

use core::arch::naked_asm;
use core::fmt::{self, Write};
use core::mem::offset_of;

use super::super::register;
use super::super::trap::{self, Frame};
use super::Raw;

/// The registers of the code that calls this, as an interrupt right after the call would have saved them. Those that a call
/// need not keep hold whatever they do.
#[inline(always)]
pub(super) fn capture() -> Frame {
    let mut frame = Frame::default();
    // SAFETY: writes nothing but the frame.
    unsafe { store(&mut frame) };
    frame
}

/// # Safety
/// `frame` can be written.
#[unsafe(naked)]
unsafe extern "C" fn store(frame: *mut Frame) {
    naked_asm!(
        "mov [rdi + {R15}], r15",
        "mov [rdi + {R14}], r14",
        "mov [rdi + {R13}], r13",
        "mov [rdi + {R12}], r12",
        "mov [rdi + {RBP}], rbp",
        "mov [rdi + {RBX}], rbx",
        "mov rax, [rsp]",
        "mov [rdi + {RIP}], rax",
        "lea rax, [rsp + 8]",
        "mov [rdi + {RSP}], rax",
        "mov [rdi + {CS}], cs",
        "mov [rdi + {SS}], ss",
        "pushfq",
        "pop qword ptr [rdi + {RFLAGS}]",
        "ret",
        R15 = const offset_of!(Frame, r15),
        R14 = const offset_of!(Frame, r14),
        R13 = const offset_of!(Frame, r13),
        R12 = const offset_of!(Frame, r12),
        RBP = const offset_of!(Frame, rbp),
        RBX = const offset_of!(Frame, rbx),
        RIP = const offset_of!(Frame, rip),
        RSP = const offset_of!(Frame, rsp),
        CS = const offset_of!(Frame, cs),
        SS = const offset_of!(Frame, ss),
        RFLAGS = const offset_of!(Frame, rflags),
    )
}

/// Prints them, with the tables that are loaded here.
pub(super) fn write(frame: &Frame) -> fmt::Result {
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
    ];
    for row in registers.chunks(4) {
        for (name, value) in row {
            write!(Raw, "{name} {value:016x}  ")?;
        }
        writeln!(Raw)?;
    }
    Ok(())
}

/// Prints the control registers of this processor.
pub(super) fn write_control() -> fmt::Result {
    let nmis = trap::nmi_count();
    writeln!(Raw, "cr2 {:016x}  cr3 {:016x}  nmi {nmis}", register::read_cr2(), register::read_cr3())
}
