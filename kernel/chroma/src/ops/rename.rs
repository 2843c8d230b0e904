//! `rename`.

use abi::Errno;
use abi::fs::RenameFlags;
use alloc::sync::Arc;

use super::{may_change, may_remove};
use crate::cred::Access;
use crate::dentry::{self, Dentry};
use crate::inode::{Inode, Rename};
use crate::mount::Path;
use crate::notify::{self, Place};
use crate::walk::{Entry, Last, View, WalkFlags, Walker, entry_of};

/// One end of a rename: a directory and what it has under a name.
struct End<'a> {
    directory: &'a Path,
    name: &'a [u8],
    slash: bool,
}

/// What a rename has done.
struct Renamed {
    moved: Arc<Inode>,
    /// What got the old name in exchange.
    exchanged: Option<Arc<Inode>>,
    /// What lost the new name.
    replaced: Option<Arc<Inode>>,
    _dentry: Option<Arc<Dentry>>,
}

impl Renamed {
    /// Tells watchers.
    fn tell(&self, old: &End<'_>, new: &End<'_>) -> Result<(), Errno> {
        let old = Place { directory: old.directory.dentry.inode()?, name: old.name };
        let new = Place { directory: new.directory.dentry.inode()?, name: new.name };
        notify::moved(&old, &new, &self.moved, self.replaced.as_deref());
        if let Some(exchanged) = &self.exchanged {
            notify::moved(&new, &old, exchanged, None);
        }
        Ok(())
    }
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
        let renamed = {
            let _tree = old.at.mount.superblock().tree.write();
            self.rename_locked(&old_end, &new_end, flags)?
        };
        if let Some(renamed) = renamed {
            renamed.tell(&old_end, &new_end)?;
            // The last reference to what was replaced frees its pages: not under the lock.
            drop(renamed);
        }
        Ok(())
    }

    fn rename_locked(
        &self,
        old: &End<'_>,
        new: &End<'_>,
        flags: RenameFlags,
    ) -> Result<Option<Renamed>, Errno> {
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
        match &target {
            Some((target, _)) if exchange => dentry::move_to(target, &old.directory.dentry, old.name),
            Some((target, _)) => dentry::forget_absent(target, 2),
            None => {}
        }
        let (exchanged, replaced_inode) = match target {
            Some((_, inode)) if exchange => (Some(inode), None),
            other => (None, other.map(|(_, inode)| inode)),
        };
        Ok(Some(Renamed { moved: inode, exchanged, replaced: replaced_inode, _dentry: replaced }))
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
