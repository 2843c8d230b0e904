//! The entries of a directory that lives in memory: by name, and by cookie for `readdir`.

use abi::Errno;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use hal::SpinLock;

use crate::dentry::Name;
use crate::inode::Inode;
use crate::listing::{DirBuffer, DirPosition};
use crate::lock_classes;

/// Offsets 0 and 1 are `.` and `..`.
const FIRST_OFFSET: u64 = 2;
/// The lowest cookie; a listing whose cursor is lower has ended.
const FIRST_COOKIE: u64 = 1;

/// What is in a directory. Each entry has a cookie, the newest the highest; a listing goes from the newest to the oldest and
/// remembers the cookie of the entry that comes next, so additions and removals disturb no listing under way. The offset
/// that user space sees counts entries: seeking to one counts again, as Linux 6.1 does in its file systems in memory.
pub struct Entries {
    by_name: BTreeMap<Name, u64>,
    by_cookie: BTreeMap<u64, (Name, Arc<Inode>)>,
    next_cookie: u64,
}

impl Default for Entries {
    fn default() -> Entries {
        Entries::new()
    }
}

impl Entries {
    /// None yet, for a directory to change with the tree lock held.
    pub fn locked() -> SpinLock<Entries> {
        SpinLock::new(&lock_classes::ENTRIES, Entries::new())
    }

    /// None.
    pub const fn new() -> Entries {
        Entries { by_name: BTreeMap::new(), by_cookie: BTreeMap::new(), next_cookie: FIRST_COOKIE }
    }

    /// The inode of a name.
    pub fn find(&self, name: &[u8]) -> Option<Arc<Inode>> {
        let cookie = self.by_name.get(name)?;
        self.by_cookie.get(cookie).map(|(_, inode)| inode.clone())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Adds an entry; the name is free.
    pub fn insert(&mut self, name: &[u8], inode: Arc<Inode>) {
        let (name, cookie) = (Name::new(name), self.next_cookie);
        self.next_cookie += 1;
        self.by_name.insert(name.clone(), cookie);
        self.by_cookie.insert(cookie, (name, inode));
    }

    /// Removes an entry; the caller drops the inode outside of its lock. `ENOENT`.
    pub fn remove(&mut self, name: &[u8]) -> Result<Arc<Inode>, Errno> {
        let cookie = self.by_name.remove(name).ok_or(Errno::ENOENT)?;
        self.by_cookie.remove(&cookie).map(|(_, inode)| inode).ok_or(Errno::ENOENT)
    }

    /// Gives a name another inode, as its newest entry; the caller drops the old one outside of the lock.
    pub fn replace(&mut self, name: &[u8], inode: Arc<Inode>) -> Result<Arc<Inode>, Errno> {
        let old = self.remove(name)?;
        self.insert(name, inode);
        Ok(old)
    }

    /// Lists those from a position on, as far as they fit.
    pub fn list(&self, at: &mut DirPosition, into: &mut DirBuffer) {
        let from = if at.offset == FIRST_OFFSET { u64::MAX } else { at.cursor };
        for (cookie, (name, inode)) in self.by_cookie.range(..=from).rev() {
            at.cursor = *cookie;
            if !into.push(inode.number(), at.offset + 1, inode.kind(), name.bytes()) {
                return;
            }
            at.offset += 1;
        }
        at.cursor = 0;
    }

    /// The cursor of an offset: behind as many entries as it counts.
    pub fn seek(&self, offset: u64) -> u64 {
        let skipped = offset.checked_sub(FIRST_OFFSET + 1).and_then(|index| usize::try_from(index).ok());
        let last = skipped.and_then(|index| self.by_cookie.keys().rev().nth(index));
        last.map_or(0, |cookie| cookie - 1)
    }

    /// Takes all inodes out.
    pub fn take_all(&mut self) -> impl Iterator<Item = Arc<Inode>> + use<> {
        self.by_name.clear();
        core::mem::take(&mut self.by_cookie).into_values().map(|(_, inode)| inode)
    }
}
