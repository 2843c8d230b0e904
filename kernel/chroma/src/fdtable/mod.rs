//! Descriptor tables: small numbers to capabilities for open files.
//!
//! Each number has a capability, and a bit that says whether `exec` closes it. The lowest free number is found in a bitmap, a word at a time, from a hint below
//! which everything is taken. Files are never dropped under the table's spinlock: closing may sleep.
//!
//! Changes are made under the lock, and [published](known) to lookups, which take none. `dup2` replaces a file at once: a lookup
//! finds the old one or the new one.

mod known;
mod reserved;
mod slots;
mod used;

use core::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use alloc::sync::Arc;
use cerberus::{Capability, Rights};
use hal::SpinLock;

use crate::file::OpenFile;
use crate::lock_classes;
use known::Known;
pub use reserved::Reserved;
use slots::Slots;
pub use used::Used;

/// A file descriptor's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fd(pub i32);

impl Fd {
    fn index(self) -> Result<usize, Errno> {
        usize::try_from(self.0).map_err(|_| Errno::EBADF)
    }
}

/// A capability for an open file.
pub type FileCapability = Capability<OpenFile>;

/// The descriptors of one or more threads (`CLONE_FILES` shares the table).
pub struct FdTable {
    known: Known,
    slots: SpinLock<Slots>,
    owner: u64,
    /// How many threads [use](Used) it.
    users: AtomicU64,
}

/// Identities of tables, as owners of POSIX locks.
static NEXT_OWNER: AtomicU64 = AtomicU64::new(1);

/// The capability `open` makes: the rights Linux would give for these flags.
pub fn capability(file: Arc<OpenFile>) -> FileCapability {
    let mut rights = Rights::all();
    if !file.readable() {
        rights -= Rights::READ;
    }
    if !file.writable() {
        rights -= Rights::WRITE;
    }
    Capability::new(file, rights)
}

/// About how many open files' descriptions take a page of memory.
const FILES_IN_A_PAGE: u64 = 8;

impl FdTable {
    /// An empty table.
    pub fn new() -> FdTable {
        let owner = NEXT_OWNER.fetch_add(1, Ordering::Relaxed);
        let slots = SpinLock::new(&lock_classes::DESCRIPTORS, Slots::default());
        FdTable { known: Known::new(), slots, owner, users: AtomicU64::new(0) }
    }

    /// Who POSIX locks taken through this table belong to.
    pub fn lock_owner(&self) -> u64 {
        self.owner
    }

    /// The capability behind `fd`; `EBADF` if there is none. Takes no lock.
    #[inline]
    pub fn get(&self, fd: Fd) -> Result<FileCapability, Errno> {
        self.known.capability(fd.index()?)
    }

    /// The open file behind `fd`, if the capability holds `needed`. Takes no lock.
    #[inline(always)]
    pub fn file(&self, fd: Fd, needed: Rights) -> Result<Arc<OpenFile>, Errno> {
        self.known.file(fd.index()?, needed)
    }

    /// Puts a capability at the lowest free number from `from` on; `EMFILE` if that is not below `limit`.
    pub fn insert(
        &self,
        capability: FileCapability,
        close_on_exec: bool,
        from: u32,
        limit: u32,
    ) -> Result<Fd, Errno> {
        let mut slots = self.slots.lock();
        // First: if it fails, the file is dropped when the lock is free.
        let index = slots.make_free(&self.known, from as usize, limit as usize)?;
        slots.take(index);
        slots.fill(&self.known, index, capability, close_on_exec);
        i32::try_from(index).map(Fd).map_err(|_| Errno::EMFILE)
    }

