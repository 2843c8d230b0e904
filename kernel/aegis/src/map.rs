//! Making areas and changing what they allow: mmap, mprotect, brk, madvise.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use abi::{Errno, ProtFlags};
use hal::{FaultAccess, FlushBatch, Key, UserAddr};

use crate::PAGE;
use crate::area::{Advice, Area, AreaName, Role, page_range};
use crate::fault::FaultError;
use crate::layout::LOWEST;
use crate::object::MemoryObject;
use crate::page_cache::PageCache;
use crate::space::{AddressSpace, Areas, Removed, find_mut};

/// What a mapping shows.
#[derive(Clone)]
pub struct Backing {
    /// The object.
    pub object: Arc<dyn MemoryObject>,
    /// The object's page that is shown first.
    pub first: u64,
    /// What the object is called.
    pub name: Option<Arc<dyn AreaName>>,
}

impl Backing {
    pub(crate) fn is_same_object(&self, other: &Self) -> bool {
        Arc::as_ptr(&self.object).cast::<()>() == Arc::as_ptr(&other.object).cast::<()>()
    }
}

/// Where a mapping goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Anywhere.
    Anywhere,
    /// Below 2 GiB (`MAP_32BIT`).
    Low,
    /// There if it is free, else anywhere.
    Hint(UserAddr),
    /// There, in place of what is mapped there (`MAP_FIXED`).
    Fixed(UserAddr),
    /// There, or not at all (`MAP_FIXED_NOREPLACE`).
    FixedIfFree(UserAddr),
    /// At address 0, below all that programs may map (`MMAP_PAGE_ZERO`); `EEXIST` where it is taken or more than that.
    First,
}

/// How pages are touched that are to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// They are read.
    Read,
    /// They are written.
    Write,
    /// Private ones that can be written are, so that they need not be copied later; the others are read.
    Fill,
}

/// A mapping to be made.
#[derive(Clone)]
pub struct MapRequest {
    /// Bytes; rounded up to pages.
    pub length: u64,
    /// Where.
    pub placement: Placement,
    /// What programs may do.
    pub protection: ProtFlags,
    /// What `mprotect` may allow at most.
    pub maximum: ProtFlags,
    /// Changes are seen by all who map the object.
    pub shared: bool,
    /// A stack (`MAP_GROWSDOWN`).
    pub grows_down: bool,
    /// Touch every page at once (`MAP_POPULATE`, `MAP_LOCKED`).
    pub populate: bool,
    /// What is shown; `None` for anonymous memory.
    pub backing: Option<Backing>,
}

/// The addresses of `MAP_32BIT` lie below this.
const LOW_TOP: u64 = 0x8000_0000;

impl AddressSpace {
    /// Makes a mapping and gives its address. May sleep.
    ///
    /// # Errors
    /// `EINVAL` for an empty one or one placed between pages, `EPERM` for one placed in the lowest 64 KiB, `EEXIST` when the
    /// place must be free and is not, `ENOMEM` when there is no room, a limit is reached, or memory could never suffice.
    pub fn map(&self, request: MapRequest) -> Result<UserAddr, Errno> {
        if request.length == 0 {
            return Err(Errno::EINVAL);
        }
        let length = request.length.checked_next_multiple_of(PAGE).filter(|&length| length <= hal::USER_END);
        let length = length.ok_or(Errno::ENOMEM)?;
        let private_writable = !request.shared && request.protection.contains(ProtFlags::WRITE);
        let backing = match request.backing {
            None if request.shared => {
                let object = Arc::new(PageCache::new(length));
                Some(Backing { object, first: 0, name: None })
            }
            backing => backing,
        };

        let mut areas = self.lock();
        let start = areas.place(request.placement, length)?;
        let key = self.key_of_new(&mut areas.keys, request.protection);
        // All that may fail comes before anything is replaced.
        let there = match request.placement {
            Placement::Fixed(_) => areas.pages_in(start, start + length),
            _ => 0,
        };
        self.check_limits(&areas, length / PAGE - there, private_writable)?;
        Self::admit_area(&areas)?;
        let replaced = match request.placement {
            Placement::Fixed(_) => self.remove(&mut areas, start, start + length)?,
            _ => Removed::default(),
        };
        let area = Area {
            start,
            end: start + length,
            protection: request.protection,
            maximum: request.maximum,
            shared: request.shared,
            grows_down: request.grows_down,
            role: Role::Plain,
            advice: Advice::default(),
            key,
            backing,
            has_copies: false,
        };
        self.enter_area(&mut areas, area);
        self.join(&mut areas, start);
        drop(areas);
        drop(replaced);
        let start = UserAddr::new(start);
        if request.populate {
            let _ = self.populate(start, length, Touch::Fill); // what is not there now comes when it is touched
        }
        Ok(start)
    }

