//! Page-table entries (Intel SDM volume 3, 4.5).

use core::sync::atomic::AtomicU64;

use bitflags::bitflags;

use super::layout;

bitflags! {
    /// The bits of an entry beside the address.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Bits: u64 {
        /// The entry translates.
        const PRESENT = 1;
        /// Writes are allowed.
        const WRITE = 1 << 1;
        /// User mode may use it.
        const USER = 1 << 2;
        /// Writes go through the cache.
        const WRITE_THROUGH = 1 << 3;
        /// Not cached.
        const UNCACHED = 1 << 4;
        /// The processor has used the entry.
        const ACCESSED = 1 << 5;
        /// The processor has written through the entry.
        const DIRTY = 1 << 6;
        /// Not a table but a large page.
        const LARGE = 1 << 7;
        /// In a small page: the fourth of the memory types that [`features`](super::features) sets up, write-combining.
        const WRITE_COMBINING = 1 << 7;
        /// The same in all address spaces.
        const GLOBAL = 1 << 8;
        /// Ours: the entry owns a page (whether or not it translates at present).
        const OWNER = 1 << 9;
        /// No instruction fetches.
        const NO_EXECUTE = 1 << 63;
    }
}

impl Bits {
    /// An entry that points to a table of the kernel's half.
    pub const KERNEL_TABLE: Self = Self::PRESENT.union(Self::WRITE);
    /// An entry that points to a table of the user's half.
    pub const USER_TABLE: Self = Self::PRESENT.union(Self::WRITE).union(Self::USER);
    /// Kernel data.
    pub const KERNEL_DATA: Self =
        Self::PRESENT.union(Self::WRITE).union(Self::NO_EXECUTE).union(Self::GLOBAL);
}

/// The bits of an entry that hold a physical address.
pub(super) const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// Where a last-level entry of the user's half holds its protection key, which the processor looks at if it has any.
pub(super) const KEY_SHIFT: u32 = 59;

/// Entries in a table.
pub(super) const ENTRIES: usize = 512;

/// A table of any level. The processor sets bits in it too, hence atomics.
pub(super) type Table = [AtomicU64; ENTRIES];

/// The table at a physical address.
///
/// # Safety
/// A page table is there, and stays one for as long as the reference is used.
#[inline]
pub(super) unsafe fn at<'a>(physical: u64) -> &'a Table {
    // SAFETY: the caller's contract; the direct map shows all memory that frames come from.
    unsafe { &*layout::direct::<Table>(physical & ADDRESS) }
}

/// The index into a table of `level` (0 for the last one, 3 for the root).
#[inline]
pub(super) const fn index(address: u64, level: u32) -> usize {
    (address >> (12 + 9 * level)) as usize & (ENTRIES - 1)
}
