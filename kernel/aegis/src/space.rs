//! A program's memory.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use abi::{Errno, ProtFlags};
use chronos::{Mutex, MutexGuard};
use hal::{FlushBatch, LockClass, NoMemory, Space, UserAddr};

use crate::area::{Area, AreaInfo, Role, page_range};
use crate::keys::Keys;
use crate::layout::{GUARD_GAP, LOWEST, Layout};
use crate::{PAGE, charge, frames, inject};

/// The most areas of one address space (Linux: `vm.max_map_count`).
const MAX_AREAS: usize = 65530;

/// What an area takes of the kernel's memory, with its place in the tree and in its object's reverse map.
pub(crate) const AREA_BYTES: usize = 512;

/// A request for at most so many pages is never refused for being more than all memory (4 GiB).
const SMALL_MEMORY: u64 = 1 << 20;

/// The resource limits that concern memory, in bytes.
pub struct Limits {
    /// All areas together (`RLIMIT_AS`).
    pub address_space: AtomicU64,
    /// Private writable memory (`RLIMIT_DATA`).
    pub data: AtomicU64,
    /// The stack (`RLIMIT_STACK`).
    pub stack: AtomicU64,
}

/// How much memory an address space uses, in pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All areas.
    pub total: u64,
    /// What is in memory.
    pub resident: u64,
    /// Private writable areas but the stack.
    pub data: u64,
    /// The stack.
    pub stack: u64,
    /// Executable areas.
    pub text: u64,
    /// Shared areas.
    pub shared: u64,
}

/// Areas that were taken out of an address space, to be dropped when it is not locked.
#[derive(Default)]
pub(crate) struct Removed {
    first: Option<Area>,
    more: Vec<Area>,
}

/// The areas, and what goes with them.
pub(crate) struct Areas {
    pub tree: BTreeMap<u64, Area>,
    pub heap_start: u64,
    pub heap_end: u64,
    pub layout: Layout,
    pub keys: Keys,
    /// Pages in all areas.
    pub total: u64,
}

/// A program's memory: its areas, and the page tables that show what was touched of them.
pub struct AddressSpace {
    pub(crate) tables: Arc<Space>,
    pub(crate) areas: Mutex<Areas>,
    limits: Limits,
    highest_resident: AtomicU64,
}

static CLASS: LockClass = LockClass::new("address space", 410);

impl AddressSpace {
    /// An empty address space.
    ///
    /// # Errors
    /// [`NoMemory`] when no frame is left for its tables.
    pub fn new(layout: Layout) -> Result<Self, NoMemory> {
        let areas = Areas {
            tree: BTreeMap::new(),
            heap_start: layout.program,
            heap_end: layout.program,
            layout,
            keys: Keys::NONE,
            total: 0,
        };
        inject::point().map_err(|_| NoMemory)?;
        Ok(Self::with_areas(Space::new()?, areas))
    }

    pub(crate) fn with_areas(tables: Arc<Space>, areas: Areas) -> Self {
        let unlimited = || AtomicU64::new(u64::MAX);
        Self {
            tables,
            areas: Mutex::new(&CLASS, areas),
            limits: Limits { address_space: unlimited(), data: unlimited(), stack: AtomicU64::new(8 << 20) },
            highest_resident: AtomicU64::new(0),
        }
    }

    /// The page tables, to be given to the contexts of the program's threads.
    pub fn tables(&self) -> &Arc<Space> {
        &self.tables
    }

