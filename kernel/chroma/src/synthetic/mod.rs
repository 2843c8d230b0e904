//! The framework for file systems whose content is made on demand: procfs, sysfs.
//!
//! Whoever owns the data registers nodes: a [`Directory`] has fixed entries, and may have a [`Dynamic`] part whose entries
//! come and go by themselves (processes). A file is a [`Content`]: its text is generated when it is read from the start, and
//! stays the same while it is read on, so that a reader never sees half of one state and half of another.

mod directory;
mod file;
mod node;
#[cfg(test)]
mod tests;

use abi::Errno;
use abi::Mode;
use abi::fs::MountFlags;
use abi::stat::Statfs;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

use crate::dentry::Dentry;
use crate::inode::{FileSystem, SuperBlock};
use crate::mount::Mount;

pub use directory::{Directory, Dynamic, Listing};
pub use file::{Content, Text, from_fn};
pub use node::{Entry, Fixed, Follow, Node};

/// A file system of generated files.
struct SyntheticFs {
    magic: i64,
}

impl FileSystem for SyntheticFs {
    fn statfs(&self) -> Statfs {
        Statfs { f_type: self.magic, f_bsize: 4096, f_namelen: 255, f_frsize: 4096, ..Statfs::default() }
    }
}

/// Makes a file system named `kind` (in `/proc/mounts`) whose root is `root`; gives the dentry to mount.
pub fn file_system(kind: &'static str, magic: i64, root: Arc<Directory>) -> Arc<Dentry> {
    let superblock = SuperBlock::new(kind, Box::new(SyntheticFs { magic }));
    let number = superblock.next_inode_number();
    let entry = Entry::directory(root, Mode(0o555)).numbered(number);
    Dentry::root(entry.into_inode(&superblock))
}

/// A mount of [`file_system`], attached nowhere.
pub fn mount(kind: &'static str, magic: i64, root: Arc<Directory>) -> Result<Arc<Mount>, Errno> {
    Mount::new(file_system(kind, magic, root), kind, MountFlags::empty())
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("mode", &self.mode)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}
