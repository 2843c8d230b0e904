//! `link` and `readlink`.

use abi::Errno;
use abi::inotify::InotifyMask;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{may_change, touch_accessed};
use crate::dentry::{self, Dentry, Name};
use crate::inode::FileKind;
use crate::mount::Path;
use crate::walk::{Entry, Last, View, WalkFlags, Walker, entry_of};
use crate::{notify, protect};

/// What a name takes in the directory and in the cache.
const LINK_BYTES: usize = 1024;

impl View<'_> {
    /// `linkat`: gives what is at `from` one more name. `EXDEV` across mounts, `EPERM` for directories, `ENOENT` for a file
    /// whose last name is gone.
    pub fn link(&self, from: &Path, name: &[u8]) -> Result<(), Errno> {
        let mut walker = Walker::new(self, name, WalkFlags::empty())?;
        let Last::Name(range) = walker.walk_to_last()? else { return Err(Errno::EEXIST) };
        let directory = &walker.at;
        let name = walker.name(&range);
        let inode = from.dentry.inode()?;
        let tree = directory.mount.superblock().tree.write();
        if let Entry::Taken(..) = entry_of(&directory.dentry, name)? {
            return Err(Errno::EEXIST);
        }
        if walker.trailing_slash() {
            return Err(Errno::ENOENT);
        }
        directory.mount.check_writable()?;
        if !Arc::ptr_eq(&from.mount, &directory.mount) {
            return Err(Errno::EXDEV);
        }
        protect::may_link(self.cred, inode)?;
        may_change(self.cred, directory)?;
        if inode.is_directory() {
            return Err(Errno::EPERM);
        }
        let parent = directory.dentry.inode()?;
        if !Arc::ptr_eq(parent.superblock(), inode.superblock()) {
            return Err(Errno::EXDEV);
        }
        aegis::charge::admit(LINK_BYTES)?;
        parent.ops().link(parent, name, inode)?;
        let dentry = Dentry::child(&directory.dentry, Name::new(name), Some(inode.clone()));
        dentry::replace_name(&directory.dentry, name, dentry);
        drop(tree);
        notify::inode(inode, InotifyMask::ATTRIB);
        notify::name(parent, InotifyMask::CREATE, name, false);
        Ok(())
    }

    /// `readlinkat`: the text of the link at `name` (with `WalkFlags::EMPTY`, of the starting point). `EINVAL` for what is
    /// no symbolic link, `ENOENT` for an empty name that means something else.
    pub fn readlink(&self, name: &[u8], flags: WalkFlags) -> Result<Vec<u8>, Errno> {
        let path = self.resolve(name, flags)?;
        let inode = path.dentry.inode()?;
        if inode.kind() != FileKind::Symlink {
            return Err(if name.is_empty() { Errno::ENOENT } else { Errno::EINVAL });
        }
        touch_accessed(&path.mount, inode);
        if let Some(target) = inode.ops().follow(inode, self.cred)? {
            return Ok(target.show(&self.root));
        }
        inode.ops().readlink(inode)
    }
}
