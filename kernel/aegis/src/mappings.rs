//! The reverse map: who shows an object's pages.

use alloc::sync::Weak;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use hal::{FlushBatch, LockClass, Space, SpinLock, UserAddr};

use crate::PAGE;

struct Mapping {
    space: Weak<Space>,
    /// Where the part is shown.
    start: UserAddr,
    /// The first page of the object that is shown, and how many are.
    first: u64,
    pages: u64,
    /// What is written through it changes the object, now or after `mprotect`.
    changes: bool,
}

/// Where a memory object is mapped.
///
/// Whoever enters one of its pages into page tables reads [`Mappings::generation`] before it asks the object for the page and
/// again after it has entered it: if a page was taken away in between, it takes its entry out and begins anew.
pub struct Mappings {
    list: SpinLock<Vec<Mapping>>,
    generation: AtomicU64,
}

static CLASS: LockClass = LockClass::new("object mappings", 460);

impl Mappings {
    /// Mapped nowhere.
    pub const fn new() -> Self {
        Self { list: SpinLock::new(&CLASS, Vec::new()), generation: AtomicU64::new(0) }
    }

    /// Changes whenever pages are taken away.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Says whether the object is mapped anywhere.
    pub fn is_mapped(&self) -> bool {
        !self.list.lock().is_empty()
    }

    /// How many areas show parts of the object.
    pub fn count(&self) -> usize {
        self.list.lock().len()
    }

    /// Says whether a mapping of the object can be used to change it, now or after `mprotect`.
    pub fn can_be_changed(&self) -> bool {
        self.list.lock().iter().any(|entry| entry.changes)
    }

    /// Notes that pages from `first` on are shown at `start`; `changes` as in [`Mappings::can_be_changed`].
    pub(crate) fn add(&self, space: Weak<Space>, start: UserAddr, first: u64, pages: u64, changes: bool) {
        self.list.lock().push(Mapping { space, start, first, pages, changes });
    }

    /// Forgets what [`Mappings::add`] noted for the area that began at `start`.
    pub(crate) fn remove(&self, space: &Weak<Space>, start: UserAddr) {
        let (removed, storage) = {
            let mut list = self.list.lock();
            let found = list.iter().position(|entry| entry.start == start && entry.space.ptr_eq(space));
            (found.map(|index| list.swap_remove(index)), trim(&mut list))
        };
        drop((removed, storage));
    }

    /// Takes the object's pages from index `first` up to `end` out of every page table, on all processors, before it returns.
    /// The caller has seen to it that the object does not give them out again.
    pub fn unmap(&self, first: u64, end: u64) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        let mut next = usize::MAX;
        loop {
            // One mapping at a time, by position: the list's lock is not held while tables change and pages are freed. From
            // the end on: when one is removed meanwhile, the last takes its place, which was seen or is still to come. What
            // is added meanwhile belongs to an area just made, which the generation covers.
            let (space, start, end_address) = {
                let list = self.list.lock();
                let Some(last) = next.min(list.len()).checked_sub(1) else { return };
                next = last;
                let Some(entry) = list.get(last) else { return };
                let low = first.max(entry.first);
                let high = end.min(entry.first.saturating_add(entry.pages));
                if low >= high {
                    continue;
                }
                let at = |index: u64| entry.start.saturating_add((index - entry.first).saturating_mul(PAGE));
                (entry.space.upgrade(), at(low), at(high))
            };
            if let Some(space) = space {
                let mut batch = FlushBatch::new(&space);
                space.unmap(start, end_address, &mut batch);
                batch.flush();
            }
        }
    }
}

/// Leaves a list that has become much shorter no more room than it may need soon; gives the storage that it had. Without memory for
/// less it keeps what it has.
fn trim(list: &mut Vec<Mapping>) -> Vec<Mapping> {
    /// Room that is always kept.
    const LEAST: usize = 64;
    let mut smaller = Vec::new();
    if list.capacity() > LEAST.max(list.len() * 4)
        && smaller.try_reserve_exact(LEAST.max(list.len() * 2)).is_ok()
    {
        smaller.append(list);
        core::mem::swap(list, &mut smaller);
    }
    smaller
}

impl Default for Mappings {
    fn default() -> Self {
        Self::new()
    }
}
