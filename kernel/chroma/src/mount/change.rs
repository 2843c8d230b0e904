//! What `mount`, `umount2` and `pivot_root` do to a namespace. The caller has checked `CAP_SYS_ADMIN`.

use abi::Errno;
use abi::fs::MountFlags;
pub use abi::fs::UmountFlags;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chronos::Mutex;

use super::{Mount, MountNamespace, Path, table};
use crate::lock_classes;

/// Serialises all changes of mount tables.
static CHANGES: Mutex<()> = Mutex::new(&lock_classes::MOUNT_CHANGE, ());

/// What `pivot_root` exchanged: whoever has `old` as root or working directory gets `new`.
pub struct Pivoted {
    /// The former root.
    pub old: Path,
    /// The root now.
    pub new: Path,
}

impl MountNamespace {
    /// Attaches `mount` on top of what `at` shows. `EINVAL` if `at` is not in this namespace, `ENOTDIR` if only one of
    /// both is a directory, `ENOENT` if `at` was removed, `EBUSY` if the same tree sits right there already.
    pub fn attach(&self, mount: Arc<Mount>, at: &Path) -> Result<(), Errno> {
        let _changes = CHANGES.lock();
        self.attach_locked(mount, at, false)
    }

    fn attach_locked(&self, mount: Arc<Mount>, at: &Path, same_tree_allowed: bool) -> Result<(), Errno> {
        let mut at = at.clone();
        super::cross(&mut at);
        if !self.contains(&at.mount) {
            return Err(Errno::EINVAL);
        }
        if at.dentry.is_gone() {
            return Err(Errno::ENOENT);
        }
        if at.dentry.inode()?.is_directory() != mount.root().inode()?.is_directory() {
            return Err(Errno::ENOTDIR);
        }
        if !same_tree_allowed && at.is_mount_root() && Arc::ptr_eq(&at.dentry, mount.root()) {
            return Err(Errno::EBUSY);
        }
        table::attach(&mount, at);
        self.add(mount);
        Ok(())
    }

    /// `MS_BIND`: shows what is at `from` also at `at`; with `recursive` the mounts below as well.
    pub fn bind(&self, from: &Path, at: &Path, recursive: bool) -> Result<(), Errno> {
        let _changes = CHANGES.lock();
        if !self.contains(&from.mount) {
            return Err(Errno::EINVAL);
        }
        let top = Mount::new(from.dentry.clone(), from.mount.source(), from.mount.flags())?;
        let below = if recursive { self.below(&from.mount) } else { Vec::new() };
        let mut copies = alloc::vec![(from.mount.clone(), top.clone())];
        let mut places = Vec::new();
        for original in below {
            let Some(on) = original.on() else { continue };
            if Arc::ptr_eq(&on.mount, &from.mount) && !on.dentry.is_within(&from.dentry) {
                continue;
            }
            let Some((_, parent)) = copies.iter().find(|(old, _)| Arc::ptr_eq(old, &on.mount)) else {
                continue;
            };
            let copy = Mount::new(original.root().clone(), original.source(), original.flags())?;
            places.push((copy.clone(), Path { mount: parent.clone(), dentry: on.dentry }));
            copies.push((original, copy));
        }
        // All of it, or nothing.
        self.attach_locked(top, at, true)?;
        for (copy, place) in places {
            table::attach(&copy, place);
            self.add(copy);
        }
        Ok(())
    }

    /// `MS_REMOUNT|MS_BIND`: changes the flags of the mount whose top is `at` (`EINVAL` if it is none).
    pub fn remount_bind(&self, at: &Path, flags: MountFlags) -> Result<(), Errno> {
        let _changes = CHANGES.lock();
        self.check_mount_root(at)?;
        at.mount.set_flags(flags);
        Ok(())
    }

    /// `MS_REMOUNT`: changes flags of mount and file system, and the file system's options.
    pub fn remount(&self, at: &Path, flags: MountFlags, options: &[u8]) -> Result<(), Errno> {
        let _changes = CHANGES.lock();
        self.check_mount_root(at)?;
        at.mount.superblock().ops.remount(options)?;
        at.mount.superblock().set_read_only(flags.contains(MountFlags::RDONLY));
        at.mount.set_flags(flags);
        Ok(())
    }

