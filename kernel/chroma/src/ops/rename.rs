//! `rename`.

use abi::Errno;
use abi::fs::RenameFlags;
use alloc::sync::Arc;

use super::{may_change, may_remove};
use crate::cred::Access;
use crate::dentry::{self, Dentry};
use crate::inode::{Inode, Rename};
use crate::mount::Path;
use crate::walk::{Entry, Last, View, WalkFlags, Walker, entry_of};

/// One end of a rename: a directory and what it has under a name.
struct End<'a> {
    directory: &'a Path,
    name: &'a [u8],
    slash: bool,
}

impl View<'_> {
    /// `renameat2`, with `to` walked from another view's start. Flags: `RENAME_NOREPLACE`, `RENAME_EXCHANGE`.
    pub fn rename(
        &self,
        from: &[u8],
        to_view: &View<'_>,
        to: &[u8],
        flags: RenameFlags,
    ) -> Result<(), Errno> {
        let known = RenameFlags::NOREPLACE | RenameFlags::EXCHANGE;
        if !known.contains(flags) || flags == known {
            return Err(Errno::EINVAL);
        }
        let mut old = Walker::new(self, from, WalkFlags::empty())?;
        let old_last = old.walk_to_last()?;
        let mut new = Walker::new(to_view, to, WalkFlags::empty())?;
        let new_last = new.walk_to_last()?;
        if !Arc::ptr_eq(&old.at.mount, &new.at.mount) {
            return Err(Errno::EXDEV);
        }
        let Last::Name(old_range) = old_last else { return Err(Errno::EBUSY) };
        let Last::Name(new_range) = new_last else {
            return Err(if flags.contains(RenameFlags::NOREPLACE) { Errno::EEXIST } else { Errno::EBUSY });
        };
        old.at.mount.check_writable()?;
        let old_end = End { directory: &old.at, name: old.name(&old_range), slash: old.trailing_slash() };
        let new_end = End { directory: &new.at, name: new.name(&new_range), slash: new.trailing_slash() };
        let released = {
            let _tree = old.at.mount.superblock().tree.write();
            self.rename_locked(&old_end, &new_end, flags)?
        };
        // The last reference to what was replaced frees its pages: not under the lock.
        drop(released);
        Ok(())
    }

    fn rename_locked(
        &self,
        old: &End<'_>,
        new: &End<'_>,
        flags: RenameFlags,
    ) -> Result<Option<Arc<Dentry>>, Errno> {
        let exchange = flags.contains(RenameFlags::EXCHANGE);
        let Entry::Taken(dentry, inode) = entry_of(&old.directory.dentry, old.name)? else {
            return Err(Errno::ENOENT);
        };
        let target = match entry_of(&new.directory.dentry, new.name)? {
            Entry::Taken(dentry, inode) => Some((dentry, inode)),
            Entry::Free => None,
        };
        if flags.contains(RenameFlags::NOREPLACE) && target.is_some() {
            return Err(Errno::EEXIST);
        }
        match &target {
            None if exchange => return Err(Errno::ENOENT),
            Some((_, inode)) if exchange && !inode.is_directory() && new.slash => return Err(Errno::ENOTDIR),
            _ => {}
        }
        if !inode.is_directory() && (old.slash || (!exchange && new.slash)) {
            return Err(Errno::ENOTDIR);
        }
        if new.directory.dentry.is_within(&dentry) {
            return Err(Errno::EINVAL);
        }
        if let Some((target, _)) = &target
            && old.directory.dentry.is_within(target)
        {
            return Err(if exchange { Errno::EINVAL } else { Errno::ENOTEMPTY });
        }
        if let Some((_, target)) = &target
            && Arc::ptr_eq(target, &inode)
        {
            return Ok(None);
        }
        self.check_rename(old, new, &inode, target.as_ref().map(|(_, inode)| inode), exchange)?;
        if dentry.is_mount_point() || target.as_ref().is_some_and(|(dentry, _)| dentry.is_mount_point()) {
            return Err(Errno::EBUSY);
        }
        let (old_dir, new_dir) = (old.directory.dentry.inode()?, new.directory.dentry.inode()?);
        old_dir.ops().rename(&Rename {
            old_dir,
            old_name: old.name,
            moved: &inode,
            new_dir,
            new_name: new.name,
            replaced: target.as_ref().map(|(_, inode)| inode),
            exchange,
        })?;
        let replaced = dentry::remove(&new.directory.dentry, new.name);
        dentry::move_to(&dentry, &new.directory.dentry, new.name);
        if let (true, Some((target, _))) = (exchange, &target) {
            dentry::move_to(target, &old.directory.dentry, old.name);
        }
        Ok(replaced)
    }

    fn check_rename(
        &self,
        old: &End<'_>,
        new: &End<'_>,
        moved: &Inode,
        target: Option<&Arc<Inode>>,
        exchange: bool,
    ) -> Result<(), Errno> {
        may_remove(self.cred, old.directory, moved, moved.is_directory())?;
        match target {
            None => may_change(self.cred, new.directory)?,
            Some(target) => {
                let as_directory = if exchange { target.is_directory() } else { moved.is_directory() };
                may_remove(self.cred, new.directory, target, as_directory)?;
            }
        }
        // A directory that gets another parent has its `..` changed.
        if !Arc::ptr_eq(&old.directory.dentry, &new.directory.dentry) {
            for directory in [Some(moved), target.filter(|_| exchange).map(|t| &**t)].into_iter().flatten() {
                if directory.is_directory() {
                    directory.permission(self.cred, Access::WRITE)?;
                }
            }
        }
        Ok(())
    }
}
