//! Directories.

use abi::Errno;
use alloc::collections::LinkedList;
use alloc::sync::Arc;
use hal::SpinLock;

use super::node::TmpNode;
use crate::entries::Entries;
use crate::inode::{Found, Inode, NewNode, Rename, now};
use crate::listing::{DirBuffer, DirPosition};

/// What a directory's size grows by for each entry (Linux's `BOGO_DIRENT_SIZE`).
const ENTRY_SIZE: u64 = 20;
/// The size of an empty directory: `.` and `..`.
pub(super) const EMPTY_SIZE: u64 = 2 * ENTRY_SIZE;

pub(super) struct Directory {
    entries: SpinLock<Entries>,
}

impl Directory {
    pub(super) fn new() -> Directory {
        Directory { entries: Entries::locked() }
    }

    /// The directory behind an inode; `ENOTDIR` if it is none of a tmpfs.
    fn of(inode: &Inode) -> Result<&Directory, Errno> {
        match inode.ops_as::<TmpNode>() {
            Some(TmpNode { directory: Some(directory), .. }) => Ok(directory),
            _ => Err(Errno::ENOTDIR),
        }
    }

    pub(super) fn lookup(&self, name: &[u8]) -> Result<Found, Errno> {
        self.entries.lock().find(name).map(|inode| Found { inode, keep: true }).ok_or(Errno::ENOENT)
    }

    pub(super) fn list(&self, at: &mut DirPosition, into: &mut DirBuffer) {
        self.entries.lock().list(at, into);
    }

    pub(super) fn seek(&self, offset: u64) -> u64 {
        self.entries.lock().seek(offset)
    }

    pub(super) fn create(
        &self,
        dir: &Arc<Inode>,
        name: &[u8],
        node: &NewNode<'_>,
    ) -> Result<Arc<Inode>, Errno> {
        let inode = super::node::new_inode(dir, node)?;
        self.entries.lock().insert(name, inode.clone());
        grown(dir, inode.is_directory());
        Ok(inode)
    }

    pub(super) fn link(&self, dir: &Arc<Inode>, name: &[u8], inode: &Arc<Inode>) -> Result<(), Errno> {
        let now = now();
        inode.change_attributes(|a| {
            a.nlink = a.nlink.checked_add(1).ok_or(Errno::EMLINK)?;
            a.ctime = now;
            Ok(())
        })?;
        self.entries.lock().insert(name, inode.clone());
        grown(dir, false);
        Ok(())
    }

    pub(super) fn unlink(&self, dir: &Arc<Inode>, name: &[u8], inode: &Inode) -> Result<(), Errno> {
        let removed = self.entries.lock().remove(name)?;
        unlinked(inode);
        shrunk(dir, false);
        drop(removed);
        Ok(())
    }

    pub(super) fn rmdir(&self, dir: &Arc<Inode>, name: &[u8], inode: &Inode) -> Result<(), Errno> {
        if !Directory::of(inode)?.entries.lock().is_empty() {
            return Err(Errno::ENOTEMPTY);
        }
        let removed = self.entries.lock().remove(name)?;
        unlinked(inode);
        shrunk(dir, true);
        drop(removed);
        Ok(())
    }
}

/// Notes a new entry in a directory's attributes.
fn grown(dir: &Inode, by_directory: bool) {
    let now = now();
    dir.change_attributes(|a| {
        a.size += ENTRY_SIZE;
        a.nlink += u32::from(by_directory);
        (a.mtime, a.ctime) = (now, now);
    });
}

/// Notes the loss of an entry.
fn shrunk(dir: &Inode, by_directory: bool) {
    let now = now();
    dir.change_attributes(|a| {
        a.size = a.size.saturating_sub(ENTRY_SIZE);
        a.nlink -= u32::from(by_directory);
        (a.mtime, a.ctime) = (now, now);
    });
}

/// Takes a link from an inode; a directory loses its own `.` too.
fn unlinked(inode: &Inode) {
    let now = now();
    inode.change_attributes(|a| {
        a.nlink = if inode.is_directory() { 0 } else { a.nlink.saturating_sub(1) };
        a.ctime = now;
    });
}

pub(super) fn rename(rename: &Rename<'_>) -> Result<(), Errno> {
    let (old, new) = (Directory::of(rename.old_dir)?, Directory::of(rename.new_dir)?);
    if let Some(replaced) = rename.replaced {
        if rename.exchange {
            return exchange(rename, old, new, replaced);
        }
        if replaced.is_directory() && !Directory::of(replaced)?.entries.lock().is_empty() {
            return Err(Errno::ENOTEMPTY);
        }
    }
    let moved = old.entries.lock().remove(rename.old_name)?;
    shrunk(rename.old_dir, moved.is_directory());
    rename.moved.touch_changed();
    let replaced = {
        let mut entries = new.entries.lock();
        let replaced = entries.remove(rename.new_name).ok();
        entries.insert(rename.new_name, moved);
        replaced
    };
    if let Some(replaced) = replaced {
        unlinked(&replaced);
        shrunk(rename.new_dir, replaced.is_directory());
    }
    grown(rename.new_dir, rename.moved.is_directory());
    Ok(())
}

fn exchange(
    rename: &Rename<'_>,
    old: &Directory,
    new: &Directory,
    replaced: &Arc<Inode>,
) -> Result<(), Errno> {
    // Both names become the newest of their directories, as on Linux.
    let out = old.entries.lock().replace(rename.old_name, replaced.clone())?;
    drop(out);
    let out = new.entries.lock().replace(rename.new_name, rename.moved.clone())?;
    drop(out);
    let (to_old, to_new) = (replaced.is_directory(), rename.moved.is_directory());
    let now = now();
    let update = |dir: &Inode, gained: bool, lost: bool| {
        dir.change_attributes(|a| {
            a.nlink = a.nlink + u32::from(gained) - u32::from(lost);
            (a.mtime, a.ctime) = (now, now);
        });
    };
    update(rename.old_dir, to_old, to_new);
    update(rename.new_dir, to_new, to_old);
    rename.moved.touch_changed();
    replaced.touch_changed();
    Ok(())
}

impl Drop for Directory {
    fn drop(&mut self) {
        // A whole tree goes here when its file system does: level by level, as it may be deeper than any stack. Those that wait
        // stand in a list, which takes no large piece of memory: this cannot fail, and there may be very many.
        let mut doomed: LinkedList<Arc<Inode>> =
            self.entries.get_mut().take_all().filter(|inode| inode.is_directory()).collect();
        while let Some(inode) = doomed.pop_back() {
            let Some(inode) = Arc::into_inner(inode) else { continue };
            if let Ok(directory) = Directory::of(&inode) {
                let entries = directory.entries.lock().take_all();
                doomed.extend(entries.filter(|inode| inode.is_directory()));
            }
        }
    }
}
