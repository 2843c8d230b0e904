//! The table of the kernel's functions, which the build appends to the image: a header, entries sorted by address, names.

use super::layout;

/// "SERIXSYM".
const MAGIC: u64 = u64::from_le_bytes(*b"SERIXSYM");

#[repr(C)]
struct Header {
    magic: u64,
    entries: u32,
    /// Bytes of all names.
    names: u32,
}

/// A function: where it begins, from the kernel's link base on, and where its name ends; it begins where the one before ends.
#[repr(C)]
struct Entry {
    start: u32,
    name_end: u32,
}

/// The table's parts; empty where the build left no table.
fn table() -> (&'static [Entry], &'static [u8]) {
    let start = layout::symbols();
    // SAFETY: the linker script puts a header here, of zeroes unless the build put a table in its place.
    let header = unsafe { &*start.cast::<Header>() };
    if header.magic != MAGIC {
        return (&[], &[]);
    }
    // SAFETY: the build wrote as many entries and names as the header says, and the loader loaded them.
    unsafe {
        let entries = start.add(size_of::<Header>()).cast::<Entry>();
        let names = entries.add(header.entries as usize).cast::<u8>();
        (
            core::slice::from_raw_parts(entries, header.entries as usize),
            core::slice::from_raw_parts(names, header.names as usize),
        )
    }
}

/// Bytes of the table.
pub(super) fn length() -> usize {
    let (entries, names) = table();
    size_of::<Header>() + size_of_val(entries) + names.len()
}

/// The function that an address of the text lies in, and how far from its beginning.
pub(super) fn find(address: u64) -> Option<(&'static str, u64)> {
    let (entries, names) = table();
    let offset = u32::try_from(address.checked_sub(layout::KERNEL_BASE)?).ok()?;
    let index = entries.partition_point(|entry| entry.start <= offset).checked_sub(1)?;
    let entry = entries.get(index)?;
    let name_start =
        index.checked_sub(1).and_then(|before| entries.get(before)).map_or(0, |before| before.name_end);
    let name = names.get(name_start as usize..entry.name_end as usize)?;
    Some((core::str::from_utf8(name).ok()?, u64::from(offset - entry.start)))
}
