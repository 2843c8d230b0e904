//! Telling processors that page tables changed, before what was mapped is used for something else.

use core::mem::MaybeUninit;
use core::sync::atomic::Ordering;

use super::super::page::Page;
use super::super::shootdown::{self, ADDRESSES};
use super::super::table::Bits;
use super::super::{area, frame_table, register};
use super::{PAGE, Space};

/// Pages that wait for a flush before it is done early.
const PAGES: usize = 128;

/// Changes of an address space that processors may not have noticed yet. When it is flushed (or dropped) they are told, and
/// only then are the pages that were unmapped given back.
pub struct FlushBatch<'a> {
    space: &'a Space,
    /// Pages that have no entry any more; the first `page_count` are there.
    pages: [MaybeUninit<Page>; PAGES],
    page_count: usize,
    addresses: [MaybeUninit<u64>; ADDRESSES],
    /// How many addresses changed; more than there is room for means all.
    address_count: usize,
    /// A chain of empty tables through their first entries; 0 ends it.
    tables: u64,
}

impl<'a> FlushBatch<'a> {
    /// An empty batch for changes of `space`.
    #[inline]
    pub fn new(space: &'a Space) -> Self {
        Self {
            space,
            pages: [const { MaybeUninit::uninit() }; PAGES],
            page_count: 0,
            addresses: [const { MaybeUninit::uninit() }; ADDRESSES],
            address_count: 0,
            tables: 0,
        }
    }

    /// Says whether the batch is for this space: changes of another one cannot be told through it.
    #[inline]
    pub(super) fn is_for(&self, space: &Space) -> bool {
        core::ptr::eq(self.space, space)
    }

    /// Notes that the entry for an address, formerly `value`, has changed.
    #[inline]
    pub(super) fn changed(&mut self, address: u64, value: u64) {
        // The processor keeps no translation from entries that are not present.
        if value & Bits::PRESENT.bits() != 0 {
            if let Some(free) = self.addresses.get_mut(self.address_count) {
                free.write(address);
            }
            self.address_count += 1;
        }
    }

    /// Notes that more entries changed than it pays to name.
    pub(super) fn changed_many(&mut self) {
        self.address_count = ADDRESSES + 1;
    }

    /// Gives a page back after the flush.
    #[inline]
    pub(super) fn release_page(&mut self, page: Page) {
        if self.page_count == PAGES {
            self.flush();
        }
        self.pages[self.page_count].write(page);
        self.page_count += 1;
    }

    /// Gives an empty table's frame back after the flush.
    ///
    /// # Safety
    /// The table is a space's and no entry leads to it any more.
    pub(super) unsafe fn release_table(&mut self, table: super::walk::TableRef<'_>) {
        // A processor that still walks through the table must not take the link for an entry: a frame's number has the
        // present bit clear when it is shifted.
        table.entries[0].store(self.tables << 1, Ordering::Relaxed);
        self.tables = table.physical / PAGE;
        // Intermediate entries may be cached for addresses that were never noted.
        self.changed_many();
    }

    /// Tells the processors and gives the pages back.
    pub fn flush(&mut self) {
        self.invalidate();
        let count = core::mem::take(&mut self.page_count);
        for page in &mut self.pages[..count] {
            // SAFETY: the first `page_count` were written, and are taken out once.
            drop(unsafe { page.assume_init_read() });
        }
        let mut table = core::mem::take(&mut self.tables);
        while table != 0 {
            // SAFETY: `release_table` put it here, and nothing uses it as a table any more.
            let entries = unsafe { super::super::table::at(table * PAGE) };
            let next = entries[0].load(Ordering::Relaxed) >> 1;
            // SAFETY: as above; tables are single frames.
            unsafe { frame_table::free(table, 0) };
            table = next;
        }
    }

    fn invalidate(&mut self) {
        let _guard = crate::preempt::disable();
        let count = core::mem::take(&mut self.address_count);
        if count == 0 {
            return;
        }
        let addresses = self.addresses.get(..count).map(|addresses| {
            // SAFETY: the first `address_count` were written.
            unsafe { core::slice::from_raw_parts(addresses.as_ptr().cast::<u64>(), count) }
        });
        // What is not loaded has no translations: loading it again forgets them all.
        if area::current().translations.has(self.space.root) {
            match addresses {
                Some(addresses) => addresses.iter().for_each(|&address| register::invalidate(address)),
                None => register::invalidate_all(),
            }
        }
        shootdown::forget(self.space.root, addresses, self.tables != 0);
    }
}

impl Drop for FlushBatch<'_> {
    fn drop(&mut self) {
        self.flush();
    }
}
