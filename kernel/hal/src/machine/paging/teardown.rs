//! Removing what is mapped.

use core::sync::atomic::Ordering;

use super::super::table::{self, ADDRESS};
use super::super::{frame_table, shootdown};
use super::walk::{SPAN, TableRef, clamp};
use super::{FlushBatch, PAGE, Page, Space, USER_ENTRIES};
use crate::{PAGE_SIZE, UserAddr};

impl Space {
    /// Removes what is mapped from `start` up to `end`; gives the number of pages.
    pub fn unmap(&self, start: UserAddr, end: UserAddr, batch: &mut FlushBatch<'_>) -> usize {
        if !batch.is_for(self) {
            return 0;
        }
        let (mut at, end) = clamp(start, end);
        let mut total = 0;
        while at < end {
            // The lock is given up between tables, so that a large range does not keep others off.
            let _guard = self.tables.lock();
            match self.table_or_gap(at) {
                Err(next) => at = next,
                Ok(last) => {
                    let piece_end = ((at & !(SPAN - 1)) + SPAN).min(end);
                    let removed = empty(last, at, piece_end, batch);
                    self.add_resident(removed.wrapping_neg());
                    total += removed;
                    if removed > 0 && last.discount(removed as u32) {
                        self.remove_table(at, batch);
                    }
                    at = piece_end;
                }
            }
        }
        total
    }

    /// Removes the empty last-level table for an address, and those above it that become empty.
    fn remove_table(&self, address: u64, batch: &mut FlushBatch<'_>) {
        for level in 1..4 {
            let Some(parent) = self.table_at_level(address, level) else { return };
            let value = parent.entries[table::index(address, level)].swap(0, Ordering::Relaxed);
            // SAFETY: the entry led to the table; it is gone now.
            unsafe { batch.release_table(TableRef::new(value)) };
            // The root stays, and so does the count of the kernel's entries, which were never counted.
            if !parent.discount(1) || level == 3 {
                return;
            }
        }
    }

    /// The table of a level on the way to an address.
    fn table_at_level(&self, address: u64, wanted: u32) -> Option<TableRef<'_>> {
        let mut at = self.root;
        for level in (wanted + 1..4).rev() {
            // SAFETY: under the lock, entries of the user half lead to tables.
            at = unsafe { table::at(at) }[table::index(address, level)].load(Ordering::Relaxed) & ADDRESS;
            if at == 0 {
                return None;
            }
        }
        // SAFETY: as above.
        Some(unsafe { TableRef::new(at) })
    }
}

/// Removes the entries of a last-level table for a range; gives how many there were.
#[inline]
fn empty(last: TableRef<'_>, start: u64, end: u64, batch: &mut FlushBatch<'_>) -> usize {
    let mut removed = 0;
    for at in (start..end).step_by(PAGE_SIZE) {
        let entry = last.entry(at);
        if entry.load(Ordering::Relaxed) == 0 {
            continue;
        }
        let value = entry.swap(0, Ordering::Relaxed);
        removed += 1;
        batch.changed(at, value);
        // SAFETY: the entry owned the page, and is gone.
        batch.release_page(unsafe { Page::from_physical(value & ADDRESS) });
    }
    removed
}

impl Drop for Space {
    fn drop(&mut self) {
        // No context has the space any more, but the last ones that had may have left it loaded.
        shootdown::leave(self.root);
        // SAFETY: the space is gone: nobody uses its tables.
        unsafe {
            drop_tables(self.root, 3, USER_ENTRIES);
            frame_table::free(self.root / PAGE, 0);
        }
    }
}

/// Gives back everything that the first entries of a table lead to. Four levels deep, so recursion is bounded.
///
/// Every process ends here, and most entries are empty: a cache line of them is looked at together.
///
/// # Safety
/// The table is one of a space that nobody uses any more.
unsafe fn drop_tables(physical: u64, level: u32, entries: usize) {
    /// Entries in a cache line.
    const LINE: usize = 8;
    const { assert!(USER_ENTRIES.is_multiple_of(LINE) && table::ENTRIES.is_multiple_of(LINE)) };
    // SAFETY: the caller's contract.
    let (lines, _) = unsafe { table::at(physical) }.as_chunks::<LINE>();
    for line in lines.iter().take(entries / LINE) {
        if line.iter().fold(0, |seen, entry| seen | entry.load(Ordering::Relaxed)) == 0 {
            continue;
        }
        for entry in line {
            let value = entry.load(Ordering::Relaxed);
            if value == 0 {
                continue;
            }
            if level == 0 {
                // SAFETY: the entry owned the page.
                drop(unsafe { Page::from_physical(value & ADDRESS) });
            } else {
                // SAFETY: the entry leads to a table that is no one else's.
                unsafe {
                    drop_tables(value & ADDRESS, level - 1, table::ENTRIES);
                    frame_table::free((value & ADDRESS) / PAGE, 0);
                }
            }
        }
    }
}
