//! Simulated page tables.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::user::Access;
use crate::{NoMemory, PAGE_SIZE, Page, UserAddr};

/// A mapping could not be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// The address is not the start of a page that programs may use.
    BadAddress,
    /// A page is mapped there.
    Occupied,
    /// No frame is left for a table.
    NoMemory,
}

/// The page tables of an address space. Each entry owns its page.
pub struct Space {
    entries: Mutex<BTreeMap<u64, (Page, Access)>>,
}

impl Space {
    /// Empty tables.
    ///
    /// # Errors
    /// [`NoMemory`] when no frame is left.
    pub fn new() -> Result<Arc<Self>, NoMemory> {
        Ok(Arc::new(Self { entries: Mutex::new(BTreeMap::new()) }))
    }

    /// Enters a page at an address where none is.
    ///
    /// # Errors
    /// See [`MapError`].
    pub fn map(&self, at: UserAddr, page: Page, access: Access) -> Result<(), MapError> {
        if !at.is_page_aligned() || !at.is_user_range(PAGE_SIZE as u64) {
            return Err(MapError::BadAddress);
        }
        let mut entries = self.entries();
        if entries.contains_key(&at.get()) {
            return Err(MapError::Occupied);
        }
        entries.insert(at.get(), (page, access));
        Ok(())
    }

    /// The page mapped at an address, with what the mapping allows.
    pub fn query(&self, at: UserAddr) -> Option<(Page, Access)> {
        self.entries().get(&at.page_down().get()).cloned()
    }

    /// Puts another page, or the same with other rights, in the place of one that is mapped; says whether one was.
    pub fn replace(&self, at: UserAddr, page: Page, access: Access, batch: &mut FlushBatch<'_>) -> bool {
        match self.entries().get_mut(&at.page_down().get()) {
            Some(entry) => {
                batch.pages.push(std::mem::replace(entry, (page, access)).0);
                true
            }
            None => false,
        }
    }

    /// Removes what is mapped from `start` up to `end`; gives the number of pages.
    pub fn unmap(&self, start: UserAddr, end: UserAddr, batch: &mut FlushBatch<'_>) -> usize {
        let mut entries = self.entries();
        let found: Vec<u64> = range(&entries, start, end);
        batch.pages.extend(found.iter().filter_map(|at| entries.remove(at)).map(|(page, _)| page));
        found.len()
    }

    /// Gives every page mapped from `start` up to `end` this access.
    pub fn protect(&self, start: UserAddr, end: UserAddr, access: Access, _batch: &mut FlushBatch<'_>) {
        let mut entries = self.entries();
        for at in range(&entries, start, end) {
            if let Some(entry) = entries.get_mut(&at) {
                entry.1 = access;
            }
        }
    }

    /// Enters every page mapped from `start` up to `end` into `child` too, where nothing is mapped there; with
    /// `write_protect` without the right to write, in both. Gives the number of pages.
    ///
    /// # Errors
    /// [`NoMemory`] when no frame is left for a table; a part may be done.
    pub fn share_into(
        &self,
        child: &Self,
        start: UserAddr,
        end: UserAddr,
        write_protect: bool,
        _batch: &mut FlushBatch<'_>,
    ) -> Result<usize, NoMemory> {
        if std::ptr::eq(self, child) {
            return Ok(0);
        }
        let mut entries = self.entries();
        let found = range(&entries, start, end);
        for at in &found {
            if let Some(entry) = entries.get_mut(at) {
                if write_protect {
                    entry.1.remove(Access::WRITE);
                }
                child.entries().entry(*at).or_insert_with(|| entry.clone());
            }
        }
        Ok(found.len())
    }

    /// How many pages are mapped.
    pub fn resident(&self) -> usize {
        self.entries().len()
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<u64, (Page, Access)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn range(entries: &BTreeMap<u64, (Page, Access)>, start: UserAddr, end: UserAddr) -> Vec<u64> {
    if start >= end {
        return Vec::new();
    }
    entries.range(start.get()..end.get()).map(|(&at, _)| at).collect()
}

/// Changes of an address space that processors may not have noticed yet. When it is flushed (or dropped) they are told, and
/// only then are the pages that were unmapped given back.
pub struct FlushBatch<'a> {
    _space: &'a Space,
    pages: Vec<Page>,
}

impl<'a> FlushBatch<'a> {
    /// An empty batch for changes of `space`.
    pub fn new(space: &'a Space) -> Self {
        Self { _space: space, pages: Vec::new() }
    }

    /// Tells the processors and gives the pages back.
    pub fn flush(&mut self) {
        self.pages.clear();
    }
}
