//! The page tables and the stack of the boot, which the image brings along.
//!
//! The tables show the first 4 GiB of physical memory at 0 and at the direct map's address, and the image where it runs; all of it
//! writable and executable. A loader may put the image at any multiple of 4 KiB, so small pages show it. [`kernel_map`](super::super::kernel_map) replaces them.

use core::arch::global_asm;

use super::super::{layout, register};
use crate::PAGE_SIZE;

global_asm!(
    r#"
    .pushsection .bss.boot, "aw", @nobits
    .balign 4096
    .globl boot_pml4, boot_pdpt_low, boot_pdpt_high, boot_pd, boot_pd_image, boot_pt_image, boot_stack_top
boot_pml4:      .skip 4096
boot_pdpt_low:  .skip 4096
boot_pdpt_high: .skip 4096
boot_pd:        .skip 4 * 4096
boot_pd_image:  .skip 4096
boot_pt_image:  .skip {tables} * 4096
boot_stack:     .skip 65536
boot_stack_top:
    .popsection
"#,
    tables = const IMAGE_TABLES,
);

/// The image may have this many times 2 MiB.
const IMAGE_TABLES: usize = 16;
/// Bytes that one of these tables maps, and a large page.
pub(super) const LARGE: u64 = 2 << 20;
/// Bytes of address space for the image.
pub(super) const IMAGE_ROOM: u64 = IMAGE_TABLES as u64 * LARGE;
/// Present, writable, a large page.
const LARGE_PAGE: u64 = 0x83;

/// Present, writable: a table or a small page.
const PRESENT: u64 = 0x3;

// SAFETY: the assembly above defines them, each as long as it says here.
unsafe extern "C" {
    static mut boot_pml4: [u64; 512];
    static mut boot_pdpt_low: [u64; 512];
    static mut boot_pdpt_high: [u64; 512];
    static mut boot_pd: [u64; 4 * 512];
    static mut boot_pd_image: [u64; 512];
    static mut boot_pt_image: [u64; IMAGE_TABLES * 512];
    static boot_stack_top: u8;
}

/// Fills the tables, which PVH's entry does for itself, and loads them.
///
/// # Safety
/// The processor is in long mode, in tables that map the image as it is linked and let it be written; nothing else that they map is
/// used again. [`layout::image`] knows where the image is.
pub(super) unsafe fn fill_and_load() {
    let (root, low, high) =
        ((&raw mut boot_pml4).cast(), (&raw mut boot_pdpt_low).cast(), (&raw mut boot_pdpt_high).cast());
    let (all, image) = ((&raw mut boot_pd).cast::<u64>(), (&raw mut boot_pd_image).cast::<u64>());
    for index in [0, 256] {
        enter(root, index, physical(low) | PRESENT);
    }
    enter(root, 511, physical(high) | PRESENT);
    for gib in 0..4 {
        enter(low, gib, (physical(all) + gib as u64 * 4096) | PRESENT);
    }
    for index in 0..4 * 512 {
        enter(all, index, (index as u64 * LARGE) | LARGE_PAGE);
    }
    enter(high, 510, physical(image) | PRESENT);
    // SAFETY: the caller's contract.
    unsafe {
        map_image(layout::LINKED);
        register::write_cr3(physical(root));
    }
}

/// Maps the image's memory at one more address of the GiB that the image lies in.
///
/// # Safety
/// The boot tables are loaded, or about to be; `address` is a multiple of [`LARGE`]; whatever was mapped from there on, for
/// [`IMAGE_ROOM`], is not in use, or is the image.
pub(super) unsafe fn map_image(address: u64) {
    let image = layout::image();
    let directory = (&raw mut boot_pd_image).cast::<u64>();
    let tables = (&raw mut boot_pt_image).cast::<u64>();
    let first = (address >> 21) as usize & 511;
    for index in 0..IMAGE_TABLES * 512 {
        let page = image.text + index as u64 * PAGE_SIZE as u64;
        enter(tables, index, if page < image.end { page | PRESENT } else { 0 });
    }
    for index in 0..IMAGE_TABLES {
        enter(
            directory,
            (first + index) & 511,
            (physical(tables) + index as u64 * PAGE_SIZE as u64) | PRESENT,
        );
    }
}

/// The root's physical address, for further processors on their way to the kernel's tables.
pub(in super::super) fn root() -> u64 {
    physical((&raw const boot_pml4).cast())
}

/// Where one of the tables is in physical memory.
fn physical(table: *const u64) -> u64 {
    (table as u64).wrapping_sub(layout::image_base())
}

/// Writes an entry of one of the tables. The index is within the table.
fn enter(table: *mut u64, index: usize, value: u64) {
    // SAFETY: the tables are the image's, and only this module, on one processor, writes to them.
    unsafe { table.add(index).write_volatile(value) }
}

/// The first address above the boot's stack.
pub(super) fn stack_top() -> u64 {
    (&raw const boot_stack_top) as u64
}
