//! Finding and making the tables of a space. Everything here happens under the space's lock.

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use super::super::frame_table;
use super::super::table::{self, ADDRESS, Bits, Table};
use super::{PAGE, Space};
use crate::{NoMemory, PAGE_SIZE, USER_END, UserAddr};

/// Bytes that a last-level table maps.
pub(super) const SPAN: u64 = 2 << 20;

/// A table of a space, of any level.
#[derive(Clone, Copy)]
pub(super) struct TableRef<'a> {
    pub physical: u64,
    pub entries: &'a Table,
}

impl<'a> TableRef<'a> {
    /// # Safety
    /// `value` is an entry (or a root's address) that leads to a table of a space whose lock is held for `'a`.
    #[inline]
    pub unsafe fn new(value: u64) -> Self {
        let physical = value & ADDRESS;
        // SAFETY: the caller's contract.
        Self { physical, entries: unsafe { table::at(physical) } }
    }

    /// The entry for an address, in a last-level table.
    #[inline]
    pub fn entry(&self, address: u64) -> &'a AtomicU64 {
        &self.entries[table::index(address, 0)]
    }

    /// Counts entries made.
    #[inline]
    pub fn count(&self, entries: u32) {
        self.word().store(self.word().load(Ordering::Relaxed) + entries, Ordering::Relaxed);
    }

    /// Counts entries removed; says whether none is left.
    #[inline]
    pub fn discount(&self, entries: u32) -> bool {
        let left = self.word().load(Ordering::Relaxed) - entries;
        self.word().store(left, Ordering::Relaxed);
        left == frame_table::TABLE
    }

    #[inline]
    fn word(&self) -> &'static core::sync::atomic::AtomicU32 {
        // SAFETY: a table's frame is claimed.
        unsafe { frame_table::word(self.physical / PAGE) }
    }
}

impl Space {
    /// The last-level table for a user address, if there is one.
    #[inline]
    pub(super) fn find_table(&self, address: u64) -> Option<TableRef<'_>> {
        let mut at = self.root;
        for level in (1..4).rev() {
            // SAFETY: under the lock, entries of the user half lead to tables.
            at = unsafe { table::at(at) }[table::index(address, level)].load(Ordering::Relaxed) & ADDRESS;
            if at == 0 {
                return None;
            }
        }
        // SAFETY: as above.
        Some(unsafe { TableRef::new(at) })
    }

    /// The last-level table for a user address, made if there is none.
    #[inline]
    pub(super) fn make_table(&self, address: u64) -> Result<TableRef<'_>, NoMemory> {
        match self.find_table(address) {
            Some(table) => Ok(table),
            None => self.make_missing(address),
        }
    }

    #[cold]
    fn make_missing(&self, address: u64) -> Result<TableRef<'_>, NoMemory> {
        // SAFETY: under the lock, entries of the user half lead to tables.
        let mut at = unsafe { TableRef::new(self.root) };
        for level in (1..4).rev() {
            let entry = &at.entries[table::index(address, level)];
            let mut value = entry.load(Ordering::Relaxed);
            if value == 0 {
                let frame = frame_table::allocate(0, frame_table::TABLE).ok_or(NoMemory)?;
                // SAFETY: the frame was just claimed.
                unsafe { frame_table::clear(frame) };
                value = (frame * PAGE) | Bits::USER_TABLE.bits();
                entry.store(value, Ordering::Release);
                at.count(1);
            }
            // SAFETY: as above.
            at = unsafe { TableRef::new(value) };
        }
        Ok(at)
    }

    /// Calls `each` for every last-level table with the part of the range from `start` up to `end` that it maps, as addresses
    /// of pages.
    pub(super) fn for_each_table(
        &self,
        start: UserAddr,
        end: UserAddr,
        mut each: impl FnMut(TableRef<'_>, Range<u64>),
    ) {
        let (mut at, end) = clamp(start, end);
        while at < end {
            match self.table_or_gap(at) {
                Ok(table) => {
                    let piece_end = ((at & !(SPAN - 1)) + SPAN).min(end);
                    each(table, at..piece_end);
                    at = piece_end;
                }
                Err(next) => at = next,
            }
        }
    }

    /// The last-level table for an address, or where the missing table's part of the address space ends.
    pub(super) fn table_or_gap(&self, address: u64) -> Result<TableRef<'_>, u64> {
        let mut at = self.root;
        for level in (1..4).rev() {
            // SAFETY: under the lock, entries of the user half lead to tables.
            at = unsafe { table::at(at) }[table::index(address, level)].load(Ordering::Relaxed) & ADDRESS;
            if at == 0 {
                let span = 1_u64 << (12 + 9 * level);
                return Err((address & !(span - 1)) + span);
            }
        }
        // SAFETY: as above.
        Ok(unsafe { TableRef::new(at) })
    }
}

/// Whole pages of a range, within user space.
pub(super) fn clamp(start: UserAddr, end: UserAddr) -> (u64, u64) {
    let end = end.get().min(USER_END).next_multiple_of(PAGE_SIZE as u64);
    (start.page_down().get(), end)
}
