//! The first instructions of a started processor: from 16-bit mode at a frame below 1 MiB straight to long mode, in the boot
//! page tables, which show that frame at its physical address, and on to the kernel's.

use core::arch::global_asm;

use super::super::layout;
use crate::PAGE_SIZE;

global_asm!(
    r#"
    .pushsection .rodata.trampoline, "a"
    .balign 16
    .globl trampoline_start
trampoline_start:
    .code16
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    lgdtl trampoline_gdtr - trampoline_start
    movl $0x20, %eax
    movl %eax, %cr4
    movl trampoline_root - trampoline_start, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x900, %eax            // long mode, no-execute
    wrmsr
    // Caches on: INIT leaves them off.
    movl %cr0, %eax
    andl $0x9fffffff, %eax
    orl $0x80000001, %eax
    movl %eax, %cr0
    ljmpl *(trampoline_far - trampoline_start)
    .code64
trampoline_long:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movq trampoline_tables(%rip), %rcx
    movq trampoline_stack(%rip), %rdx
    movq trampoline_argument(%rip), %rdi
    movq trampoline_entry(%rip), %rax
    movq trampoline_next(%rip), %rsi
    jmp *%rsi
    .balign 8
trampoline_gdt:
    .quad 0
    .quad 0x00af9b000000ffff
    .quad 0x00cf93000000ffff
    // What follows is filled in by `install` and `set`.
trampoline_gdtr:
    .word trampoline_gdtr - trampoline_gdt - 1
    .globl trampoline_gdt_address
trampoline_gdt_address:
    .long trampoline_gdt - trampoline_start
    .globl trampoline_far
trampoline_far:
    .long trampoline_long - trampoline_start
    .word 8
    .balign 8
    .globl trampoline_root
trampoline_root:
    .long 0
    .balign 8
    .globl trampoline_next
trampoline_next:
    .quad 0
    .globl trampoline_tables
trampoline_tables:
    .quad 0
    .globl trampoline_stack
trampoline_stack:
    .quad 0
    .globl trampoline_entry
trampoline_entry:
    .quad 0
    .globl trampoline_argument
trampoline_argument:
    .quad 0
    .globl trampoline_end
trampoline_end:
    .popsection

    // In the kernel's text, which both tables show: the stack is in the kernel's only.
    .pushsection .text
    .globl trampoline_high
trampoline_high:
    movq %rcx, %cr3
    movq %rdx, %rsp
    xorl %ebp, %ebp
    call *%rax
    ud2
    .popsection
"#,
    options(att_syntax)
);

// SAFETY: the assembly above defines the symbols; only their addresses are taken.
unsafe extern "C" {
    static trampoline_start: u8;
    static trampoline_gdt_address: u8;
    static trampoline_far: u8;
    static trampoline_root: u8;
    static trampoline_next: u8;
    static trampoline_high: u8;
    static trampoline_tables: u8;
    static trampoline_stack: u8;
    static trampoline_entry: u8;
    static trampoline_argument: u8;
    static trampoline_end: u8;
}

/// Where a symbol lies in the copy of the trampoline.
fn place<T>(frame: u64, symbol: *const u8) -> *mut T {
    let offset = symbol as u64 - (&raw const trampoline_start) as u64;
    layout::direct::<u8>(frame).wrapping_add(offset as usize).cast()
}

/// Copies the trampoline to its frame; `root` is the boot page tables'. Says whether 32-bit code can load them.
pub(super) fn install(frame: u64, root: u64) -> bool {
    let Ok(root) = u32::try_from(root) else { return false };
    let length = (&raw const trampoline_end) as usize - (&raw const trampoline_start) as usize;
    assert!(length <= PAGE_SIZE, "the trampoline is one page");
    // SAFETY: the frame is usable memory below 1 MiB, which `early` gives to nobody; the direct map shows it. The two words
    // are offsets in the trampoline and become addresses.
    unsafe {
        core::ptr::copy_nonoverlapping(&raw const trampoline_start, layout::direct(frame), length);
        for symbol in [&raw const trampoline_gdt_address, &raw const trampoline_far] {
            let word = place::<u32>(frame, symbol);
            word.write_unaligned(word.read_unaligned() + frame as u32);
        }
        place::<u32>(frame, &raw const trampoline_root).write_unaligned(root);
        place::<u64>(frame, &raw const trampoline_next).write_unaligned((&raw const trampoline_high) as u64);
    }
    true
}

/// Says what the next processor runs, in which page tables, on which stack, with which argument.
pub(super) fn set(frame: u64, tables: u64, stack: u64, entry: u64, argument: u64) {
    for (symbol, value) in [
        (&raw const trampoline_tables, tables),
        (&raw const trampoline_stack, stack),
        (&raw const trampoline_entry, entry),
        (&raw const trampoline_argument, argument),
    ] {
        // SAFETY: as in `install`; no processor is in the trampoline now. Volatile, as another one will read it.
        unsafe { place::<u64>(frame, symbol).write_volatile(value) };
    }
}