    /// Puts a capability at `fd` (`dup2`); the file that was there is closed. `EBADF` if `fd` is not below `limit`;
    /// `EBUSY` if somebody [reserved](FdTable::reserve) it.
    pub fn replace(
        &self,
        fd: Fd,
        capability: FileCapability,
        close_on_exec: bool,
        limit: u32,
    ) -> Result<(), Errno> {
        let index = fd.index()?;
        if index >= limit as usize {
            return Err(Errno::EBADF);
        }
        let old = {
            let mut slots = self.slots.lock();
            slots.grow(&self.known, index)?;
            if slots.is_reserved(index) {
                return Err(Errno::EBUSY);
            }
            slots.take(index);
            slots.fill(&self.known, index, capability, close_on_exec)
        };
        if let Some(capability) = old {
            self.closed(capability);
        }
        Ok(())
    }

    /// Closes `fd`; `EBADF` if it is not open. May sleep.
    pub fn close(&self, fd: Fd) -> Result<(), Errno> {
        let capability = self.slots.lock().clear(&self.known, fd.index()?).ok_or(Errno::EBADF)?;
        self.closed(capability);
        Ok(())
    }

    /// Closes every descriptor in `first..=last` (`close_range`).
    pub fn close_range(&self, first: u32, last: u32) {
        let mut next = first as usize;
        loop {
            let capability = {
                let mut slots = self.slots.lock();
                let Some(index) = slots.next_taken(next).filter(|i| *i <= last as usize) else { return };
                next = index + 1;
                slots.clear(&self.known, index)
            };
            capability.into_iter().for_each(|capability| self.closed(capability));
        }
    }

    /// Sets close-on-exec for every open descriptor in `first..=last`.
    pub fn close_range_on_exec(&self, first: u32, last: u32) {
        let mut slots = self.slots.lock();
        let mut next = first as usize;
        while let Some(index) = slots.next_taken(next).filter(|index| *index <= last as usize) {
            slots.set_close_on_exec(index, true);
            next = index + 1;
        }
    }

    /// Closes what `exec` closes.
    pub fn close_on_exec(&self) {
        let mut next = 0;
        loop {
            let capability = {
                let mut slots = self.slots.lock();
                let Some(index) = slots.next_taken(next) else { return };
                next = index + 1;
                if slots.is_close_on_exec(index) { slots.clear(&self.known, index) } else { None }
            };
            capability.into_iter().for_each(|capability| self.closed(capability));
        }
    }

    /// Whether `fd` is closed by `exec`.
    pub fn is_close_on_exec(&self, fd: Fd) -> Result<bool, Errno> {
        let index = fd.index()?;
        let slots = self.slots.lock();
        slots.get(index).map(|_| slots.is_close_on_exec(index)).ok_or(Errno::EBADF)
    }

    /// Says whether `exec` closes `fd`.
    pub fn set_close_on_exec(&self, fd: Fd, on: bool) -> Result<(), Errno> {
        let index = fd.index()?;
        let mut slots = self.slots.lock();
        slots.get(index).ok_or(Errno::EBADF)?;
        slots.set_close_on_exec(index, on);
        Ok(())
    }

    /// A table of its own with the same descriptors (`fork`). `ENOMEM` if there is no memory for it.
    pub fn duplicate(&self) -> Result<FdTable, Errno> {
        let mut copy = FdTable::new();
        let slots = copy.slots.get_mut();
        loop {
            let end = self.slots.lock().end();
            slots.make_room(end)?;
            let from = self.slots.lock();
            // It may have grown meanwhile.
            if from.end() <= slots.size() {
                slots.copy(&from);
                break;
            }
        }
        let size = slots.size();
        for index in 0..slots.end() {
            if let Some(capability) = slots.get(index) {
                copy.known.make_room(size, index)?;
                copy.known.publish(index, capability);
            }
        }
        Ok(copy)
    }

    /// The open descriptor at or after `from` (for `/proc/PID/fd`).
    pub fn next_open(&self, from: u32) -> Option<Fd> {
        let index = self.slots.lock().next_taken(from as usize)?;
        i32::try_from(index).ok().map(Fd)
    }

