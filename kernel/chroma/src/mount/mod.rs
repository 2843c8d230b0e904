//! Mounts: where file systems are attached, and paths through them.
//!
//! A [`Path`] is (mount, dentry). A mount sits on a path of its parent mount; the table of what sits where is keyed by
//! that path, so the same dentry seen through two mounts carries different things. A [`MountNamespace`] lists the mounts
//! that belong together. What happens in a shared mount happens in its peers and slaves as well, in whatever namespace.
//!
//! Changes are serialised by one sleeping lock, around the forest of all mounts; walks only take the table's spinlock, and
//! only at dentries that are marked as mount points.

mod attach;
mod attributes;
mod context;
mod copy;
mod detached;
mod forest;
mod graft;
mod namespace;
mod path;
mod pivot;
mod registry;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod umount;
mod writers;

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use abi::Errno;
use abi::fs::MountFlags;
use alloc::string::String;
use alloc::sync::{Arc, Weak};
use hal::SpinLock;

use crate::dentry::Dentry;
use crate::inode::SuperBlock;
use crate::lock_classes;

pub use attach::Kind;
pub use attributes::AttributeChange;
pub use context::{Context, Value};
pub use detached::DetachedTree;
pub use namespace::{MOUNT_MAX, MountNamespace, UsedNamespace};
pub use path::{Path, Spelled};
pub use pivot::Pivoted;
pub use registry::{
    FileSystemType, Judgement, MountRequest, Refusal, file_system_types, find_type, register,
};
pub(crate) use table::cross;
pub use text::{mountinfo, mounts};
pub use umount::UmountFlags;
pub(crate) use writers::Writers;

/// The flags that belong to a mount; others of `mount(2)` are orders or the file system's.
pub const MOUNT_FLAGS: MountFlags = MountFlags::RDONLY
    .union(MountFlags::NOSUID)
    .union(MountFlags::NODEV)
    .union(MountFlags::NOEXEC)
    .union(MountFlags::NOATIME)
    .union(MountFlags::NODIRATIME)
    .union(MountFlags::RELATIME)
    .union(MountFlags::NOSYMFOLLOW);

/// A file system (or a part of it) attached somewhere.
pub struct Mount {
    id: u64,
    root: Arc<Dentry>,
    superblock: Arc<SuperBlock>,
    source: String,
    flags: AtomicU64,
    /// `MNT_EXPIRE` was asked for since the mount was last used.
    expiring: AtomicBool,
    /// Its place in its namespace's list.
    number: AtomicU64,
    /// The files that are open for writing.
    writers: Writers,
    /// What it sits on.
    on: SpinLock<Seat>,
    /// Something is kept on it ([`Seat::Kept`]).
    keeps: AtomicBool,
}

/// What a mount sits on.
enum Seat {
    /// Nothing: it is a namespace's root, or detached.
    Nothing,
    /// A place in another mount.
    On(Path),
    /// A place in another mount of a dissolved tree, for as long as that is used.
    Kept(Weak<Mount>, Arc<Dentry>),
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// What a mount takes, with a file system of its own.
const MOUNT_BYTES: usize = 8192;

impl Mount {
    /// A mount of the tree under `root`, not attached anywhere yet. `EINVAL` if `root` is no directory entry with an inode,
    /// `ENOMEM` when memory is short.
    pub fn new(root: Arc<Dentry>, source: &str, flags: MountFlags) -> Result<Arc<Mount>, Errno> {
        aegis::charge::admit(MOUNT_BYTES)?;
        let superblock = root.inode()?.superblock().clone();
        superblock.mounts.fetch_add(1, Ordering::AcqRel);
        Ok(Arc::new(Mount {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            root,
            superblock,
            source: source.into(),
            flags: AtomicU64::new((flags & MOUNT_FLAGS).bits()),
            expiring: AtomicBool::new(false),
            number: AtomicU64::new(0),
            writers: Writers::default(),
            on: SpinLock::new(&lock_classes::MOUNTS_ON, Seat::Nothing),
            keeps: AtomicBool::new(false),
        }))
    }

    /// Its number in `/proc/PID/mountinfo`.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The dentry it shows at its top.
    pub fn root(&self) -> &Arc<Dentry> {
        &self.root
    }

    /// The file system it shows.
    pub fn superblock(&self) -> &Arc<SuperBlock> {
        &self.superblock
    }

    /// The device or name it was mounted from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its flags.
    #[inline]
    pub fn flags(&self) -> MountFlags {
        MountFlags::from_bits_retain(self.flags.load(Ordering::Relaxed))
    }

    pub(crate) fn set_flags(&self, flags: MountFlags) {
        self.flags.store((flags & MOUNT_FLAGS).bits(), Ordering::Relaxed);
    }

    /// Notes a request to expire; true if there was one before.
    pub(crate) fn expire(&self) -> bool {
        self.expiring.swap(true, Ordering::AcqRel)
    }

    /// It was used, though not to unmount it: a request to expire counts no more.
    #[inline]
    pub(crate) fn note_use(&self) {
        if self.expiring.load(Ordering::Relaxed) {
            self.expiring.store(false, Ordering::Relaxed);
        }
    }

    fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    fn set_number(&self, number: u64) {
        self.number.store(number, Ordering::Relaxed);
    }

    /// What it sits on; `None` for a namespace's root and for detached mounts.
    pub fn on(&self) -> Option<Path> {
        match &*self.on.lock() {
            Seat::Nothing => None,
            Seat::On(path) => Some(path.clone()),
            Seat::Kept(mount, dentry) => Some(Path { mount: mount.upgrade()?, dentry: dentry.clone() }),
        }
    }

    pub(crate) fn set_on(&self, on: Option<Path>) -> Option<Path> {
        let on = on.map_or(Seat::Nothing, Seat::On);
        core::mem::replace(&mut *self.on.lock(), on).path()
    }

    /// Fails with `EROFS` if nothing may be changed through this mount.
    #[inline]
    pub fn check_writable(&self) -> Result<(), Errno> {
        if self.flags().contains(MountFlags::RDONLY) || self.superblock.is_read_only() {
            Err(Errno::EROFS)
        } else {
            Ok(())
        }
    }
}

impl Seat {
    /// The place, if it keeps the mount there.
    fn path(self) -> Option<Path> {
        match self {
            Seat::On(path) => Some(path),
            _ => None,
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if self.superblock.mounts.fetch_sub(1, Ordering::AcqRel) == 1 {
            crate::notify::unmounted(&self.superblock);
            crate::dentry::purge(&self.superblock);
        }
        table::let_go(core::ptr::from_ref(self).addr(), self);
        // A chain of detached mounts is unlinked in a loop, as in `Dentry::drop`.
        let mut next = core::mem::replace(self.on.get_mut(), Seat::Nothing).path();
        while let Some(path) = next {
            let address = Arc::as_ptr(&path.mount).addr();
            next = Arc::into_inner(path.mount).and_then(|mut mount| {
                table::let_go(address, &mut mount);
                core::mem::replace(mount.on.get_mut(), Seat::Nothing).path()
            });
        }
    }
}
