//! One name in one directory.

use abi::Errno;
use abi::fs::NAME_MAX;
use alloc::sync::Arc;

use crate::dentry::{self, Dentry, Name};
use crate::inode::Inode;

/// What a cached name takes, with the inode of a synthetic file behind it.
const NAME_BYTES: usize = 1024;
/// How many idle names go when there is no memory for another one.
const RECLAIMED: usize = 256;

/// The meaning of `name` in the directory `parent`, from the cache or the file system; may be a negative dentry.
/// `ENAMETOOLONG` for more than 255 bytes. Checks no permission. May sleep.
#[inline]
pub fn lookup_in(parent: &Arc<Dentry>, name: &[u8]) -> Result<Arc<Dentry>, Errno> {
    match dentry::lookup(parent, name) {
        Some(dentry) => Ok(dentry),
        None => look_it_up(parent, name),
    }
}

fn look_it_up(parent: &Arc<Dentry>, name: &[u8]) -> Result<Arc<Dentry>, Errno> {
    let directory = parent.inode()?;
    let _tree = directory.superblock().tree.read();
    if let Some(dentry) = dentry::find(parent, name) {
        return Ok(dentry);
    }
    match ask(parent, directory, name)? {
        Some((dentry, _)) => Ok(dentry),
        None => {
            let dentry = Dentry::child(parent, Name::new(name), None);
            let keep = directory.ops().caches_absence() && !parent.is_gone();
            Ok(if keep { dentry::insert(parent, name, dentry) } else { dentry })
        }
    }
}

/// A dentry that is not negative, and its inode.
type NameAndInode = (Arc<Dentry>, Arc<Inode>);

/// Asks the file system; the caller holds the tree lock.
fn ask(parent: &Arc<Dentry>, directory: &Arc<Inode>, name: &[u8]) -> Result<Option<NameAndInode>, Errno> {
    if name.len() > NAME_MAX {
        return Err(Errno::ENAMETOOLONG);
    }
    if aegis::charge::admit(NAME_BYTES).is_err() {
        // Idle names are what the kernel can best do without.
        dentry::shrink(RECLAIMED);
        chronos::reclaim();
        aegis::charge::admit(NAME_BYTES)?;
    }
    match directory.ops().lookup(directory, name) {
        Ok(found) => {
            let dentry = Dentry::child(parent, Name::new(name), Some(found.inode.clone()));
            let dentry = if found.keep { dentry::insert(parent, name, dentry) } else { dentry };
            Ok(Some((dentry, found.inode)))
        }
        Err(Errno::ENOENT) if !directory.ops().refuses_new_names(directory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What an operation that changes a directory found under a name.
pub(crate) enum Entry {
    /// Something is there.
    Taken(Arc<Dentry>, Arc<Inode>),
    /// The name is free.
    Free,
}

/// As [`lookup_in`] for a caller that holds the tree lock for writing. Leaves no new negative dentry behind.
pub(crate) fn entry_of(parent: &Arc<Dentry>, name: &[u8]) -> Result<Entry, Errno> {
    let found = match dentry::find(parent, name) {
        Some(dentry) => dentry.inode().cloned().ok().map(|inode| (dentry, inode)),
        None => ask(parent, parent.inode()?, name)?,
    };
    Ok(found.map_or(Entry::Free, |(dentry, inode)| Entry::Taken(dentry, inode)))
}
