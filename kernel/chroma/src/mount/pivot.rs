//! What `pivot_root` does to a namespace. The caller has checked `CAP_SYS_ADMIN`.

use abi::Errno;
use alloc::sync::Arc;

use super::forest;
use super::{MountNamespace, Path, table};

/// What `pivot_root` exchanged: whoever has `old` as root or working directory gets `new`.
pub struct Pivoted {
    /// The former root.
    pub old: Path,
    /// The root now.
    pub new: Path,
}

impl MountNamespace {
    /// `pivot_root`: makes the mount at `new_root` the root and puts the former one, whose top is `root`, on `put_old`.
    /// `ENOENT` if one of both was removed; `EBUSY` if one is on the root's mount; `EINVAL` if a mount in which one of them
    /// sits is shared, and in all other cases. May sleep.
    pub fn pivot_root(
        self: &Arc<Self>,
        root: &Path,
        new_root: &Path,
        put_old: &Path,
    ) -> Result<Pivoted, Errno> {
        let mut guard = forest::lock();
        let forest = &mut *guard;
        let mut put_old = put_old.clone();
        super::cross(&mut put_old);
        if put_old.dentry.is_gone() {
            return Err(Errno::ENOENT);
        }
        if [root, new_root, &put_old].iter().any(|path| !self.contains(forest, &path.mount)) {
            return Err(Errno::EINVAL);
        }
        let (root_parent, new_parent) = (forest.parent(root.mount.id()), forest.parent(new_root.mount.id()));
        let shared = |id| forest.ties(id).shared;
        if shared(put_old.mount.id()) || new_parent.is_some_and(shared) || root_parent.is_some_and(shared) {
            return Err(Errno::EINVAL);
        }
        if new_root.dentry.is_gone() {
            return Err(Errno::ENOENT);
        }
        if Arc::ptr_eq(&new_root.mount, &root.mount) || Arc::ptr_eq(&put_old.mount, &root.mount) {
            return Err(Errno::EBUSY);
        }
        let root_on = root.mount.on().filter(|_| root.is_mount_root()).ok_or(Errno::EINVAL)?;
        if !new_root.is_mount_root() || new_root.mount.on().is_none() {
            return Err(Errno::EINVAL);
        }
        if !put_old.is_reachable_from(new_root) || !new_root.is_reachable_from(root) {
            return Err(Errno::EINVAL);
        }
        drop(table::detach(&new_root.mount));
        drop(table::detach(&root.mount));
        for (path, on) in [(root, put_old), (new_root, root_on)] {
            let (parent, covers) = (on.mount.id(), on.is_mount_root());
            table::attach(&path.mount, on);
            forest.unhang(path.mount.id());
            forest.hang(path.mount.id(), parent, covers);
        }
        Ok(Pivoted { old: root.clone(), new: new_root.clone() })
    }
}
