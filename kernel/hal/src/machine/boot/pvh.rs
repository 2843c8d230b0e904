//! PVH: what `qemu -kernel`, Firecracker and Cloud Hypervisor speak.
//!
//! The loader enters at the physical address of the ELF note (name `Xen`, type 18) in 32-bit protected mode without paging,
//! with `ebx` pointing to `hvm_start_info` (Xen's `docs/misc/pvh.pandoc`). The entry maps the first GiB twice, at 0 and at
//! the kernel's link address, switches to long mode and calls [`rust_start`].

use core::arch::global_asm;

use super::super::boot_info::BootInfo;

unsafe extern "Rust" {
    /// The kernel's main function, supplied by the image.
    safe fn serix_main(boot: &BootInfo) -> !;
}

global_asm!(
    r#"
    .pushsection .note.pvh, "a", @note
    .balign 4
    .long 4, 4, 18
    .asciz "Xen"
    .long pvh_start - {base}
    .popsection

    .pushsection .bss.boot, "aw", @nobits
    .balign 4096
boot_pml4:  .skip 4096
boot_pdpt:  .skip 4096
boot_pd:    .skip 4096
boot_stack: .skip 65536
boot_stack_top:
    .popsection

    .pushsection .rodata.boot, "a"
    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff
    .quad 0x00cf93000000ffff
boot_gdt_end:
boot_gdtr:
    .word boot_gdt_end - boot_gdt - 1
    .quad boot_gdt - {base}
    .popsection

    .pushsection .text.boot, "ax"
    .code32
    .globl pvh_start
pvh_start:
    cli
    cld
    mov esi, ebx
    mov eax, offset boot_pdpt - {base} + 3
    mov [boot_pml4 - {base}], eax
    mov [boot_pml4 - {base} + 511 * 8], eax
    mov eax, offset boot_pd - {base} + 3
    mov [boot_pdpt - {base}], eax
    mov [boot_pdpt - {base} + 510 * 8], eax
    mov eax, 0x83
    mov edi, offset boot_pd - {base}
boot_map:
    mov [edi], eax
    add edi, 8
    add eax, 0x200000
    cmp eax, 0x40000083
    jne boot_map
    mov eax, cr4
    or eax, 0x20
    mov cr4, eax
    mov eax, offset boot_pml4 - {base}
    mov cr3, eax
    mov ecx, 0xc0000080
    rdmsr
    or eax, 0x100
    wrmsr
    mov eax, cr0
    or eax, 0x80000000
    mov cr0, eax
    lgdt [boot_gdtr - {base}]
    mov eax, 0x10
    mov ds, eax
    mov es, eax
    mov ss, eax
    push 8
    mov eax, offset boot_long - {base}
    push eax
    retf
    .code64
boot_long:
    movabs rax, offset boot_high
    jmp rax
boot_high:
    lea rsp, [rip + boot_stack_top]
    xor ebp, ebp
    mov edi, esi
    call {start}
    ud2
    .popsection
"#,
    base = const 0xffff_ffff_8000_0000_u64,
    start = sym rust_start,
);

/// The first Rust code: on the boot stack, in the boot page tables.
extern "C" fn rust_start(_start_info: u64) -> ! {
    serix_main(&BootInfo { loader: "PVH" })
}
