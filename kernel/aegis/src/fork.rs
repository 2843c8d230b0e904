//! Copying an address space: pages are shared until somebody writes.

use alloc::collections::BTreeMap;
use core::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use hal::{FlushBatch, Space, UserAddr};

use crate::space::{AddressSpace, Areas};

impl AddressSpace {
    /// A copy of the address space. Private pages are shared with it, without the right to write in both, until one of them
    /// writes; shared ones stay shared. May sleep.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn fork(&self) -> Result<Self, Errno> {
        let tables = Space::new().map_err(|_| Errno::ENOMEM)?;
        let parent = self.lock();
        let areas = Areas {
            tree: BTreeMap::new(),
            heap_start: parent.heap_start,
            heap_end: parent.heap_end,
            layout: parent.layout,
            total: 0,
        };
        let child = Self::with_areas(tables, areas);
        copy_limit(&self.limits().address_space, &child.limits().address_space);
        copy_limit(&self.limits().data, &child.limits().data);
        copy_limit(&self.limits().stack, &child.limits().stack);

        let mut copied = child.lock();
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

fn copy_limit(from: &AtomicU64, to: &AtomicU64) {
    to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
}
