//! What `mount` does to a namespace. The caller has checked `CAP_SYS_ADMIN`.

use abi::Errno;
use abi::fs::MountFlags;
use alloc::sync::Arc;

use super::copy::{Which, copy_one, copy_tree, discard};
pub use super::forest::Kind;
use super::forest::{self, Copying, Forest, Id};
use super::graft::{Origin, graft};
use super::{Mount, MountNamespace, Path};
use crate::dentry::Dentry;

/// Keeps a dentry from being removed: something is about to be mounted on it.
struct Kept(Arc<Dentry>);

impl Kept {
    /// `ENOENT`: it has been removed.
    fn new(dentry: &Arc<Dentry>) -> Result<Kept, Errno> {
        // Whoever removes it looks under this lock whether it is a mount point.
        let _tree = dentry.inode()?.superblock().tree.read();
        if dentry.is_gone() {
            return Err(Errno::ENOENT);
        }
        dentry.add_mount();
        Ok(Kept(dentry.clone()))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.remove_mount();
    }
}

/// The top of what `at` shows, to mount something on. `ENOENT`: it has been removed.
fn place_at(at: &Path) -> Result<(Path, Kept), Errno> {
    let mut at = at.clone();
    loop {
        let kept = Kept::new(&at.dentry)?;
        let bare = at.clone();
        super::cross(&mut at);
        if at.is(&bare) {
            return Ok((at, kept));
        }
    }
}

fn are_both_directories(place: &Path, root: &Dentry) -> Result<bool, Errno> {
    Ok(place.dentry.inode()?.is_directory() == root.inode()?.is_directory())
}

impl MountNamespace {
    /// Attaches `mount`, and copies of it where that propagates to, on top of what `at` shows. `ENOENT` if `at` was removed,
    /// `EINVAL` if it is not in this namespace, `EBUSY` if the same tree sits right there already, `ENOTDIR` if only one of
    /// both is a directory, `ENOSPC` if there would be too many mounts, `ENOMEM`. May sleep.
    pub fn attach(self: &Arc<Self>, mount: Arc<Mount>, at: &Path) -> Result<(), Errno> {
        let mut guard = forest::lock();
        let forest = &mut *guard;
        let (at, _kept) = place_at(at)?;
        if !self.contains(forest, &at.mount) {
            return Err(Errno::EINVAL);
        }
        if at.is_mount_root() && Arc::ptr_eq(&at.dentry, mount.root()) {
            return Err(Errno::EBUSY);
        }
        if !are_both_directories(&at, mount.root())? {
            return Err(Errno::ENOTDIR);
        }
        forest.enrol(&mount);
        graft_or_discard(forest, &mount, at)
    }

    /// `MS_BIND`: shows what is at `from` also at `at`; with `recursive` the mounts below as well. `EINVAL` if one of them
    /// is not in this namespace, or `from` is unbindable; else as [`MountNamespace::attach`]. May sleep.
    pub fn bind(self: &Arc<Self>, from: &Path, at: &Path, recursive: bool) -> Result<(), Errno> {
        let mut guard = forest::lock();
        let forest = &mut *guard;
        let (at, _kept) = place_at(at)?;
        let are_ours = self.contains(forest, &at.mount) && self.contains(forest, &from.mount);
        if !are_ours || forest.ties(from.mount.id()).unbindable {
            return Err(Errno::EINVAL);
        }
        let copying = Copying::Alike;
        let copy = match recursive {
            true => copy_tree(forest, &from.mount, &from.dentry, copying, Which::Bindable)?,
            false => copy_one(forest, &from.mount, &from.dentry, copying)?,
        };
        match are_both_directories(&at, copy.root()) {
            Ok(true) => graft_or_discard(forest, &copy, at),
            refused => {
                discard(forest, &copy);
                refused.and(Err(Errno::ENOTDIR))
            }
        }
    }

