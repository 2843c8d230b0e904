//! Page faults: showing what an area holds, when it is touched.

use core::sync::atomic::Ordering;

use abi::ProtFlags;
use hal::{Access, FaultAccess, FlushBatch, Key, Page, UserAddr};

use crate::area::Area;
use crate::layout::GUARD_GAP;
use crate::object::ObjectError;
use crate::space::{AddressSpace, Areas};
use crate::{PAGE, frames, inject};

/// A touch that the program cannot be given what it wants for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultError {
    /// Nothing is mapped there (`SIGSEGV`, `SEGV_MAPERR`).
    NotMapped,
    /// What is mapped does not allow it (`SIGSEGV`, `SEGV_ACCERR`).
    NotAllowed,
    /// The thread's rights by its protection key do not allow it (`SIGSEGV`, `SEGV_PKUERR`).
    Key(Key),
    /// The object has no such page (`SIGBUS`, `BUS_ADRERR`).
    NoPage,
    /// No memory is left for programs.
    NoMemory,
}

/// Pages around a touched one that are shown with it, when they are in memory: this many, aligned.
const AROUND: u64 = 16;

/// Whose access it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accessor {
    /// The program's: its current thread's rights by protection keys count.
    Owner,
    /// The kernel's own.
    Kernel,
}

/// What became of an attempt with the areas locked.
enum Attempt {
    Done,
    /// The object must be asked for a page, without the lock.
    Ask,
}

impl AddressSpace {
    /// Makes the page at an address accessible to the current thread, whose memory this is. May sleep.
    ///
    /// # Errors
    /// See [`FaultError`].
    #[inline]
    pub fn fault(&self, address: UserAddr, access: FaultAccess) -> Result<(), FaultError> {
        self.fault_as(address, access, Accessor::Owner)
    }

    /// Makes the page at an address be there, for the kernel to look at it: protection keys are nothing to it. May sleep.
    ///
    /// # Errors
    /// See [`FaultError`].
    pub fn bring(&self, address: UserAddr) -> Result<(), FaultError> {
        self.fault_as(address, FaultAccess::READ, Accessor::Kernel)
    }

    pub(crate) fn fault_as(
        &self,
        address: UserAddr,
        access: FaultAccess,
        by: Accessor,
    ) -> Result<(), FaultError> {
        let at = address.page_down();
        loop {
            let mut areas = self.lock();
            if areas.find(at.get()).is_none() {
                self.grow_stack(&mut areas, at.get())?;
            }
            let area = areas.find_mut(at.get()).ok_or(FaultError::NotMapped)?;
            check(area, access, by)?;
            match self.try_fault(area, at, access)? {
                Attempt::Done => return Ok(()),
                Attempt::Ask => {}
            }

            // The object may sleep: the areas are free meanwhile, and looked at again afterwards.
            let (Some(object), index) = (area.object().cloned(), area.index(at.get())) else {
                return Err(FaultError::NotMapped);
            };
            drop(areas);
            let generation = object.mappings().generation();
            let page = object.page(index).map_err(|error| match error {
                ObjectError::Beyond => FaultError::NoPage,
                ObjectError::NoMemory => FaultError::NoMemory,
            })?;
            let mut areas = self.lock();
            let Some(area) = areas.find_mut(at.get()) else { continue };
            let same =
                area.object().is_some_and(|now| core::ptr::addr_eq(&raw const **now, &raw const *object));
            if !same || area.index(at.get()) != index || check(area, access, by).is_err() {
                continue;
            }
            self.show(area, at, page, access)?;
            self.show_around(area, at);
            if object.mappings().generation() != generation {
                // The object lost pages in between, perhaps this one.
                let mut batch = FlushBatch::new(&self.tables);
                let end = UserAddr::new(area.end);
                self.tables.unmap(UserAddr::new(area.start), end, &mut batch);
                batch.flush();
                continue;
            }
            return Ok(());
        }
    }

