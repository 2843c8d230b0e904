//! Names for addresses of the text.

use super::{appended, layout};

/// The function that an address of the text lies in, and how far from its beginning.
pub(super) fn find(address: u64) -> Option<(&'static str, u64)> {
    let (entries, names) = appended::functions();
    let offset = u32::try_from(address.checked_sub(layout::KERNEL_BASE + layout::slide())?).ok()?;
    let index = entries.partition_point(|entry| entry.start <= offset).checked_sub(1)?;
    let entry = entries.get(index)?;
    let name_start =
        index.checked_sub(1).and_then(|before| entries.get(before)).map_or(0, |before| before.name_end);
    let name = names.get(name_start as usize..entry.name_end as usize)?;
    Some((core::str::from_utf8(name).ok()?, u64::from(offset - entry.start)))
}