    /// `MS_MOVE`: moves the mount whose top is `from`, and copies it where that propagates to. `EINVAL` if it is neither one
    /// with a parent nor a detached tree's, one of both is not in this namespace, only one is a directory, the parent is
    /// shared, or the new parent is and something is unbindable; `ELOOP` into itself; else as [`MountNamespace::attach`].
    /// May sleep.
    pub fn move_mount(self: &Arc<Self>, from: &Path, at: &Path) -> Result<(), Errno> {
        let mut guard = forest::lock();
        let forest = &mut *guard;
        let (at, _kept) = place_at(at)?;
        let id = from.mount.id();
        let parent = forest.parent(id);
        let are_ours = self.contains(forest, &at.mount) && self.may_change(forest, &from.mount);
        if !are_ours || !from.is_mount_root() || !are_both_directories(&at, &from.dentry)? {
            return Err(Errno::EINVAL);
        }
        let is_bindable = || forest.tree(id).all(|id| !forest.ties(id).unbindable);
        if parent.is_some_and(|parent| forest.ties(parent).shared)
            || (forest.ties(at.mount.id()).shared && !is_bindable())
        {
            return Err(Errno::EINVAL);
        }
        if forest.is_below(at.mount.id(), id) {
            return Err(Errno::ELOOP);
        }
        graft(forest, &from.mount, at, if parent.is_some() { Origin::Moved } else { Origin::New })
    }

    /// `MS_SHARED` and its like: changes how the mount whose top is `at` is tied to others; with `recursive` all below it
    /// as well. `EINVAL` if it is none, or detached; `ENOMEM`, and nothing has changed then. May sleep.
    pub fn change_kind(at: &Path, kind: Kind, recursive: bool) -> Result<(), Errno> {
        let mut guard = forest::lock();
        let forest = &mut *guard;
        let top = at.mount.id();
        if !at.is_mount_root() || forest.namespace(top).is_none() {
            return Err(Errno::EINVAL);
        }
        let after = |forest: &Forest, id: Id| if recursive { forest.next(id, top) } else { None };
        if kind == Kind::Shared {
            if recursive { forest.invent_groups(top)? } else { forest.invent_group(top)? }
        }
        let mut next = Some(top);
        while let Some(id) = next {
            forest.make(id, kind);
            next = after(forest, id);
        }
        Ok(())
    }

    /// `MS_REMOUNT|MS_BIND`: changes the flags of the mount whose top is `at` (`EINVAL` if it is none; `EBUSY` if it is to be
    /// read-only, and a file is open for writing).
    pub fn remount_bind(self: &Arc<Self>, at: &Path, flags: MountFlags) -> Result<(), Errno> {
        let forest = forest::lock();
        self.check_mount_root(&forest, at)?;
        at.mount.change_flags(flags)
    }

    /// `MS_REMOUNT`: changes flags of mount and file system, and the file system's options. Errors as of
    /// [`MountNamespace::remount_bind`], and the file system's.
    pub fn remount(self: &Arc<Self>, at: &Path, flags: MountFlags, options: &[u8]) -> Result<(), Errno> {
        let forest = forest::lock();
        self.check_mount_root(&forest, at)?;
        let change = || at.mount.superblock().ops.remount(options).map_err(|refusal| refusal.errno);
        at.mount.superblock().change(Some(flags.contains(MountFlags::RDONLY)), change)?;
        at.mount.set_flags(flags);
        Ok(())
    }

    pub(super) fn check_mount_root(self: &Arc<Self>, forest: &Forest, at: &Path) -> Result<(), Errno> {
        if at.is_mount_root() && self.contains(forest, &at.mount) { Ok(()) } else { Err(Errno::EINVAL) }
    }
}

fn graft_or_discard(forest: &mut Forest, tree: &Arc<Mount>, at: Path) -> Result<(), Errno> {
    let grafted = graft(forest, tree, at, Origin::New);
    if grafted.is_err() {
        discard(forest, tree);
    }
    grafted
}