    /// Pages that exist for the sake of its files only: the descriptions themselves, and what [`FileOps::held_pages`](crate::FileOps::held_pages) tells.
    pub fn held_pages(&self) -> u64 {
        let slots = self.slots.lock();
        let files = slots.all().map(FileCapability::object);
        let (count, pages) =
            files.fold((0, 0), |(count, pages), file| (count + 1, pages + file.ops().held_pages(file)));
        pages + count / FILES_IN_A_PAGE
    }

    /// How many numbers the table has room for (`FDSize` in `/proc/PID/status`).
    pub fn size(&self) -> usize {
        self.slots.lock().size().max(64)
    }

    #[inline]
    fn closed(&self, capability: FileCapability) {
        let file = capability.object();
        file.ops().descriptor_closed(file);
        crate::flock::release_posix(file.inode(), self.owner);
    }
}

impl Drop for FdTable {
    /// Closes what is left, and gives up its record locks. May sleep.
    fn drop(&mut self) {
        // Nobody looks any more, so the cells go as they are, with the table.
        let slots = core::mem::take(self.slots.get_mut());
        slots.into_open().for_each(|capability| self.closed(capability));
    }
}

impl Default for FdTable {
    fn default() -> FdTable {
        FdTable::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{Fd, FdTable, Used, capability};
    use crate::testing::World;
    use abi::Errno;
    use abi::fs::OpenFlags;
    use alloc::sync::Arc;
    use cerberus::Rights;

    #[test]
    fn the_lowest_free_number_is_taken_also_beyond_a_word() {
        let world = World::new();
        let file = world.view().try_open("/", OpenFlags::empty()).unwrap();
        let table = FdTable::new();
        for number in 0..200 {
            assert_eq!(table.insert(capability(file.clone()), false, 0, 1000), Ok(Fd(number)));
        }
        for number in [150, 3, 64] {
            table.close(Fd(number)).unwrap();
        }
        let next = |from| table.insert(capability(file.clone()), false, from, 1000);
        assert_eq!([next(0), next(100), next(0), next(0)], [Ok(Fd(3)), Ok(Fd(150)), Ok(Fd(64)), Ok(Fd(200))]);
        assert_eq!(table.insert(capability(file.clone()), false, 0, 201), Err(Errno::EMFILE));
        assert_eq!(table.close(Fd(500)), Err(Errno::EBADF));
        assert_eq!(table.close(Fd(-1)), Err(Errno::EBADF));
    }

    #[test]
    fn a_high_number_needs_no_others() {
        let world = World::new();
        let file = world.view().try_open("/", OpenFlags::empty()).unwrap();
        let table = FdTable::new();
        for number in [100_000, 70, 200_000] {
            table.replace(Fd(number), capability(file.clone()), false, 1 << 20).unwrap();
        }
        let copy = table.duplicate().unwrap();
        let seen = |table: &FdTable, number| table.file(Fd(number), Rights::READ).err();
        for table in [&table, &copy] {
            let found = [70, 71, 99_999, 100_000, 200_000, 250_000].map(|number| seen(table, number));
            let none = Some(Errno::EBADF);
            assert_eq!(found, [None, none, none, None, None, none]);
        }
    }

    #[test]
    fn a_copy_has_room_for_what_is_open() {
        let world = World::new();
        let file = world.view().try_open("/", OpenFlags::empty()).unwrap();
        let table = FdTable::new();
        let open = |table: &FdTable| table.insert(capability(file.clone()), false, 0, 1000);
        assert!((0..200).all(|number| open(&table) == Ok(Fd(number))));
        assert_eq!((table.size(), table.duplicate().unwrap().size()), (256, 256));
        table.close_range(130, u32::MAX);
        table.close_range(1, 128);
        let copy = table.duplicate().unwrap();
        table.close(Fd(129)).unwrap();
        let short = table.duplicate().unwrap();
        assert_eq!((copy.size(), short.size()), (256, 64));
        assert_eq!((copy.next_open(1), short.next_open(1)), (Some(Fd(129)), None));
        assert!((1..129).all(|number| open(&copy) == Ok(Fd(number))));
        assert_eq!(open(&copy), Ok(Fd(130)));
        assert!((1..150).all(|number| open(&short) == Ok(Fd(number))));
    }

    #[test]
    fn close_on_exec_goes_with_the_descriptor() {
        let world = World::new();
        let file = world.view().try_open("/", OpenFlags::empty()).unwrap();
        let table = FdTable::new();
        let open = |close_on_exec| table.insert(capability(file.clone()), close_on_exec, 0, 10).unwrap();
        assert_eq!([open(true), open(false), open(false)], [Fd(0), Fd(1), Fd(2)]);
        table.close(Fd(0)).unwrap();
        table.close_range_on_exec(0, 1);
        assert_eq!((table.is_close_on_exec(Fd(0)), open(false)), (Err(Errno::EBADF), Fd(0)));
        assert_eq!(
            [0, 1, 2].map(|number| table.is_close_on_exec(Fd(number))),
            [Ok(false), Ok(true), Ok(false)]
        );
        table.replace(Fd(1), capability(file.clone()), false, 10).unwrap();
        assert_eq!(table.is_close_on_exec(Fd(1)), Ok(false));
        assert_eq!(table.set_close_on_exec(Fd(3), true), Err(Errno::EBADF));
    }

    #[test]
    fn the_last_user_closes_though_others_look() {
        let world = World::new();
        let file = world.view().try_open("/", OpenFlags::empty()).unwrap();
        let used = Used::new(Arc::new(FdTable::new()));
        used.insert(capability(file.clone()), false, 0, 10).unwrap();
        let (other, looks) = (used.clone(), used.table().clone());
        assert!(used.is_shared());
        drop(used);
        assert!(!other.is_shared() && looks.get(Fd(0)).is_ok());
        drop(other);
        assert_eq!((looks.get(Fd(0)).err(), Arc::strong_count(&file)), (Some(Errno::EBADF), 1));
    }

    #[test]
    fn a_reserved_number_is_nobody_elses() {
        let world = World::new();
        let file = world.view().try_open("/", OpenFlags::empty()).unwrap();
        let table = FdTable::new();
        let open = |table: &FdTable| table.insert(capability(file.clone()), false, 0, 2);
        let first = table.reserve(2).unwrap();
        assert_eq!(
            (first.fd(), open(&table), table.reserve(2).err()),
            (Fd(0), Ok(Fd(1)), Some(Errno::EMFILE))
        );
        assert_eq!(table.replace(Fd(0), capability(file.clone()), false, 2), Err(Errno::EBUSY));
        assert_eq!(table.close(Fd(0)), Err(Errno::EBADF));
        assert_eq!((table.next_open(0), table.get(Fd(0)).is_ok()), (Some(Fd(1)), false));
        assert_eq!(open(&table.duplicate().unwrap()), Ok(Fd(0)));
        drop(first);
        let again = table.reserve(2).unwrap();
        table.close_range(0, u32::MAX);
        assert_eq!(again.fill(capability(file.clone()), true), Fd(0));
        assert_eq!((table.is_close_on_exec(Fd(0)), open(&table)), (Ok(true), Ok(Fd(1))));
    }

    #[test]
    fn exec_closes_what_is_marked_and_copies_are_independent() {
        let world = World::new();
        let file = world.view().try_open("/", OpenFlags::empty()).unwrap();
        let table = FdTable::new();
        table.insert(capability(file.clone()), true, 0, 10).unwrap();
        table.insert(capability(file.clone()), false, 0, 10).unwrap();
        let copy = table.duplicate().unwrap();
        table.close_on_exec();
        assert_eq!((table.next_open(0), copy.next_open(0)), (Some(Fd(1)), Some(Fd(0))));
        assert_eq!(copy.file(Fd(0), Rights::WRITE).err(), Some(Errno::EBADF));
        assert!(copy.file(Fd(0), Rights::READ).is_ok());
        copy.close_range(0, u32::MAX);
        assert_eq!(copy.next_open(0), None);
    }
}
