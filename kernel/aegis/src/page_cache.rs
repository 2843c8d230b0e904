//! Pages of a file, or of shared memory, that are in memory.

use alloc::collections::BTreeMap;
use core::sync::atomic::{AtomicU64, Ordering};

use hal::{LockClass, Page, SpinLock};

use crate::PAGE;
use crate::frames;
use crate::mappings::Mappings;
use crate::object::{MemoryObject, ObjectError};

static CLASS: LockClass = LockClass::new("page cache", 455);

/// How many pages all caches hold, for `free`.
static CACHED: AtomicU64 = AtomicU64::new(0);

/// Pages by index, full of zeroes when first asked for, up to a size in bytes.
///
/// It is the memory object of a tmpfs file and of shared anonymous memory as it stands.
pub struct PageCache {
    pages: SpinLock<BTreeMap<u64, Page>>,
    /// Bytes: what lies behind has no page.
    size: AtomicU64,
    mappings: Mappings,
}

impl PageCache {
    /// No pages, and this many bytes.
    pub fn new(size: u64) -> Self {
        Self {
            pages: SpinLock::new(&CLASS, BTreeMap::new()),
            size: AtomicU64::new(size),
            mappings: Mappings::new(),
        }
    }

    /// The size in bytes.
    #[inline]
    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    /// How many pages are in memory.
    pub fn resident(&self) -> u64 {
        self.pages.lock().len() as u64
    }

    /// The page at an index, if it is in memory.
    pub fn get(&self, index: u64) -> Option<Page> {
        self.pages.lock().get(&index).cloned()
    }

    /// The index of the first page in memory from an index on.
    pub fn next(&self, index: u64) -> Option<u64> {
        self.pages.lock().range(index..).next().map(|(&index, _)| index)
    }

    /// The page at an index, made when it is not there, whatever the size is.
    ///
    /// # Errors
    /// [`ObjectError::NoMemory`].
    pub fn get_or_create(&self, index: u64) -> Result<Page, ObjectError> {
        if let Some(page) = self.get(index) {
            return Ok(page);
        }
        let fresh = frames::user_page().ok_or(ObjectError::NoMemory)?;
        let mut pages = self.pages.lock();
        let page = pages.entry(index).or_insert_with(|| {
            CACHED.fetch_add(1, Ordering::Relaxed);
            fresh
        });
        Ok(page.clone())
    }

    /// Puts a page in place of what is at an index.
    pub fn insert(&self, index: u64, page: Page) {
        let old = self.pages.lock().insert(index, page);
        if old.is_none() {
            CACHED.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Raises the size to `size` if it is lower.
    pub fn grow(&self, size: u64) {
        self.size.fetch_max(size, Ordering::AcqRel);
    }

    /// Changes the size. What lies behind the new one is gone when this returns: from memory, and from every mapping; the rest
    /// of the last page is zeroed.
    pub fn resize(&self, size: u64) {
        let old = self.size.swap(size, Ordering::AcqRel);
        if size < old {
            let first = size.div_ceil(PAGE);
            self.remove(first, u64::MAX);
            let rest = (size % PAGE) as usize;
            if rest != 0
                && let Some(page) = self.get(size / PAGE)
            {
                page.zero(rest, hal::PAGE_SIZE - rest);
            }
        }
    }

    /// Takes the pages from index `first` up to `end` out of memory and of every mapping: they read as zeroes from then on.
    pub fn remove(&self, first: u64, end: u64) {
        loop {
            // In portions: dropping many pages under the lock would keep others waiting.
            let mut taken = [const { None::<Page> }; 16];
            let mut count = 0;
            {
                let mut pages = self.pages.lock();
                for slot in &mut taken {
                    let Some(index) = pages.range(first..end).next().map(|(&index, _)| index) else { break };
                    *slot = pages.remove(&index);
                    count += 1;
                }
            }
            CACHED.fetch_sub(count, Ordering::Relaxed);
            if count == 0 {
                break;
            }
        }
        self.mappings.unmap(first, end);
    }
}

impl MemoryObject for PageCache {
    fn page(&self, index: u64) -> Result<Page, ObjectError> {
        if index >= self.size().div_ceil(PAGE) {
            return Err(ObjectError::Beyond);
        }
        self.get_or_create(index)
    }

    fn peek(&self, index: u64) -> Option<Page> {
        if index < self.size().div_ceil(PAGE) { self.get(index) } else { None }
    }

    fn mappings(&self) -> &Mappings {
        &self.mappings
    }
}

impl Drop for PageCache {
    fn drop(&mut self) {
        CACHED.fetch_sub(self.pages.get_mut().len() as u64, Ordering::Relaxed);
    }
}

/// How many pages all caches hold.
pub(crate) fn cached() -> u64 {
    CACHED.load(Ordering::Relaxed)
}
