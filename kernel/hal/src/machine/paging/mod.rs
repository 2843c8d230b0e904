//! Page tables of user space.
//!
//! An entry of the last level owns its page (one count in the table of frames) from when it is entered until a
//! [`FlushBatch`] has told the processors that it is gone. A table counts its entries in its own frame's word and is given
//! back, by way of the batch, when the last one goes. The lock of a space covers its tables; the hardware's accessed and
//! dirty bits are the only writes from outside, so entries are changed by exchange where these bits matter.

mod flush;
mod share;
mod teardown;
mod walk;

use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};

pub use flush::FlushBatch;

use super::page::Page;
use super::table::{self, ADDRESS, Bits, KEY_SHIFT};
use super::{area, frame_table, kernel_map};
use crate::user::Access;
use crate::{Key, LockClass, NoMemory, PAGE_SIZE, SpinLock, UserAddr};

const PAGE: u64 = PAGE_SIZE as u64;

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
    /// The root table's physical address.
    root: u64,
    /// Held while tables are read or changed.
    tables: SpinLock<()>,
    resident: AtomicUsize,
}

static CLASS: LockClass = LockClass::new("page tables", 730);

/// Entries of the root table that belong to user space.
const USER_ENTRIES: usize = table::ENTRIES / 2;

impl Space {
    /// Empty tables.
    ///
    /// # Errors
    /// [`NoMemory`] when no frame is left.
    pub fn new() -> Result<Arc<Self>, NoMemory> {
        let frame = frame_table::allocate(0, frame_table::TABLE).ok_or(NoMemory)?;
        let root = frame * PAGE;
        // SAFETY: the frame was just claimed; the kernel's root table is never freed.
        let (new, kernel) = unsafe {
            frame_table::clear(frame);
            (table::at(root), table::at(kernel_map::root()))
        };
        for (entry, shared) in new.iter().zip(kernel).skip(USER_ENTRIES) {
            let shared = shared.load(Ordering::Relaxed);
            if shared != 0 {
                entry.store(shared, Ordering::Relaxed);
            }
        }
        Ok(Arc::new(Self { root, tables: SpinLock::new(&CLASS, ()), resident: AtomicUsize::new(0) }))
    }

    /// The physical address of the root table.
    #[inline]
    pub(super) fn root(&self) -> u64 {
        self.root
    }

    /// Enters a page at an address where none is.
    ///
    /// # Errors
    /// See [`MapError`].
    pub fn map(&self, at: UserAddr, page: Page, access: Access) -> Result<(), MapError> {
        if !at.is_page_aligned() || !at.is_user_range(PAGE) {
            return Err(MapError::BadAddress);
        }
        let _guard = self.tables.lock();
        let last = self.make_table(at.get()).map_err(|NoMemory| MapError::NoMemory)?;
        let entry = last.entry(at.get());
        if entry.load(Ordering::Relaxed) != 0 {
            return Err(MapError::Occupied);
        }
        entry.store(page.into_physical() | leaf_bits(access), Ordering::Release);
        last.count(1);
        self.add_resident(1);
        Ok(())
    }

    /// The page mapped at an address, with what the mapping allows.
    pub fn query(&self, at: UserAddr) -> Option<(Page, Access)> {
        if !at.is_user_range(1) {
            return None;
        }
        let _guard = self.tables.lock();
        let value = self.find_table(at.get())?.entry(at.get()).load(Ordering::Relaxed);
        (value != 0).then(|| {
            // SAFETY: the entry owns the page and cannot change under the lock.
            unsafe { super::page::add_owner(value & ADDRESS) };
            // SAFETY: an owner was just counted.
            (unsafe { Page::from_physical(value & ADDRESS) }, access_of(value))
        })
    }

    /// Puts another page, or the same with other rights, in the place of one that is mapped; says whether one was.
    pub fn replace(&self, at: UserAddr, page: Page, access: Access, batch: &mut FlushBatch<'_>) -> bool {
        let at = at.page_down();
        if !at.is_user_range(PAGE) || !batch.is_for(self) {
            return false;
        }
        let _guard = self.tables.lock();
        let Some(last) = self.find_table(at.get()) else { return false };
        let entry = last.entry(at.get());
        let value = entry.load(Ordering::Relaxed);
        if value == 0 {
            return false;
        }
        entry.store(page.into_physical() | leaf_bits(access), Ordering::Release);
        batch.changed(at.get(), value);
        // SAFETY: the entry owned the page, and does no more.
        batch.release_page(unsafe { Page::from_physical(value & ADDRESS) });
        true
    }

    /// Gives every page mapped from `start` up to `end` this access.
    pub fn protect(&self, start: UserAddr, end: UserAddr, access: Access, batch: &mut FlushBatch<'_>) {
        if !batch.is_for(self) {
            return;
        }
        let bits = leaf_bits(access);
        let _guard = self.tables.lock();
        self.for_each_table(start, end, |last, range| {
            for at in range.step_by(PAGE_SIZE) {
                let entry = last.entry(at);
                let value = entry.load(Ordering::Relaxed);
                if value != 0 && value & !STATE & !ADDRESS != bits {
                    let before = entry.swap(value & (ADDRESS | STATE) | bits, Ordering::Relaxed);
                    batch.changed(at, before);
                }
            }
        });
    }

    /// How many pages are mapped.
    pub fn resident(&self) -> usize {
        self.resident.load(Ordering::Relaxed)
    }

    /// Counts pages entered. Under the lock.
    #[inline]
    fn add_resident(&self, pages: usize) {
        self.resident.store(self.resident().wrapping_add(pages), Ordering::Relaxed);
    }

    /// Makes the tables those that this processor uses. With interrupts or preemption off.
    #[inline]
    pub(super) fn load(root: u64) {
        // SAFETY: every root table has the kernel's upper half.
        unsafe { area::current().translations.load(root) };
    }
}

/// The bits that the processor sets.
const STATE: u64 = Bits::ACCESSED.union(Bits::DIRTY).bits();

/// The bits of a last-level entry that gives this access.
#[inline]
fn leaf_bits(access: Access) -> u64 {
    let mut bits = Bits::OWNER | Bits::USER;
    if access.intersects(Access::READ | Access::WRITE | Access::EXECUTE) {
        bits |= Bits::PRESENT;
    }
    if access.contains(Access::WRITE) {
        bits |= Bits::WRITE;
    }
    if !access.contains(Access::EXECUTE) {
        bits |= Bits::NO_EXECUTE;
    }
    bits.bits() | u64::from(access.key().number()) << KEY_SHIFT
}

/// What a last-level entry allows: the processor cannot forbid reading what may be written or executed.
fn access_of(value: u64) -> Access {
    let bits = Bits::from_bits_truncate(value);
    let mut access = Access::empty();
    if bits.contains(Bits::PRESENT) {
        access |= Access::READ;
        access.set(Access::WRITE, bits.contains(Bits::WRITE));
        access.set(Access::EXECUTE, !bits.contains(Bits::NO_EXECUTE));
    }
    access.with_key(Key::from_low_bits((value >> KEY_SHIFT) as u8))
}