    /// Makes the stack below `Layout::stack_top` and gives its top. May sleep.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn map_stack(&self, size: u64, executable: bool) -> Result<UserAddr, Errno> {
        let mut areas = self.lock();
        let top = areas.layout.stack_top;
        let size = size.next_multiple_of(PAGE);
        let mut protection = ProtFlags::READ | ProtFlags::WRITE;
        if executable {
            protection |= ProtFlags::EXEC;
        }
        let area = Area {
            start: top.checked_sub(size).ok_or(Errno::ENOMEM)?,
            end: top,
            protection,
            maximum: ProtFlags::READ | ProtFlags::WRITE | ProtFlags::EXEC,
            shared: false,
            grows_down: true,
            role: Role::Stack,
            advice: Advice::default(),
            key: Key::FIRST,
            backing: None,
            has_copies: false,
        };
        self.insert(&mut areas, area)?;
        Ok(UserAddr::new(top))
    }

    /// Changes what programs may do with a range, and its protection key if one is named. May sleep.
    ///
    /// # Errors
    /// `EINVAL` when it does not begin at a page, or the key is not allocated; `ENOMEM` when not all of it is mapped, `EACCES`
    /// when a mapping does not allow it. What comes before the place of the error has changed.
    pub fn protect(
        &self,
        start: UserAddr,
        length: u64,
        protection: ProtFlags,
        key: Option<Key>,
    ) -> Result<(), Errno> {
        self.protect_with(start, length, protection, ProtFlags::empty(), key)
    }

    /// The same; `implied` is added wherever it may be.
    ///
    /// # Errors
    /// As [`AddressSpace::protect`].
    pub fn protect_with(
        &self,
        start: UserAddr,
        length: u64,
        protection: ProtFlags,
        implied: ProtFlags,
        key: Option<Key>,
    ) -> Result<(), Errno> {
        let (start, end) = page_range(start, length)?;
        if start == end {
            return Ok(());
        }
        let mut areas = self.lock();
        if key.is_some_and(|key| !areas.keys.has(key)) {
            return Err(Errno::EINVAL);
        }
        if !areas.any_in(start, start + 1) {
            return Err(Errno::ENOMEM);
        }
        self.split(&mut areas, start)?;
        self.split(&mut areas, end)?;
        let mut batch = FlushBatch::new(&self.tables);
        let mut at = start;
        while at < end {
            let Areas { tree, keys, .. } = &mut *areas;
            let Some(area) = find_mut(tree, at) else { return Err(Errno::ENOMEM) };
            let protection = protection | implied & area.maximum;
            let key = key.unwrap_or_else(|| self.key_of_changed(keys, area, protection));
            if !area.maximum.contains(protection) {
                return Err(Errno::EACCES);
            }
            let (first, next) = (area.start, area.end);
            if area.protection != protection || area.key != key {
                area.protection = protection;
                area.key = key;
                // A page that is shared with another process must not become writable here: the fault decides.
                let access = area.access_shared().difference(hal::Access::WRITE);
                self.tables.protect(UserAddr::new(first), UserAddr::new(next), access, &mut batch);
            }
            self.join(&mut areas, first);
            at = next;
        }
        batch.flush();
        Ok(())
    }

    /// Moves the end of the heap, and gives where it is then: unmoved when that is impossible. May sleep.
    pub fn set_break(&self, wanted: UserAddr) -> UserAddr {
        self.set_break_with(wanted, ProtFlags::empty())
    }

    /// The same; what is new of the heap has `implied` beside the right to read and write it.
    pub fn set_break_with(&self, wanted: UserAddr, implied: ProtFlags) -> UserAddr {
        let _removed; // dropped with the lock free: a program may map its files there, too
        let mut areas = self.lock();
        let unmoved = UserAddr::new(areas.heap_end);
        let wanted = wanted.get();
        if wanted < areas.heap_start || wanted > hal::USER_END {
            return unmoved;
        }
        let (old, new) = (areas.heap_end.next_multiple_of(PAGE), wanted.next_multiple_of(PAGE));
        if new < old {
            match self.remove(&mut areas, new, old) {
                Ok(removed) => _removed = removed,
                Err(_) => return unmoved,
            }
        } else if new > old {
            let limit = self.limits().data.load(Ordering::Relaxed);
            let fits = wanted - areas.heap_start <= limit
                && self.check_limits(&areas, (new - old) / PAGE, true).is_ok();
            // A page stays free behind the heap: whatever is mapped there must not be run into unnoticed.
            if !fits
                || areas.any_in(old, new.saturating_add(PAGE))
                || self.insert(&mut areas, heap(old, new, implied)).is_err()
            {
                return unmoved;
            }
        }
        areas.heap_end = wanted;
        UserAddr::new(wanted)
    }

    /// Makes pages be there that a program is about to use. May sleep.
    ///
    /// # Errors
    /// Why the first that cannot be there cannot; those before it are.
    pub fn populate(&self, start: UserAddr, length: u64, touch: Touch) -> Result<(), FaultError> {
        let mut at = start;
        let end = start.saturating_add(length);
        while at < end {
            let write = match touch {
                Touch::Read => false,
                Touch::Write => true,
                Touch::Fill => self
                    .lock()
                    .find(at.get())
                    .is_some_and(|area| !area.shared && area.protection.contains(ProtFlags::WRITE)),
            };
            self.fault(at, FaultAccess { write, ..FaultAccess::READ })?;
            at = at.saturating_add(PAGE);
        }
        Ok(())
    }

    /// Throws away the content of a range (`MADV_DONTNEED`): anonymous pages read as zeroes afterwards, others are shown anew
    /// from their object. May sleep.
    ///
    /// # Errors
    /// `EINVAL` when it does not begin at a page, `ENOMEM` when not all of it is mapped (the rest is done).
    pub fn discard(&self, start: UserAddr, length: u64) -> Result<(), Errno> {
        let (start, end) = page_range(start, length).map_err(|_| Errno::EINVAL)?;
        let areas = self.lock();
        let mut batch = FlushBatch::new(&self.tables);
        self.tables.unmap(UserAddr::new(start), UserAddr::new(end), &mut batch);
        batch.flush();
        if areas.all_in(start, end) { Ok(()) } else { Err(Errno::ENOMEM) }
    }

    /// Changes what fork does with a range: `dont_fork` (not in the child) or `wipe_on_fork` (zeroes in the child). May sleep.
    ///
    /// # Errors
    /// As [`AddressSpace::discard`]; `EINVAL` for wiping what is not private anonymous memory.
    pub fn advise_fork(
        &self,
        start: UserAddr,
        length: u64,
        dont_fork: Option<bool>,
        wipe_on_fork: Option<bool>,
    ) -> Result<(), Errno> {
        let (start, end) = page_range(start, length).map_err(|_| Errno::EINVAL)?;
        let mut areas = self.lock();
        self.split(&mut areas, start)?;
        self.split(&mut areas, end)?;
        let mut at = start;
        while at < end {
            let area = areas.find_mut(at).ok_or(Errno::ENOMEM)?;
            if wipe_on_fork == Some(true) && (area.backing.is_some() || area.shared) {
                return Err(Errno::EINVAL);
            }
            area.advice.dont_fork = dont_fork.unwrap_or(area.advice.dont_fork);
            area.advice.wipe_on_fork = wipe_on_fork.unwrap_or(area.advice.wipe_on_fork);
            let (first, next) = (area.start, area.end);
            self.join(&mut areas, first);
            at = next;
        }
        Ok(())
    }

    /// Says whether all of a range is mapped. May sleep.
    ///
    /// # Errors
    /// `EINVAL` when it does not begin at a page, `ENOMEM` when something is missing.
    pub fn check_mapped(&self, start: UserAddr, length: u64) -> Result<(), Errno> {
        let (start, end) = page_range(start, length)?;
        if self.lock().all_in(start, end) { Ok(()) } else { Err(Errno::ENOMEM) }
    }

    /// Says for each page of a mapped range whether it is in memory (`mincore`). May sleep.
    ///
    /// # Errors
    /// As [`AddressSpace::check_mapped`].
    pub fn residency(&self, start: UserAddr, pages: u64, mut each: impl FnMut(bool)) -> Result<(), Errno> {
        let length = pages.checked_mul(PAGE).ok_or(Errno::ENOMEM)?;
        let (start, end) = page_range(start, length)?;
        let areas = self.lock();
        if !areas.all_in(start, end) {
            return Err(Errno::ENOMEM);
        }
        for at in (start..end).step_by(hal::PAGE_SIZE) {
            let shown = self.tables.query(UserAddr::new(at)).is_some();
            let kept = || {
                let area = areas.find(at)?;
                area.object()?.peek(area.index(at))
            };
            each(shown || kept().is_some());
        }
        Ok(())
    }
}

