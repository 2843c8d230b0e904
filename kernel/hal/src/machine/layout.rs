//! The kernel's half of the virtual address space.
//!
//! | from | what |
//! |---|---|
//! | `0xffff_8000_0000_0000` | the direct map: physical memory, never executable |
//! | `0xffff_e000_0000_0000` | kernel stacks, with unmapped guards between them |
//! | `0xffff_e080_0000_0000` | device registers, uncached |
//! | `0xffff_ffff_8000_0000` | the kernel's image, linked 2 MiB further on |
//!
//! The boot loader's protocol code maps the first 4 GiB at the direct map's address before any Rust code runs, so that
//! [`direct`] works from the first instruction on.

/// The link address that stands for physical address 0.
pub(super) const KERNEL_BASE: u64 = 0xffff_ffff_8000_0000;
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
    static symbols_start: u8;
}

/// The parts of the kernel's image, as physical addresses.
pub(super) struct Image {
    /// Where the text begins.
    pub text: u64,
    /// Where read-only data begin.
    pub rodata: u64,
    /// Where data begin.
    pub data: u64,
    /// Where the table of symbols begins.
    pub symbols: u64,
    /// The first address behind the image.
    pub end: u64,
}

/// Where the linker put the kernel.
pub(super) fn image() -> Image {
    let physical = |symbol: *const u8| symbol as u64 - KERNEL_BASE;
    let symbols = physical(&raw const symbols_start);
    Image {
        text: physical(&raw const image_start),
        rodata: physical(&raw const rodata_start),
        data: physical(&raw const data_start),
        symbols,
        end: (symbols + super::symbols::length() as u64).next_multiple_of(crate::PAGE_SIZE as u64),
    }
}

/// The table of symbols, wherever it ends.
pub(super) fn symbols() -> *const u8 {
    &raw const symbols_start
}
