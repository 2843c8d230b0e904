//! PVH: what `qemu -kernel`, Firecracker and Cloud Hypervisor speak.
//!
//! The loader enters at the physical address of the ELF note (name `Xen`, type 18) in 32-bit protected mode without paging,
//! with `ebx` pointing to `hvm_start_info` (Xen's `docs/misc/pvh.pandoc`). The entry fills the boot page tables
//! ([`super::tables`]) with the addresses that the linker gave, switches to long mode and calls [`start`].

use core::arch::global_asm;
use core::ffi::CStr;

use super::super::layout::{KERNEL_BASE, direct};
use crate::facts::{Facts, Loader};
use crate::{MemoryKind, MemoryRegion, PhysAddr};

global_asm!(
    r#"
    .pushsection .note.pvh, "a", @note
    .balign 4
    .long 4, 4, 18
    .asciz "Xen"
    .long pvh_start - {base}
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
    mov eax, offset boot_pdpt_low - {base} + 3
    mov [boot_pml4 - {base}], eax
    mov [boot_pml4 - {base} + 256 * 8], eax
    mov eax, offset boot_pdpt_high - {base} + 3
    mov [boot_pml4 - {base} + 511 * 8], eax
    mov eax, offset boot_pd - {base} + 3
    mov [boot_pdpt_low - {base}], eax
    add eax, 4096
    mov [boot_pdpt_low - {base} + 8], eax
    add eax, 4096
    mov [boot_pdpt_low - {base} + 16], eax
    add eax, 4096
    mov [boot_pdpt_low - {base} + 24], eax
    mov eax, 0x83
    mov edi, offset boot_pd - {base}
boot_map:
    mov [edi], eax
    add edi, 8
    add eax, 0x200000
    jnc boot_map
    mov eax, offset boot_pd_image - {base} + 3
    mov [boot_pdpt_high - {base} + 510 * 8], eax
    mov eax, 0x83
    mov edi, offset boot_pd_image - {base}
boot_map_image:
    mov [edi], eax
    add edi, 8
    add eax, 0x200000
    cmp eax, 0x40000083
    jne boot_map_image
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
    base = const KERNEL_BASE,
    start = sym start,
);

const MAGIC: u32 = 0x336e_c578;
/// Start information of this version and later has a memory map.
const VERSION_WITH_MEMORY_MAP: u32 = 1;

/// `struct hvm_start_info`.
#[repr(C)]
struct StartInfo {
    magic: u32,
    version: u32,
    _flags: u32,
    modules: u32,
    module_list: u64,
    command_line: u64,
    rsdp: u64,
    memory_map: u64,
    memory_map_entries: u32,
    _reserved: u32,
}

/// `struct hvm_modlist_entry`.
#[repr(C)]
struct Module {
    start: u64,
    length: u64,
    _command_line: u64,
    _reserved: u64,
}

/// `struct hvm_memmap_table_entry`.
#[repr(C)]
struct MemoryMapEntry {
    start: u64,
    length: u64,
    kind: u32,
    _reserved: u32,
}

/// The first Rust code: on the boot stack, in the boot page tables, at the addresses that the linker gave.
///
/// # Safety
/// Called once, by the entry code, with the address that the loader gave.
unsafe extern "C" fn start(start_info: u64) -> ! {
    // SAFETY: the loader vouches for the structure and for what it points to, all below 4 GiB, which is mapped; nothing has
    // written to memory that is not the image's yet.
    let facts = unsafe { gather(start_info) };
    super::start(facts)
}

/// Copies what is needed later out of the loader's memory.
///
/// # Safety
/// `start_info` is the address that a PVH loader gave, and nothing was written to memory since.
unsafe fn gather(start_info: u64) -> Facts {
    // SAFETY: the caller's contract.
    let info = unsafe { &*direct::<StartInfo>(start_info) };
    if info.magic != MAGIC || info.version < VERSION_WITH_MEMORY_MAP {
        super::refuse("the boot loader gave no PVH start information with a memory map");
    }
    let mut facts = Facts::new(Loader::Pvh);
    for index in 0..info.memory_map_entries as usize {
        // SAFETY: the loader says that there are so many entries.
        let entry = unsafe { &*direct::<MemoryMapEntry>(info.memory_map).add(index) };
        const USABLE: u32 = 1;
        let kind = if entry.kind == USABLE { MemoryKind::Usable } else { MemoryKind::Reserved };
        facts.add_region(MemoryRegion { start: PhysAddr::new(entry.start), length: entry.length, kind });
    }
    if info.command_line != 0 {
        // SAFETY: a string that ends with a NUL byte.
        facts.set_command_line(unsafe { CStr::from_ptr(direct(info.command_line)) }.to_bytes());
    }
    if info.modules > 0 {
        // SAFETY: the loader says that there is a first entry.
        let module = unsafe { &*direct::<Module>(info.module_list) };
        facts.initramfs = Some((module.start, module.length));
    }
    facts.rsdp = (info.rsdp != 0).then(|| PhysAddr::new(info.rsdp));
    facts
}