fn heap(start: u64, end: u64, implied: ProtFlags) -> Area {
    Area {
        start,
        end,
        protection: ProtFlags::READ | ProtFlags::WRITE | implied,
        maximum: ProtFlags::READ | ProtFlags::WRITE | ProtFlags::EXEC,
        shared: false,
        grows_down: false,
        role: Role::Heap,
        advice: Advice::default(),
        key: Key::FIRST,
        backing: None,
        has_copies: false,
    }
}

impl Areas {
    /// Chooses an address for a mapping of so many bytes.
    fn place(&self, placement: Placement, length: u64) -> Result<u64, Errno> {
        match placement {
            Placement::Anywhere => self.find_free(length, self.layout.map_top).ok_or(Errno::ENOMEM),
            Placement::First if length > LOWEST || self.any_in(0, length) => Err(Errno::EEXIST),
            Placement::First => Ok(0),
            Placement::Low => {
                self.find_free(length, LOW_TOP).filter(|start| start + length <= LOW_TOP).ok_or(Errno::ENOMEM)
            }
            Placement::Hint(hint) => {
                let hint = hint.page_down().get().max(LOWEST);
                let fits = hint
                    .checked_add(length)
                    .is_some_and(|end| end <= hal::USER_END && !self.any_in(hint, end));
                if fits { Ok(hint) } else { self.place(Placement::Anywhere, length) }
            }
            Placement::Fixed(at) | Placement::FixedIfFree(at) => {
                if !at.is_page_aligned() {
                    return Err(Errno::EINVAL);
                }
                if !at.is_user_range(length) {
                    return Err(Errno::ENOMEM);
                }
                if at.get() < LOWEST {
                    return Err(Errno::EPERM);
                }
                let occupied = self.any_in(at.get(), at.get() + length);
                if occupied && matches!(placement, Placement::FixedIfFree(_)) {
                    return Err(Errno::EEXIST);
                }
                Ok(at.get())
            }
        }
    }
}
