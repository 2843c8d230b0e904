//! Taking names away: `unlink` and `rmdir`.

use abi::Errno;
use abi::inotify::InotifyMask;

use super::may_remove;
use crate::dentry;
use crate::notify;
use crate::walk::{Entry, Last, View, WalkFlags, Walker, entry_of};

impl View<'_> {
    /// `unlink`: `EISDIR` for directories.
    pub fn unlink(&self, name: &[u8]) -> Result<(), Errno> {
        let mut walker = Walker::new(self, name, WalkFlags::empty())?;
        let Last::Name(range) = walker.walk_to_last()? else { return Err(Errno::EISDIR) };
        let directory = &walker.at;
        let name = walker.name(&range);
        directory.mount.check_writable()?;
        let removed = {
            let _tree = directory.mount.superblock().tree.write();
            let Entry::Taken(dentry, inode) = entry_of(&directory.dentry, name)? else {
                return Err(Errno::ENOENT);
            };
            if walker.trailing_slash() {
                return Err(if inode.is_directory() { Errno::EISDIR } else { Errno::ENOTDIR });
            }
            may_remove(self.cred, directory, &inode, false)?;
            if dentry.is_mount_point() {
                return Err(Errno::EBUSY);
            }
            let parent = directory.dentry.inode()?;
            parent.ops().unlink(parent, name, &inode)?;
            (dentry::remove(&directory.dentry, name), dentry, inode)
        };
        notify::inode(&removed.2, InotifyMask::ATTRIB);
        // The last reference frees the file's pages: not under the lock.
        drop(removed);
        notify::name(directory.dentry.inode()?, InotifyMask::DELETE, name, false);
        Ok(())
    }

    /// `rmdir`: `ENOTEMPTY` for what is not empty (and a path that ends in `..`), `EINVAL` for `.`, `EBUSY` for roots and
    /// mount points.
    pub fn rmdir(&self, name: &[u8]) -> Result<(), Errno> {
        let mut walker = Walker::new(self, name, WalkFlags::empty())?;
        let range = match walker.walk_to_last()? {
            Last::Name(range) => range,
            Last::DotDot => return Err(Errno::ENOTEMPTY),
            Last::Dot => return Err(Errno::EINVAL),
            Last::Root => return Err(Errno::EBUSY),
        };
        let directory = &walker.at;
        let name = walker.name(&range);
        directory.mount.check_writable()?;
        let removed = {
            let _tree = directory.mount.superblock().tree.write();
            let Entry::Taken(dentry, inode) = entry_of(&directory.dentry, name)? else {
                return Err(Errno::ENOENT);
            };
            may_remove(self.cred, directory, &inode, true)?;
            if dentry.is_mount_point() {
                return Err(Errno::EBUSY);
            }
            let parent = directory.dentry.inode()?;
            parent.ops().rmdir(parent, name, &inode)?;
            let removed = dentry::remove(&directory.dentry, name);
            dentry::forget_absent(&dentry, 2);
            (removed, dentry, inode)
        };
        drop(removed);
        notify::name(directory.dentry.inode()?, InotifyMask::DELETE, name, true);
        Ok(())
    }
}
