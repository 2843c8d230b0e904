//! Copying an address space: pages are shared until somebody writes.

use alloc::collections::BTreeMap;
use core::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use hal::{FlushBatch, Space, UserAddr};

use crate::space::{AREA_BYTES, AddressSpace, Areas};
use crate::{charge, inject};

impl AddressSpace {
    /// A copy of the address space. Private pages are shared with it, without the right to write in both, until one of them
    /// writes; shared ones stay shared. May sleep.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn fork(&self) -> Result<Self, Errno> {
        let parent = self.lock();
        charge::admit(parent.tree.len() * AREA_BYTES + self.table_bytes(&parent))?;
        inject::point()?;
        let tables = Space::new().map_err(|_| Errno::ENOMEM)?;
        let areas = Areas {
            tree: BTreeMap::new(),
            heap_start: parent.heap_start,
            heap_end: parent.heap_end,
            layout: parent.layout,
            keys: parent.keys.clone(),
            total: 0,
        };
        let child = Self::with_areas(tables, areas);
        copy_limit(&self.limits().address_space, &child.limits().address_space);
        copy_limit(&self.limits().data, &child.limits().data);
        copy_limit(&self.limits().stack, &child.limits().stack);

        // Not waited for, as nobody knows the child yet: two locks of one class are held.
        let mut copied = child.areas.try_lock().ok_or(Errno::ENOMEM)?;
        let mut batch = FlushBatch::new(&self.tables);
        for area in parent.tree.values().filter(|area| !area.advice.dont_fork) {
            copied.total += area.pages();
            child.note(area);
            copied.tree.insert(area.start, area.clone());
            // What an object can show again need not be copied.
            let own_pages = area.backing.is_none() || area.has_copies;
            if !own_pages || area.advice.wipe_on_fork {
                continue;
            }
            inject::point()?;
            let (start, end) = (UserAddr::new(area.start), UserAddr::new(area.end));
            self.tables
                .share_into(&child.tables, start, end, !area.shared, &mut batch)
                .map_err(|_| Errno::ENOMEM)?;
        }
        batch.flush();
        drop(copied);
        Ok(child)
    }
}

impl AddressSpace {
    /// The most that page tables for a copy can take: one for each 2 MiB that an area touches, but no more than there are
    /// pages, and a few above them.
    fn table_bytes(&self, areas: &Areas) -> usize {
        const PAGES_OF_A_TABLE: u64 = 512;
        const ABOVE: u64 = 8;
        let by_area: u64 = areas.tree.values().map(|area| area.pages() / PAGES_OF_A_TABLE + 2).sum();
        let tables = by_area.min(self.tables.resident() as u64) + ABOVE;
        usize::try_from(tables).unwrap_or(usize::MAX / hal::PAGE_SIZE).saturating_mul(hal::PAGE_SIZE)
    }
}

fn copy_limit(from: &AtomicU64, to: &AtomicU64) {
    to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
}
