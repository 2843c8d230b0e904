//! Directories of synthetic file systems.

use abi::{Errno, Mode};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use hal::{Once, SpinLock};

use super::node::{Entry, Fixed, Node};
use crate::dentry::Name;
use crate::inode::FileKind;
use crate::listing::DirBuffer;
use crate::lock_classes;

/// The first position of dynamic entries; fixed ones come before.
const DYNAMIC_BASE: u64 = 1 << 32;

/// Entries that come and go by themselves.
pub trait Dynamic: Send + Sync {
    /// The entry with this name; `ENOENT` if there is none now.
    fn lookup(&self, name: &[u8]) -> Result<Entry, Errno>;

    /// Offers entries in ascending order of keys, from `listing.next_key()` on, until one doesn't fit.
    fn list(&self, listing: &mut Listing<'_>) -> Result<(), Errno>;

    /// How many of the entries are directories, for the directory's link count.
    fn directories(&self) -> u32 {
        0
    }
}

/// A `readdir` under way.
pub struct Listing<'a> {
    position: &'a mut u64,
    into: &'a mut DirBuffer,
}

impl<'a> Listing<'a> {
    pub(super) fn new(position: &'a mut u64, into: &'a mut DirBuffer) -> Listing<'a> {
        Listing { position, into }
    }

    /// The smallest key of a dynamic entry that was not listed yet.
    pub fn next_key(&self) -> u64 {
        self.position.saturating_sub(DYNAMIC_BASE)
    }

    /// Adds a dynamic entry; keys must ascend. False when the buffer is full: stop then.
    pub fn add(&mut self, key: u64, number: u64, kind: FileKind, name: &[u8]) -> bool {
        self.push(DYNAMIC_BASE.saturating_add(key), number, kind, name)
    }

    fn push(&mut self, cookie: u64, number: u64, kind: FileKind, name: &[u8]) -> bool {
        let next = cookie.saturating_add(1);
        let fits = self.into.push(number, next, kind, name);
        if fits {
            *self.position = next;
        }
        fits
    }
}

#[derive(Default)]
struct Entries {
    by_name: BTreeMap<Name, u64>,
    by_cookie: BTreeMap<u64, (Name, Entry)>,
    last_cookie: u64,
}

/// A directory with fixed entries, and perhaps dynamic ones.
pub struct Directory {
    fixed: SpinLock<Entries>,
    dynamic: Once<Arc<dyn Dynamic>>,
    /// What may not be changed of the entries, whatever they say themselves.
    attributes: Fixed,
}

impl Directory {
    /// A directory without entries.
    pub fn new() -> Arc<Directory> {
        Directory::fixing(Fixed::Nothing)
    }

    /// A directory without entries in which, and below which, these attributes can't be changed.
    pub fn fixing(attributes: Fixed) -> Arc<Directory> {
        let entries = Entries { last_cookie: 1, ..Entries::default() };
        let fixed = SpinLock::new(&lock_classes::SYNTHETIC, entries);
        Arc::new(Directory { fixed, dynamic: Once::new(), attributes })
    }

    /// A directory with a dynamic part.
    pub fn dynamic(dynamic: Arc<dyn Dynamic>) -> Arc<Directory> {
        let directory = Directory::new();
        directory.set_dynamic(dynamic);
        directory
    }

    /// Gives the directory a dynamic part; the first one stays.
    pub fn set_dynamic(&self, dynamic: Arc<dyn Dynamic>) {
        drop(self.dynamic.set(dynamic));
    }

    /// Adds an entry, or replaces the one with this name.
    pub fn add(&self, name: &str, entry: Entry) {
        let name = Name::new(name.as_bytes());
        let replaced = {
            let mut entries = self.fixed.lock();
            let cookie = match entries.by_name.get(&name) {
                Some(cookie) => *cookie,
                None => {
                    entries.last_cookie += 1;
                    entries.last_cookie
                }
            };
            entries.by_name.insert(name.clone(), cookie);
            entries.by_cookie.insert(cookie, (name, entry))
        };
        drop(replaced);
    }

    /// Removes an entry.
    pub fn remove(&self, name: &str) {
        let removed = {
            let mut entries = self.fixed.lock();
            entries.by_name.remove(name.as_bytes()).and_then(|cookie| entries.by_cookie.remove(&cookie))
        };
        drop(removed);
    }

    /// The directory `name` below this one, made if there is none.
    pub fn subdirectory(&self, name: &str) -> Arc<Directory> {
        if let Some(Entry { node: Node::Directory(directory), .. }) = self.fixed_entry(name.as_bytes()) {
            return directory;
        }
        let directory = Directory::fixing(self.attributes);
        self.add(name, Entry::directory(directory.clone(), Mode(0o555)));
        directory
    }

    fn fixed_entry(&self, name: &[u8]) -> Option<Entry> {
        let entries = self.fixed.lock();
        let cookie = entries.by_name.get(name)?;
        entries.by_cookie.get(cookie).map(|(_, entry)| entry.clone())
    }

    pub(super) fn lookup(&self, name: &[u8]) -> Result<Entry, Errno> {
        let entry = match (self.fixed_entry(name), self.dynamic.get()) {
            (Some(entry), _) => entry,
            (None, Some(dynamic)) => dynamic.lookup(name)?.volatile(),
            (None, None) => return Err(Errno::ENOENT),
        };
        let fixed = entry.fixed.max(self.attributes);
        Ok(entry.fixed(fixed))
    }

    pub(super) fn list(&self, listing: &mut Listing<'_>) -> Result<(), Errno> {
        {
            let entries = self.fixed.lock();
            for (cookie, (name, entry)) in entries.by_cookie.range(*listing.position..) {
                if !listing.push(*cookie, entry.number, entry.kind(), name.bytes()) {
                    return Ok(());
                }
            }
        }
        if let Some(dynamic) = self.dynamic.get() {
            *listing.position = (*listing.position).max(DYNAMIC_BASE);
            dynamic.list(listing)?;
        }
        Ok(())
    }

    pub(super) fn link_count(&self) -> u32 {
        let entries = self.fixed.lock();
        let fixed = entries.by_cookie.values().filter(|(_, e)| e.kind() == FileKind::Directory).count();
        drop(entries);
        let dynamic = self.dynamic.get().map_or(0, |dynamic| dynamic.directories());
        2u32.saturating_add(u32::try_from(fixed).unwrap_or(u32::MAX)).saturating_add(dynamic)
    }
}
