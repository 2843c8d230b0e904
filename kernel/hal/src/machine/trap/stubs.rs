//! The first instructions of every interrupt and exception.
//!
//! The processor pushes `ss`, `rsp`, `rflags`, `cs`, `rip` (and an error code for some exceptions) on a stack aligned to 16;
//! each stub adds what is missing and its number, so that the rest is one piece of code:
//!
//! - **from user mode** the stack is the one that [`UserContext::run`](crate::UserContext::run) left in `rsp0`, with the
//!   address of the program's registers on top. They are stored there, and `run` returns: interrupts are served by Rust code
//!   that called `run`, not by code that was interrupted.
//! - **from the kernel** the registers are saved on the stack as a [`Frame`](super::Frame).
//! - **NMI, double fault, machine check** come at any moment, also between `swapgs` and the instruction that needed it. They
//!   have stacks of their own with the address of the processor's area in the uppermost word, and set the GS base from it
//!   without looking at what it was.
//!
//! `SYSCALL` cannot be followed by a debug exception at its entry: its flag mask clears TF, and programs cannot set debug
//! registers.

use core::arch::global_asm;
use core::mem::offset_of;

use super::super::area::offset;
use super::Frame;
use crate::Registers;

/// Bytes from one stub to the next.
const STUB_SIZE: usize = 16;
/// What the user path gives instead of a vector for a system call.
pub(in super::super) const SYSCALL: u32 = 256;

// SAFETY: the assembly below defines the table; only its address is taken.
unsafe extern "C" {
    static interrupt_stubs: [[u8; STUB_SIZE]; 256];
}

/// The address of the stub of a vector.
pub(in super::super) fn address(vector: usize) -> u64 {
    (&raw const interrupt_stubs) as u64 + (vector * STUB_SIZE) as u64
}

// SAFETY: the assembly below defines the symbol; only the processor enters it.
unsafe extern "C" {
    /// Where `SYSCALL` goes.
    pub(in super::super) fn syscall_entry();
}

