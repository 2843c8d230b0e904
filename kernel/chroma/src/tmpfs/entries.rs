//! The entries of a directory: by name, and by cookie for `readdir`.

use abi::Errno;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use crate::dentry::Name;
use crate::file::DirBuffer;
use crate::inode::Inode;

/// Positions 0 and 1 are `.` and `..`.
const FIRST_COOKIE: u64 = 2;

/// What is in a directory. A cookie is never used twice, so additions and removals disturb no `readdir` under way.
pub(super) struct Entries {
    by_name: BTreeMap<Name, u64>,
    by_cookie: BTreeMap<u64, (Name, Arc<Inode>)>,
    next_cookie: u64,
}

impl Entries {
    pub(super) const fn new() -> Entries {
        Entries { by_name: BTreeMap::new(), by_cookie: BTreeMap::new(), next_cookie: FIRST_COOKIE }
    }

    pub(super) fn find(&self, name: &[u8]) -> Option<Arc<Inode>> {
        let cookie = self.by_name.get(name)?;
        self.by_cookie.get(cookie).map(|(_, inode)| inode.clone())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Adds an entry; the name is free.
    pub(super) fn insert(&mut self, name: &[u8], inode: Arc<Inode>) {
        let (name, cookie) = (Name::new(name), self.next_cookie);
        self.next_cookie += 1;
        self.by_name.insert(name.clone(), cookie);
        self.by_cookie.insert(cookie, (name, inode));
    }

    /// Removes an entry; the caller drops the inode outside of the lock.
    pub(super) fn remove(&mut self, name: &[u8]) -> Result<Arc<Inode>, Errno> {
        let cookie = self.by_name.remove(name).ok_or(Errno::ENOENT)?;
        self.by_cookie.remove(&cookie).map(|(_, inode)| inode).ok_or(Errno::ENOENT)
    }

    /// Gives a name another inode; the entry keeps its cookie.
    pub(super) fn replace(&mut self, name: &[u8], inode: Arc<Inode>) -> Option<Arc<Inode>> {
        let cookie = self.by_name.get(name)?;
        let (_, place) = self.by_cookie.get_mut(cookie)?;
        Some(core::mem::replace(place, inode))
    }

    pub(super) fn list(&self, position: &mut u64, into: &mut DirBuffer) {
        for (cookie, (name, inode)) in self.by_cookie.range(*position..) {
            if !into.push(inode.number(), cookie + 1, inode.kind(), name.bytes()) {
                return;
            }
            *position = cookie + 1;
        }
    }

    /// Takes all inodes out.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Arc<Inode>> + use<> {
        self.by_name.clear();
        core::mem::take(&mut self.by_cookie).into_values().map(|(_, inode)| inode)
    }
}
