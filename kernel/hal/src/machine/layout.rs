//! The kernel's half of the virtual address space.
//!
//! | from | what |
//! |---|---|
//! | `0xffff_8000_0000_0000` | the direct map: physical memory, never executable |
//! | `0xffff_e000_0000_0000` | kernel stacks, with unmapped guards between them |
//! | `0xffff_e080_0000_0000` | device registers, uncached |
//! | `0xffff_ffff_8000_0000` | the kernel's image, in this GiB: linked at 2 MiB, moved at random |
//!
//! The boot loader's protocol code maps the first 4 GiB at the direct map's address before any Rust code runs, so that
//! [`direct`] works from the first instruction on.

use core::sync::atomic::{AtomicU64, Ordering};

/// The link address that stands for physical address 0.
pub(super) const KERNEL_BASE: u64 = 0xffff_ffff_8000_0000;
/// Where the linker put the first byte of the image.
pub(super) const LINKED: u64 = KERNEL_BASE + (2 << 20);
/// Where the direct map begins.
pub(super) const DIRECT_MAP: u64 = 0xffff_8000_0000_0000;
/// Physical memory that the direct map has room for.
pub(super) const DIRECT_MAP_SIZE: u64 = 1 << 46;
/// Where kernel stacks lie.
pub(super) const STACKS: u64 = 0xffff_e000_0000_0000;
/// Where device registers are mapped.
pub(super) const DEVICES: u64 = 0xffff_e080_0000_0000;

/// Where the direct map shows a physical address. Dereferencing the pointer is the caller's responsibility.
#[inline]
pub(super) fn direct<T>(physical: u64) -> *mut T {
    debug_assert!(physical < DIRECT_MAP_SIZE);
    (DIRECT_MAP + physical) as *mut T
}

// SAFETY: the linker script defines these symbols; only their addresses are taken.
unsafe extern "C" {
    static image_start: u8;
    static rodata_start: u8;
    static data_start: u8;
    static appended_start: u8;
}

/// Where the image's first byte is in physical memory; the value is PVH's, which loads it as it is linked.
static PHYSICAL: AtomicU64 = AtomicU64::new(LINKED - KERNEL_BASE);

/// Tells where a boot loader put the image, when that is not where PVH does.
pub(super) fn set_physical(address: u64) {
    PHYSICAL.store(address, Ordering::Relaxed);
}

/// How far the image was moved from where it was linked. Before it is, 0.
pub(super) fn slide() -> u64 {
    // The difference of the symbol and a constant must not be left to the linker: it would be 0, and stay 0.
    core::hint::black_box((&raw const image_start) as u64) - LINKED
}

/// What to add to a physical address of the image for its virtual one.
pub(super) fn image_base() -> u64 {
    ((&raw const image_start) as u64).wrapping_sub(PHYSICAL.load(Ordering::Relaxed))
}

/// The parts of the kernel's image, as physical addresses.
pub(super) struct Image {
    /// Where the text begins.
    pub text: u64,
    /// Where read-only data begin.
    pub rodata: u64,
    /// Where data begin.
    pub data: u64,
    /// Where the build's tables begin.
    pub appended: u64,
    /// The first address behind the image.
    pub end: u64,
}

/// Where the kernel was loaded.
pub(super) fn image() -> Image {
    let base = image_base();
    let physical = |symbol: *const u8| (symbol as u64).wrapping_sub(base);
    let appended = physical(&raw const appended_start);
    Image {
        text: physical(&raw const image_start),
        rodata: physical(&raw const rodata_start),
        data: physical(&raw const data_start),
        appended,
        end: (appended + super::appended::length() as u64).next_multiple_of(crate::PAGE_SIZE as u64),
    }
}

/// The build's tables, wherever they end.
pub(super) fn appended() -> *const u8 {
    &raw const appended_start
}