    /// What can be done at once: pages that are there already, and anonymous ones.
    fn try_fault(&self, area: &mut Area, at: UserAddr, access: FaultAccess) -> Result<Attempt, FaultError> {
        if let Some((page, allowed)) = self.tables.query(at) {
            let wanted = if access.write { Access::READ | Access::WRITE } else { area.access_shared() };
            if allowed.contains(wanted) {
                return Ok(Attempt::Done); // another thread was faster, or the processor remembered an old entry
            }
            let mut batch = FlushBatch::new(&self.tables);
            if !access.write {
                self.tables.replace(at, page, area.access_shared().difference(Access::WRITE), &mut batch);
            } else if area.shared {
                if let Some(object) = area.object() {
                    object.mark_dirty(area.index(at.get()));
                }
                self.tables.replace(at, page, area.access(), &mut batch);
            } else if page.owners() == 2 && area.backing.is_none() {
                // The table's entry and the one just made for us: nobody else shows it.
                self.tables.replace(at, page, area.access(), &mut batch);
            } else {
                let copy = frames::user_copy(&page).ok_or(FaultError::NoMemory)?;
                self.tables.replace(at, copy, area.access(), &mut batch);
                area.has_copies = true;
            }
            batch.flush();
            return Ok(Attempt::Done);
        }
        if area.backing.is_some() {
            return Ok(Attempt::Ask);
        }
        let page = frames::user_page().ok_or(FaultError::NoMemory)?;
        self.enter(at, page, area.access())?;
        Ok(Attempt::Done)
    }

    /// Shows an object's page that was touched.
    fn show(&self, area: &mut Area, at: UserAddr, page: Page, access: FaultAccess) -> Result<(), FaultError> {
        if !access.write {
            return self.enter(at, page, area.access_shared().difference(Access::WRITE));
        }
        if area.shared {
            if let Some(object) = area.object() {
                object.mark_dirty(area.index(at.get()));
            }
            return self.enter(at, page, area.access());
        }
        let copy = frames::user_copy(&page).ok_or(FaultError::NoMemory)?;
        area.has_copies = true;
        self.enter(at, copy, area.access())
    }

    /// Shows what the object has in memory around a page that was touched.
    fn show_around(&self, area: &Area, at: UserAddr) {
        let Some(object) = area.object() else { return };
        let window = at.get() / (AROUND * PAGE) * (AROUND * PAGE);
        let (start, end) = (window.max(area.start), (window + AROUND * PAGE).min(area.end));
        let access = area.access_shared().difference(Access::WRITE);
        for near in (start..end).step_by(hal::PAGE_SIZE) {
            if near == at.get() {
                continue;
            }
            if let Some(page) = object.peek(area.index(near)) {
                let _ = self.tables.map(UserAddr::new(near), page, access); // occupied, or no frame for a table: not needed
            }
        }
    }

    fn enter(&self, at: UserAddr, page: Page, access: Access) -> Result<(), FaultError> {
        use hal::MapError;
        inject::point().map_err(|_| FaultError::NoMemory)?; // tables that may be missing
        match self.tables.map(at, page, access) {
            Ok(()) | Err(MapError::Occupied) => Ok(()),
            Err(MapError::NoMemory) => Err(FaultError::NoMemory),
            Err(MapError::BadAddress) => Err(FaultError::NotMapped),
        }
    }

    /// Lets a stack grow down to an address that was touched below it.
    fn grow_stack(&self, areas: &mut Areas, at: u64) -> Result<(), FaultError> {
        let Some((&start, area)) = areas.tree.range(at..).next() else { return Err(FaultError::NotMapped) };
        let limit = self.limits().stack.load(Ordering::Relaxed);
        if !area.grows_down || area.end - at > limit {
            return Err(FaultError::NotMapped);
        }
        // What is mapped below must stay a gap away, unless nothing can be done with it anyway.
        let below = areas.tree.range(..at).next_back();
        let too_near = below.is_some_and(|(_, below)| {
            !below.grows_down && !below.protection.is_empty() && below.end.saturating_add(GUARD_GAP) > at
        });
        if too_near || self.check_limits(areas, (start - at) / PAGE, false).is_err() {
            return Err(FaultError::NotMapped);
        }
        if let Some(mut area) = areas.tree.remove(&start) {
            areas.total += (start - at) / PAGE;
            area.start = at;
            areas.tree.insert(at, area);
        }
        Ok(())
    }
}

/// Checks that an area allows an access. What its key forbids is told as that, whatever else forbids it.
fn check(area: &Area, access: FaultAccess, by: Accessor) -> Result<(), FaultError> {
    let obeys_key = by == Accessor::Owner && !access.execute;
    if access.by_key || obeys_key && !area.key.allows(access.write) {
        return Err(FaultError::Key(area.key));
    }
    let readable = ProtFlags::READ | ProtFlags::WRITE | ProtFlags::EXEC;
    let allowed = if access.write {
        area.protection.contains(ProtFlags::WRITE)
    } else if access.execute && access.present {
        // A page that is not there yet is fetched as for a read, as on Linux: behind the file's end there is none.
        area.protection.contains(ProtFlags::EXEC)
    } else {
        area.protection.intersects(readable)
    };
    if allowed { Ok(()) } else { Err(FaultError::NotAllowed) }
}