    /// The limits, to be set by whoever keeps them.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The random layout.
    pub fn layout(&self) -> Layout {
        self.areas.lock().layout
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Areas> {
        self.areas.lock()
    }

    /// Where the heap begins: behind the program, whose end this is told.
    pub fn set_heap_start(&self, program_end: UserAddr) {
        let mut areas = self.lock();
        let start = program_end.get().next_multiple_of(PAGE).saturating_add(areas.layout.heap_offset);
        areas.heap_start = start;
        areas.heap_end = start;
    }

    /// Takes away whatever is mapped in a range. May sleep.
    ///
    /// # Errors
    /// `EINVAL` for a range that is empty or not of pages; `ENOMEM` when a split would make too many areas.
    pub fn unmap(&self, start: UserAddr, length: u64) -> Result<(), Errno> {
        if length == 0 {
            return Err(Errno::EINVAL);
        }
        let (start, end) = page_range(start, length).map_err(|_| Errno::EINVAL)?;
        let mut areas = self.lock();
        let removed = self.remove(&mut areas, start, end)?;
        drop(areas);
        drop(removed); // what dropping a file's last owner does may sleep
        Ok(())
    }

    /// Takes the areas of a range out, with what the tables show of them, and gives them to be dropped without the lock. Nothing
    /// is gone after an error. A single area that is not split can always be taken out.
    pub(crate) fn remove(&self, areas: &mut Areas, start: u64, end: u64) -> Result<Removed, Errno> {
        let mut removed = Removed::default();
        if !areas.any_in(start, end) {
            return Ok(removed);
        }
        self.split(areas, start)?;
        self.split(areas, end)?;
        let (mut next, mut left) = {
            let mut starts = areas.tree.range(start..end).map(|(&at, _)| at);
            (starts.next(), starts.count())
        };
        charge::reserve_exact(&mut removed.more, left)?;
        let mut batch = FlushBatch::new(&self.tables);
        while let Some(area) = next.and_then(|at| areas.tree.remove(&at)) {
            // Nearly always it is the only one.
            next = match left {
                0 => None,
                _ => areas.tree.range(area.end..end).next().map(|(&at, _)| at),
            };
            left = left.saturating_sub(1);
            areas.total -= area.pages();
            self.unnote(&area);
            self.tables.unmap(UserAddr::new(area.start), UserAddr::new(area.end), &mut batch);
            match removed.first {
                None => removed.first = Some(area),
                Some(_) => removed.more.push(area),
            }
        }
        self.highest_resident.fetch_max(self.tables.resident() as u64, Ordering::Relaxed);
        batch.flush();
        Ok(removed)
    }

    /// Makes an address the border of two areas if it lies within one.
    pub(crate) fn split(&self, areas: &mut Areas, at: u64) -> Result<(), Errno> {
        let full = areas.tree.len() >= MAX_AREAS;
        let Some(area) = areas.find_mut(at) else { return Ok(()) };
        if area.start == at {
            return Ok(());
        }
        if full {
            return Err(Errno::ENOMEM);
        }
        charge::admit(AREA_BYTES)?;
        self.unnote(area);
        let upper = area.split_off(at);
        self.note(area);
        self.note(&upper);
        areas.tree.insert(at, upper);
        Ok(())
    }

    /// Admits one more area.
    pub(crate) fn admit_area(areas: &Areas) -> Result<(), Errno> {
        if areas.tree.len() >= MAX_AREAS {
            return Err(Errno::ENOMEM);
        }
        charge::admit(AREA_BYTES)
    }

    /// Enters an area where none is, joining it with its neighbours where they are alike.
    pub(crate) fn insert(&self, areas: &mut Areas, area: Area) -> Result<(), Errno> {
        Self::admit_area(areas)?;
        let start = area.start;
        self.enter_area(areas, area);
        self.join(areas, start);
        Ok(())
    }

    /// Enters an area that was admitted where none is, and leaves it apart.
    pub(crate) fn enter_area(&self, areas: &mut Areas, area: Area) {
        areas.total += area.pages();
        self.note(&area);
        areas.tree.insert(area.start, area);
    }

    /// Joins the area that begins at an address with the ones before and behind it, where they are alike.
    pub(crate) fn join(&self, areas: &mut Areas, start: u64) {
        let Some(area) = areas.tree.get(&start) else { return };
        let end = area.end;
        let next_joins = areas.tree.get(&end).is_some_and(|next| area.continues_into(next));
        let previous =
            areas.tree.range(..start).next_back().map(|(&at, previous)| (at, previous.continues_into(area)));
        if next_joins {
            self.absorb(areas, start, end);
        }
        if let Some((previous, true)) = previous {
            self.absorb(areas, previous, start);
        }
    }

    /// Makes the area at `second` a part of the one at `first`, which it continues.
    fn absorb(&self, areas: &mut Areas, first: u64, second: u64) {
        let Some(upper) = areas.tree.remove(&second) else { return };
        self.unnote(&upper);
        if let Some(lower) = areas.tree.get_mut(&first) {
            self.unnote(lower);
            lower.end = upper.end;
            lower.has_copies |= upper.has_copies;
            self.note(lower);
        }
    }

    /// Enters an area into its object's reverse map.
    pub(crate) fn note(&self, area: &Area) {
        if let Some(object) = area.object() {
            let tables = Arc::downgrade(&self.tables);
            let changes = area.shared && area.maximum.contains(abi::ProtFlags::WRITE);
            let (start, first) = (UserAddr::new(area.start), area.index(area.start));
            object.mappings().add(tables, start, first, area.pages(), changes);
        }
    }

    pub(crate) fn unnote(&self, area: &Area) {
        if let Some(object) = area.object() {
            object.mappings().remove(&Arc::downgrade(&self.tables), UserAddr::new(area.start));
        }
    }

    /// Every area, in the order of addresses, each as it is when it is asked for: there may be very many. Asking may sleep.
    pub fn areas(&self) -> impl Iterator<Item = AreaInfo> {
        let mut from = 0;
        core::iter::from_fn(move || {
            let areas = self.lock();
            let (_, area) = areas.tree.range(from..).next()?;
            from = area.end;
            Some(self.describe(area))
        })
    }

    fn describe(&self, area: &Area) -> AreaInfo {
        let pages = (area.start..area.end).step_by(hal::PAGE_SIZE);
        AreaInfo {
            start: UserAddr::new(area.start),
            end: UserAddr::new(area.end),
            protection: area.protection,
            shared: area.shared,
            offset: area.backing.as_ref().map_or(0, |backing| backing.first * PAGE),
            name: area.backing.as_ref().and_then(|backing| backing.name.clone()),
            label: match area.role {
                Role::Plain => None,
                Role::Heap => Some("[heap]"),
                Role::Stack => Some("[stack]"),
            },
            key: area.key,
            resident: if area.pages() > (1 << 18) {
                (self.tables.resident() as u64).min(area.pages()) // too large to be looked at page by page
            } else {
                pages.filter(|&at| self.tables.query(UserAddr::new(at)).is_some()).count() as u64
            },
        }
    }

    /// What a shared mapping shows at an address: an identity of the object (as long as it lives) and the byte's offset in it.
    /// `None` where nothing shared is mapped. May sleep.
    pub fn shared_place(&self, at: UserAddr) -> Option<(usize, u64)> {
        let areas = self.lock();
        let area = areas.find(at.get()).filter(|area| area.shared)?;
        let object = Arc::as_ptr(area.object()?).cast::<()>().addr();
        Some((object, area.index(at.get()).saturating_mul(PAGE) + at.page_offset() as u64))
    }

    /// Whether an address shows private anonymous memory that cannot be written. May sleep.
    pub fn is_constant(&self, at: UserAddr) -> bool {
        let areas = self.lock();
        areas.find(at.get()).is_some_and(|area| {
            !area.shared && area.backing.is_none() && !area.protection.contains(ProtFlags::WRITE)
        })
    }

    /// How much memory is used. May sleep.
    pub fn usage(&self) -> Usage {
        let areas = self.lock();
        let mut usage =
            Usage { total: areas.total, resident: self.tables.resident() as u64, ..Usage::default() };
        for area in areas.tree.values() {
            let pages = area.pages();
            if area.protection.contains(ProtFlags::EXEC) {
                usage.text += pages;
            }
            if area.role == Role::Stack {
                usage.stack += pages;
            } else if area.shared {
                usage.shared += pages;
            } else if area.protection.contains(ProtFlags::WRITE) {
                usage.data += pages;
            }
        }
        usage
    }

    /// The most pages that were in memory at a time, as far as it was noticed.
    pub fn highest_resident(&self) -> u64 {
        self.highest_resident
            .fetch_max(self.tables.resident() as u64, Ordering::Relaxed)
            .max(self.tables.resident() as u64)
    }

    /// Checks that so many more pages (private writable ones if `data`) stay within the limits, and could be there at all.
    pub(crate) fn check_limits(&self, areas: &Areas, pages: u64, data: bool) -> Result<(), Errno> {
        if data && pages > frames::managed().max(SMALL_MEMORY) {
            return Err(Errno::ENOMEM); // more than all memory at once: Linux's heuristic refuses it too
        }
        let limit = self.limits.address_space.load(Ordering::Relaxed) / PAGE;
        if areas.total.saturating_add(pages) > limit {
            return Err(Errno::ENOMEM);
        }
        let limit = self.limits.data.load(Ordering::Relaxed);
        if data && limit != u64::MAX && areas.data_pages().saturating_add(pages) > limit / PAGE {
            return Err(Errno::ENOMEM);
        }
        Ok(())
    }
}

impl Drop for AddressSpace {
    fn drop(&mut self) {
        let tables = Arc::downgrade(&self.tables);
        for area in self.areas.get_mut().tree.values() {
            if let Some(object) = area.object() {
                object.mappings().remove(&tables, UserAddr::new(area.start));
            }
        }
    }
}

/// The area of a tree that holds an address.
#[inline]
pub(crate) fn find_mut(tree: &mut BTreeMap<u64, Area>, address: u64) -> Option<&mut Area> {
    let (_, area) = tree.range_mut(..=address).next_back()?;
    (address < area.end).then_some(area)
}

impl Areas {
    /// The area that holds an address.
    pub(crate) fn find(&self, address: u64) -> Option<&Area> {
        let (_, area) = self.tree.range(..=address).next_back()?;
        (address < area.end).then_some(area)
    }

