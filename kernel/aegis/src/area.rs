//! Areas (VMAs): what a part of an address space shows, and how.

use alloc::string::String;
use alloc::sync::Arc;

use abi::{Errno, ProtFlags};
use hal::{Access, Key, UserAddr};

use crate::PAGE;
use crate::map::Backing;
use crate::object::MemoryObject;

/// What a mapped file is called, for `/proc/PID/maps`.
pub trait AreaName: Send + Sync {
    /// The device and inode numbers.
    fn numbers(&self) -> (u64, u64);
    /// The path.
    fn path(&self) -> String;
}

/// A part of an address space, as a listing shows it.
#[derive(Clone)]
pub struct AreaInfo {
    /// Its first address.
    pub start: UserAddr,
    /// The first address behind it.
    pub end: UserAddr,
    /// What programs may do.
    pub protection: ProtFlags,
    /// Changes are seen by all who map the object.
    pub shared: bool,
    /// The offset of `start` in the object, in bytes.
    pub offset: u64,
    /// The mapped file.
    pub name: Option<Arc<dyn AreaName>>,
    /// What the area is for, where it is not for a file: `[heap]`, `[stack]`.
    pub label: Option<&'static str>,
    /// Its protection key.
    pub key: Key,
    /// Pages of it that are in memory.
    pub resident: u64,
}

/// What an area of anonymous memory is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Plain,
    Heap,
    Stack,
}

/// What `madvise` keeps with an area.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Advice {
    pub dont_fork: bool,
    pub wipe_on_fork: bool,
}

#[derive(Clone)]
pub(crate) struct Area {
    pub start: u64,
    pub end: u64,
    pub protection: ProtFlags,
    /// What `mprotect` may allow at most (`ProtFlags::WRITE` is missing for a shared mapping of a file opened for reading).
    pub maximum: ProtFlags,
    pub shared: bool,
    pub grows_down: bool,
    pub role: Role,
    pub advice: Advice,
    pub key: Key,
    /// `None` for anonymous memory.
    pub backing: Option<Backing>,
    /// A private mapping of an object has had a page of its own: fork must copy its entries.
    pub has_copies: bool,
}

impl Area {
    pub(crate) fn pages(&self) -> u64 {
        (self.end - self.start) / PAGE
    }

    /// The index in the object of the page at an address of the area.
    pub(crate) fn index(&self, address: u64) -> u64 {
        let first = self.backing.as_ref().map_or(0, |backing| backing.first);
        first + (address - self.start) / PAGE
    }

    /// What the page tables allow for a page that is the area's own (not to be copied first).
    pub(crate) fn access(&self) -> Access {
        access_of(self.protection).with_key(self.key)
    }

    /// What they allow for a page that others may share.
    pub(crate) fn access_shared(&self) -> Access {
        if self.shared { self.access() } else { self.access().difference(Access::WRITE) }
    }

    /// The part from `at` on; what is before stays.
    pub(crate) fn split_off(&mut self, at: u64) -> Self {
        let mut upper = self.clone();
        let index = self.index(at);
        if let Some(backing) = &mut upper.backing {
            backing.first = index;
        }
        upper.start = at;
        self.end = at;
        upper
    }

    /// Says whether `next`, which begins where this area ends, could be one area with it.
    pub(crate) fn continues_into(&self, next: &Self) -> bool {
        let objects = match (&self.backing, &next.backing) {
            (None, None) => true,
            (Some(mine), Some(other)) => mine.is_same_object(other) && self.index(self.end) == other.first,
            _ => false,
        };
        objects
            && self.end == next.start
            && self.protection == next.protection
            && self.maximum == next.maximum
            && self.shared == next.shared
            && self.grows_down == next.grows_down
            && self.role == next.role
            && self.advice == next.advice
            && self.key == next.key
    }

    pub(crate) fn object(&self) -> Option<&Arc<dyn MemoryObject>> {
        self.backing.as_ref().map(|backing| &backing.object)
    }
}

/// The processor has no write without read, and Linux on it gives read with execute too.
pub(crate) fn access_of(protection: ProtFlags) -> Access {
    let mut access = Access::empty();
    if protection.intersects(ProtFlags::READ | ProtFlags::WRITE | ProtFlags::EXEC) {
        access |= Access::READ;
    }
    if protection.contains(ProtFlags::WRITE) {
        access |= Access::WRITE;
    }
    if protection.contains(ProtFlags::EXEC) {
        access |= Access::EXECUTE;
    }
    access
}

/// Checks an address and a length that a program gave as a range of pages; gives its start and end.
///
/// # Errors
/// `EINVAL` when the address is not at a page's start; `ENOMEM` when the range leaves user space.
pub(crate) fn page_range(start: UserAddr, length: u64) -> Result<(u64, u64), Errno> {
    if !start.is_page_aligned() {
        return Err(Errno::EINVAL);
    }
    let length = length.checked_next_multiple_of(PAGE).ok_or(Errno::ENOMEM)?;
    if !start.is_user_range(length) {
        return Err(Errno::ENOMEM);
    }
    Ok((start.get(), start.get() + length))
}
