//! The operations on names and inodes, as methods of [`View`]: what the system calls of the file family call.
//!
//! Order of checks and errors are those of Linux 6.1. Every operation that changes a directory takes the tree lock of its
//! file system for writing once it knows the directory, and looks the name up again under it.

mod access;
mod create;
mod link;
mod metadata;
mod named;
mod open;
mod remove;
mod rename;
mod statfs;
#[cfg(test)]
mod tests;
mod times;
mod xattr;

use abi::Errno;
use abi::fs::MountFlags;
use alloc::sync::Arc;

use crate::cred::{Access, Cred};
use crate::inode::{FileKind, Inode};
use crate::mount::{Mount, Path};

pub use access::access;
pub use create::Node;
pub use metadata::{chmod, chown, drop_privileges_of_written, truncate, truncate_inode};
pub use named::find_or_make;
pub use open::{OpenRequest, open_detached, open_path_file};
pub use statfs::statfs;
pub use times::{NewTime, set_times, touch_accessed};
pub use xattr::{get_xattr, list_xattr, remove_xattr, set_xattr};

/// Whether a name may be added to or removed from `directory`: `EACCES`, or `ENOENT` if it was removed itself.
fn may_change(cred: &Cred, directory: &Path) -> Result<(), Errno> {
    let inode = directory.dentry.inode()?;
    inode.permission(cred, Access::WRITE | Access::EXECUTE)?;
    if inode.read_attributes(|a| a.nlink) == 0 { Err(Errno::ENOENT) } else { Ok(()) }
}

/// Whether `victim` may be taken out of `directory`: `EACCES`, `EPERM` (sticky), `ENOTDIR`, `EISDIR`.
fn may_remove(cred: &Cred, directory: &Path, victim: &Inode, as_directory: bool) -> Result<(), Errno> {
    use abi::stat::S_ISVTX;
    let inode = directory.dentry.inode()?;
    inode.permission(cred, Access::WRITE | Access::EXECUTE)?;
    let (mode, dir_uid) = inode.read_attributes(|a| (a.mode, a.uid));
    if mode.0 & S_ISVTX != 0 && cred.fsuid != dir_uid && !cred.owns(victim.read_attributes(|a| a.uid)) {
        return Err(Errno::EPERM);
    }
    match (as_directory, victim.is_directory()) {
        (true, false) => Err(Errno::ENOTDIR),
        (false, true) => Err(Errno::EISDIR),
        _ => Ok(()),
    }
}

/// Checks access to a file through a mount: mode bits, and `EROFS` for writing to what lives on a read-only file system.
fn check_access(cred: &Cred, mount: &Arc<Mount>, inode: &Inode, access: Access) -> Result<(), Errno> {
    let lives_there = matches!(inode.kind(), FileKind::Regular | FileKind::Directory | FileKind::Symlink);
    if access.contains(Access::WRITE) && lives_there {
        mount.check_writable()?;
    }
    inode.permission(cred, access)
}

/// Whether a program may be run from this mount.
pub fn may_execute(mount: &Mount) -> bool {
    !mount.flags().contains(MountFlags::NOEXEC) && mount.superblock().ops.has_programs()
}