    pub(crate) fn find_mut(&mut self, address: u64) -> Option<&mut Area> {
        find_mut(&mut self.tree, address)
    }

    /// Says whether anything is mapped from `start` up to `end`.
    pub(crate) fn any_in(&self, start: u64, end: u64) -> bool {
        self.tree.range(..end).next_back().is_some_and(|(_, area)| area.end > start)
    }

    /// How many pages are mapped from `start` up to `end`.
    pub(crate) fn pages_in(&self, start: u64, end: u64) -> u64 {
        let below_end = self.tree.range(..end).rev().map(|(_, area)| area);
        below_end
            .take_while(|area| area.end > start)
            .map(|area| area.end.min(end) - area.start.max(start))
            .sum::<u64>()
            / PAGE
    }

    /// Says whether everything from `start` up to `end` is mapped.
    pub(crate) fn all_in(&self, start: u64, end: u64) -> bool {
        let mut at = start;
        while at < end {
            match self.find(at) {
                Some(area) => at = area.end,
                None => return false,
            }
        }
        true
    }

    /// A free range of so many bytes: the highest below the top for mappings, else the lowest above it.
    pub(crate) fn find_free(&self, length: u64, top: u64) -> Option<u64> {
        let mut end = top;
        for area in self.tree.range(..top).rev().map(|(_, area)| area) {
            if area.end < end && end - area.end >= length {
                return Some(end - length);
            }
            // Below a stack, its room to grow stays free.
            end = end.min(if area.grows_down { area.start.saturating_sub(GUARD_GAP) } else { area.start });
        }
        if end >= LOWEST && end - LOWEST >= length {
            return Some(end - length);
        }
        self.find_free_above(length, top)
    }

    fn find_free_above(&self, length: u64, from: u64) -> Option<u64> {
        let mut start = self.find(from).map_or(from, |area| area.end);
        for area in self.tree.range(start..).map(|(_, area)| area) {
            let limit = if area.grows_down { area.start.saturating_sub(GUARD_GAP) } else { area.start };
            if limit >= start && limit - start >= length {
                return Some(start);
            }
            start = area.end;
        }
        (hal::USER_END >= start && hal::USER_END - start >= length).then_some(start)
    }

    fn data_pages(&self) -> u64 {
        let counts = |area: &&Area| {
            !area.shared && area.protection.contains(ProtFlags::WRITE) && area.role != Role::Stack
        };
        self.tree.values().filter(counts).map(Area::pages).sum()
    }
}