global_asm!(
    r#"
    // Room for `clac`, filled in where the processor has it.
    .macro CLAC
991:    .byte 0x0f, 0x1f, 0x00
    .pushsection .hal.clac_sites, "a"
    .quad 991b
    .popsection
    .endm
    .macro PUSH_ALL
    push rax
    push rbx
    push rcx
    push rdx
    push rsi
    push rdi
    push rbp
    push r8
    push r9
    push r10
    push r11
    push r12
    push r13
    push r14
    push r15
    .endm
    .macro POP_ALL
    pop r15
    pop r14
    pop r13
    pop r12
    pop r11
    pop r10
    pop r9
    pop r8
    pop rbp
    pop rdi
    pop rsi
    pop rdx
    pop rcx
    pop rbx
    pop rax
    .endm

    // Where a debugger finds what `PUSH_ALL`, the stub and the processor have saved, from rsp on (DWARF 5, 6.4): it steps over
    // an interrupt like over a call. The frame ends above `ss`.
    .macro CFI_FRAME
    .cfi_signal_frame
    .cfi_def_cfa rsp, {FRAME}
    .cfi_offset rip, {AT_RIP} - {FRAME}
    .cfi_offset rsp, {AT_RSP} - {FRAME}
    .cfi_offset rbp, {AT_RBP} - {FRAME}
    .cfi_offset rbx, {AT_RBX} - {FRAME}
    .cfi_offset rax, {AT_RAX} - {FRAME}
    .cfi_offset rcx, {AT_RCX} - {FRAME}
    .cfi_offset rdx, {AT_RDX} - {FRAME}
    .cfi_offset rsi, {AT_RSI} - {FRAME}
    .cfi_offset rdi, {AT_RDI} - {FRAME}
    .cfi_offset r8, {AT_R8} - {FRAME}
    .cfi_offset r9, {AT_R9} - {FRAME}
    .cfi_offset r10, {AT_R10} - {FRAME}
    .cfi_offset r11, {AT_R11} - {FRAME}
    .cfi_offset r12, {AT_R12} - {FRAME}
    .cfi_offset r13, {AT_R13} - {FRAME}
    .cfi_offset r14, {AT_R14} - {FRAME}
    .cfi_offset r15, {AT_R15} - {FRAME}
    .endm

    .cfi_sections .debug_frame
    .pushsection .text
    .balign 16
    .globl interrupt_stubs
interrupt_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    // 8, 10 to 14, 17, 21, 29 and 30 bring an error code.
    .if (vector != 8) && ((vector < 10) || (vector > 14)) && (vector != 17) && (vector != 21) && (vector != 29) && (vector != 30)
    push 0
    .endif
    push vector
    .if (vector == 2) || (vector == 8) || (vector == 18)
    jmp fault_entry
    .else
    jmp interrupt_entry
    .endif
    .set vector, vector + 1
    .endr
    .balign 16

interrupt_entry:
    test byte ptr [rsp + 24], 3
    jz kernel_entry
    swapgs
    CLAC
    cld
    push rax
    mov rax, [rsp + 64]
    mov [rax + {RBX}], rbx
    mov [rax + {RCX}], rcx
    mov [rax + {RDX}], rdx
    mov [rax + {RSI}], rsi
    mov [rax + {RDI}], rdi
    mov [rax + {RBP}], rbp
    mov [rax + {R8}], r8
    mov [rax + {R9}], r9
    mov [rax + {R10}], r10
    mov [rax + {R11}], r11
    mov [rax + {R12}], r12
    mov [rax + {R13}], r13
    mov [rax + {R14}], r14
    mov [rax + {R15}], r15
    pop rcx
    mov [rax + {RAX}], rcx
    pop rsi                     // vector
    pop rdx                     // error code
    pop rcx
    mov [rax + {RIP}], rcx
    pop rcx                     // cs
    pop rcx
    mov [rax + {RFLAGS}], rcx
    pop rcx
    mov [rax + {RSP}], rcx
    add rsp, 16                 // ss, address of the registers
    mov eax, esi
    pop rbx
    pop rbp
    ret

    .globl syscall_entry
syscall_entry:
    swapgs
    mov gs:[{AREA_USER_RSP}], rsp
    mov rsp, gs:[{AREA_RSP0}]
    push r11
    mov r11, [rsp + 8]
    mov [r11 + {RAX}], rax
    mov [r11 + {RBX}], rbx
    mov [r11 + {RCX}], rcx
    mov [r11 + {RIP}], rcx
    mov [r11 + {RDX}], rdx
    mov [r11 + {RSI}], rsi
    mov [r11 + {RDI}], rdi
    mov [r11 + {RBP}], rbp
    mov [r11 + {R8}], r8
    mov [r11 + {R9}], r9
    mov [r11 + {R10}], r10
    mov [r11 + {R12}], r12
    mov [r11 + {R13}], r13
    mov [r11 + {R14}], r14
    mov [r11 + {R15}], r15
    pop rcx                     // rflags
    mov [r11 + {RFLAGS}], rcx
    mov [r11 + {R11}], rcx
    mov rcx, gs:[{AREA_USER_RSP}]
    mov [r11 + {RSP}], rcx
    pop rcx                     // address of the registers
    mov eax, {SYSCALL}
    pop rbx
    pop rbp
    ret

    // rdi: the program's registers. Returns eax = vector, edx = error code; keeps rbx and rbp only.
    .globl enter_user
enter_user:
    push rbp
    push rbx
    push rdi
    mov gs:[{AREA_RSP0}], rsp
    mov rcx, [rdi + {RIP}]
    mov r11, [rdi + {RFLAGS}]
    and r11, {USER_FLAGS}
    or r11, {FORCED_FLAGS}
    // SYSRET sets rip from rcx, rflags from r11, and must not be given an address that is not canonical (Intel SDM volume
    // 2: it would fault in kernel mode on the user's stack), nor RF or TF.
    cmp rcx, [rdi + {RCX}]
    jne 2f
    cmp r11, [rdi + {R11}]
    jne 2f
    test r11d, {RF_TF}
    jnz 2f
    mov rax, rcx
    shr rax, 47
    jnz 2f
    mov rax, [rdi + {RAX}]
    mov rbx, [rdi + {RBX}]
    mov rdx, [rdi + {RDX}]
    mov rsi, [rdi + {RSI}]
    mov rbp, [rdi + {RBP}]
    mov r8, [rdi + {R8}]
    mov r9, [rdi + {R9}]
    mov r10, [rdi + {R10}]
    mov r12, [rdi + {R12}]
    mov r13, [rdi + {R13}]
    mov r14, [rdi + {R14}]
    mov r15, [rdi + {R15}]
    mov rsp, [rdi + {RSP}]
    mov rdi, [rdi + {RDI}]
    swapgs
    sysretq
2:
    // IRET faults in kernel mode too if the address is not canonical: the program gets the fault instead.
    mov rax, rcx
    shl rax, 16
    sar rax, 16
    cmp rax, rcx
    jne 3f
    push {USER_DATA}
    push qword ptr [rdi + {RSP}]
    push r11
    push {USER_CODE}
    push rcx
    mov rax, [rdi + {RAX}]
    mov rbx, [rdi + {RBX}]
    mov rcx, [rdi + {RCX}]
    mov rdx, [rdi + {RDX}]
    mov rsi, [rdi + {RSI}]
    mov rbp, [rdi + {RBP}]
    mov r8, [rdi + {R8}]
    mov r9, [rdi + {R9}]
    mov r10, [rdi + {R10}]
    mov r11, [rdi + {R11}]
    mov r12, [rdi + {R12}]
    mov r13, [rdi + {R13}]
    mov r14, [rdi + {R14}]
    mov r15, [rdi + {R15}]
    mov rdi, [rdi + {RDI}]
    swapgs
    iretq
3:
    mov eax, {GENERAL_PROTECTION}
    xor edx, edx
    pop rdi
    pop rbx
    pop rbp
    ret

kernel_entry:
    PUSH_ALL
    .cfi_startproc
    CFI_FRAME
    CLAC
    cld
    mov rdi, rsp
    call {from_kernel}
    .cfi_endproc
    POP_ALL
    add rsp, 16
    iretq

fault_entry:
    PUSH_ALL
    .cfi_startproc
    CFI_FRAME
    CLAC
    cld
    mov ecx, {GS_BASE}
    rdmsr
    shl rdx, 32
    or rax, rdx
    mov rbx, rax
    mov rax, [rsp + 176]        // above 15 registers, 2 words of the stub, 5 of the processor
    mov rdx, rax
    shr rdx, 32
    wrmsr
    mov rdi, rsp
    call {fault}
    mov rax, rbx
    mov rdx, rbx
    shr rdx, 32
    mov ecx, {GS_BASE}
    wrmsr
    .cfi_endproc
    POP_ALL
    add rsp, 16
    iretq
    .popsection
    .purgem CFI_FRAME
    .purgem CLAC
    .purgem PUSH_ALL
    .purgem POP_ALL
"#,
    RAX = const offset_of!(Registers, rax),
    RBX = const offset_of!(Registers, rbx),
    RCX = const offset_of!(Registers, rcx),
    RDX = const offset_of!(Registers, rdx),
    RSI = const offset_of!(Registers, rsi),
    RDI = const offset_of!(Registers, rdi),
    RBP = const offset_of!(Registers, rbp),
    RSP = const offset_of!(Registers, rsp),
    R8 = const offset_of!(Registers, r8),
    R9 = const offset_of!(Registers, r9),
    R10 = const offset_of!(Registers, r10),
    R11 = const offset_of!(Registers, r11),
    R12 = const offset_of!(Registers, r12),
    R13 = const offset_of!(Registers, r13),
    R14 = const offset_of!(Registers, r14),
    R15 = const offset_of!(Registers, r15),
    RIP = const offset_of!(Registers, rip),
    RFLAGS = const offset_of!(Registers, rflags),
    FRAME = const size_of::<Frame>(),
    AT_RIP = const offset_of!(Frame, rip),
    AT_RSP = const offset_of!(Frame, rsp),
    AT_RBP = const offset_of!(Frame, rbp),
    AT_RBX = const offset_of!(Frame, rbx),
    AT_RAX = const offset_of!(Frame, rax),
    AT_RCX = const offset_of!(Frame, rcx),
    AT_RDX = const offset_of!(Frame, rdx),
    AT_RSI = const offset_of!(Frame, rsi),
    AT_RDI = const offset_of!(Frame, rdi),
    AT_R8 = const offset_of!(Frame, r8),
    AT_R9 = const offset_of!(Frame, r9),
    AT_R10 = const offset_of!(Frame, r10),
    AT_R11 = const offset_of!(Frame, r11),
    AT_R12 = const offset_of!(Frame, r12),
    AT_R13 = const offset_of!(Frame, r13),
    AT_R14 = const offset_of!(Frame, r14),
    AT_R15 = const offset_of!(Frame, r15),
    AREA_RSP0 = const offset::RSP0,
    AREA_USER_RSP = const offset::USER_RSP,
    SYSCALL = const SYSCALL,
    // CF, PF, AF, ZF, SF, TF, DF, OF, NT, RF, AC, ID.
    USER_FLAGS = const 0x25_4dd5,
    // IF, and the bit that is always set.
    FORCED_FLAGS = const 0x202,
    RF_TF = const 0x1_0100,
    GENERAL_PROTECTION = const 13,
    GS_BASE = const super::super::register::Msr::GsBase as u32,
    USER_DATA = const super::super::descriptors::selector::USER_DATA,
    USER_CODE = const super::super::descriptors::selector::USER_CODE,
    from_kernel = sym super::from_kernel,
    fault = sym super::fault,
);
