//! What `mount_setattr` changes, and `MOVE_MOUNT_SET_GROUP`. The caller has checked `CAP_SYS_ADMIN`.

use abi::Errno;
use abi::fs::MountFlags;
use alloc::sync::Arc;

use super::forest::{self, Forest, Id, Kind};
use super::{Mount, MountNamespace, Path};

/// A change of mounts.
#[derive(Clone, Copy, Debug)]
pub struct AttributeChange {
    /// The flags that are set.
    pub set: MountFlags,
    /// Those that are cleared before.
    pub clear: MountFlags,
    /// How the mounts are tied to others from then on.
    pub kind: Option<Kind>,
    /// All mounts below as well.
    pub recursive: bool,
}

impl MountNamespace {
    /// `mount_setattr` of the mount whose top is `at`: all is changed, or nothing. `EINVAL` if it is none, the root of a
    /// namespace, or neither in this one nor the top of a detached tree; `EBUSY` if a file is open for writing in what is to be
    /// read-only; `ENOMEM`. May sleep.
    pub fn set_attributes(self: &Arc<Self>, at: &Path, change: AttributeChange) -> Result<(), Errno> {
        if !at.is_mount_root() {
            return Err(Errno::EINVAL);
        }
        let mut guard = forest::lock();
        let forest = &mut *guard;
        let top = at.mount.id();
        if !self.may_change(forest, &at.mount) {
            return Err(Errno::EINVAL);
        }
        let after = |forest: &Forest, id: Id| if change.recursive { forest.next(id, top) } else { None };
        if change.kind == Some(Kind::Shared) {
            if change.recursive { forest.invent_groups(top)? } else { forest.invent_group(top)? }
        }
        let held = hold(forest, top, change);
        let mut next = Some(top);
        while let Some(id) = next {
            if let Some(mount) = forest.mount(id) {
                if held.is_ok() {
                    mount.set_flags(mount.flags().difference(change.clear) | change.set);
                }
                mount.writers.release();
            }
            match (held, change.kind) {
                (Ok(()), Some(kind)) => forest.make(id, kind),
                (Err(_), Some(_)) => forest.forget_group(id),
                _ => {}
            }
            next = after(forest, id);
        }
        held
    }

    /// `MOVE_MOUNT_SET_GROUP`: the mount whose top is `to` becomes a peer of the one at `from` if that is shared, and gets from
    /// the same master. `EINVAL` if one of both is no mount or was unmounted, they show different file systems, `from`
    /// does not show what `to` does, has no ties, or `to` has some already. May sleep.
    pub fn join_group(from: &Path, to: &Path) -> Result<(), Errno> {
        let mut forest = forest::lock();
        let (old, new) = (from.mount.id(), to.mount.id());
        let are_mounted = forest.namespace(old).is_some() && forest.namespace(new).is_some();
        if !are_mounted || !from.is_mount_root() || !to.is_mount_root() {
            return Err(Errno::EINVAL);
        }
        let shows_it = Arc::ptr_eq(from.mount.superblock(), to.mount.superblock())
            && to.mount.root().is_within(from.mount.root());
        let (ties, others) = (forest.ties(new), forest.ties(old));
        let is_free = !ties.shared && ties.master.is_none();
        if !shows_it || !is_free || !(others.shared || others.master.is_some()) {
            return Err(Errno::EINVAL);
        }
        forest.join(new, old);
        Ok(())
    }
}

/// Keeps files from being opened for writing in what becomes read-only. `EBUSY`: some are.
fn hold(forest: &Forest, top: Id, change: AttributeChange) -> Result<(), Errno> {
    if !change.set.contains(MountFlags::RDONLY) {
        return Ok(());
    }
    let mut next = Some(top);
    while let Some(id) = next {
        let mount = forest.mount(id);
        if let Some(mount) = mount.filter(|mount| !mount.flags().contains(MountFlags::RDONLY)) {
            mount.writers.hold()?;
        }
        next = if change.recursive { forest.next(id, top) } else { None };
    }
    Ok(())
}

impl Mount {
    /// Changes the flags of one mount. `EBUSY`: a file is open for writing, and it is to be read-only. The forest is locked.
    pub(super) fn change_flags(&self, flags: MountFlags) -> Result<(), Errno> {
        if flags.contains(MountFlags::RDONLY) && !self.flags().contains(MountFlags::RDONLY) {
            self.writers.hold()?;
        }
        self.set_flags(flags);
        self.writers.release();
        Ok(())
    }
}