    /// `MS_MOVE`: moves the mount whose top is `from`. `EINVAL` if it is not one with a parent, `ELOOP` into itself.
    pub fn move_mount(&self, from: &Path, at: &Path) -> Result<(), Errno> {
        let _changes = CHANGES.lock();
        self.check_mount_root(from)?;
        let mut target = at.clone();
        super::cross(&mut target);
        if !self.contains(&target.mount) || from.mount.on().is_none() {
            return Err(Errno::EINVAL);
        }
        if target.dentry.inode()?.is_directory() != from.dentry.inode()?.is_directory() {
            return Err(Errno::ENOTDIR);
        }
        if is_below(&target.mount, &from.mount) {
            return Err(Errno::ELOOP);
        }
        drop(table::detach(&from.mount));
        table::attach(&from.mount, target);
        Ok(())
    }

    /// `umount2` of the mount whose top is `at`: `EINVAL` if it is none, `EBUSY` while it is used or carries mounts (not
    /// with `MNT_DETACH`), `EAGAIN` for the first `MNT_EXPIRE`. The caller drops its own references to the path first
    /// except `at` itself.
    pub fn umount(&self, at: Path, flags: UmountFlags) -> Result<(), Errno> {
        let _changes = CHANGES.lock();
        self.check_mount_root(&at)?;
        let mount = at.mount.clone();
        drop(at);
        let below = self.below(&mount);
        if flags.contains(UmountFlags::DETACH) {
            if mount.on().is_none() {
                return Err(Errno::EINVAL);
            }
            for child in below.iter().rev() {
                drop(table::detach(child));
                self.remove(child);
            }
        } else {
            /// The namespace's list, the table, and ours.
            const OWN_REFERENCES: usize = 3;
            if mount.on().is_none() {
                return Err(Errno::EBUSY);
            }
            if !below.is_empty() || Arc::strong_count(&mount) > OWN_REFERENCES {
                return Err(Errno::EBUSY);
            }
            if flags.contains(UmountFlags::EXPIRE) && !mount.expire() {
                return Err(Errno::EAGAIN);
            }
        }
        drop(table::detach(&mount));
        self.remove(&mount);
        Ok(())
    }

    /// `pivot_root`: makes the mount at `new_root` the root and puts the former one, whose top is `root`, on `put_old`.
    pub fn pivot_root(&self, root: &Path, new_root: &Path, put_old: &Path) -> Result<Pivoted, Errno> {
        let _changes = CHANGES.lock();
        if [root, new_root, put_old].iter().any(|path| !self.contains(&path.mount)) {
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
        if !is_reachable(put_old, new_root) || !is_reachable(new_root, root) {
            return Err(Errno::EINVAL);
        }
        drop(table::detach(&new_root.mount));
        drop(table::detach(&root.mount));
        table::attach(&root.mount, put_old.clone());
        table::attach(&new_root.mount, root_on);
        Ok(Pivoted { old: root.clone(), new: new_root.clone() })
    }

    fn check_mount_root(&self, at: &Path) -> Result<(), Errno> {
        if at.is_mount_root() && self.contains(&at.mount) { Ok(()) } else { Err(Errno::EINVAL) }
    }

    /// The mounts that sit somewhere below `mount`, parents before children.
    fn below(&self, mount: &Arc<Mount>) -> Vec<Arc<Mount>> {
        self.mounts().into_iter().filter(|m| !Arc::ptr_eq(m, mount) && is_below(m, mount)).collect()
    }
}

/// Whether `mount` is `other` or sits somewhere below it.
fn is_below(mount: &Arc<Mount>, other: &Arc<Mount>) -> bool {
    let mut at = mount.clone();
    loop {
        if Arc::ptr_eq(&at, other) {
            return true;
        }
        match at.on() {
            Some(on) => at = on.mount,
            None => return false,
        }
    }
}

/// Whether `path` lies at or below `top`.
fn is_reachable(path: &Path, top: &Path) -> bool {
    let mut at = path.clone();
    while !Arc::ptr_eq(&at.mount, &top.mount) {
        match at.mount.on() {
            Some(on) => at = on,
            None => return false,
        }
    }
    at.dentry.is_within(&top.dentry)
}
