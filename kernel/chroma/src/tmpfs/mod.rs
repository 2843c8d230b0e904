//! tmpfs: files that live in memory.
//!
//! Every inode holds its own content: a directory its entries, a regular file its pages. What counts against the limits
//! (`size=`, `nr_inodes=`) is counted in [`TmpFs`]. Behaviour is that of Linux 6.1's shmem: a directory's size is 20 bytes an
//! entry beyond 40, `trusted.*` and `security.*` attributes exist, `user.*` don't.

mod attributes;
mod directory;
mod file;
mod node;
mod options;
mod seals;
#[cfg(test)]
mod tests;

use core::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use abi::stat::{Statfs, TMPFS_MAGIC};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use hal::SpinLock;

use crate::dentry::Dentry;
use crate::inode::{FileKind, FileSystem, Inode, NewNode, SuperBlock};
use crate::lock_classes;
use crate::mount::{FileSystemType, Judgement, MountRequest, Refusal, Value};

pub use file::memory_file;
pub use options::Options;
pub use seals::{add_seals, seals};

/// An instance: its limits and what is used of them.
pub(crate) struct TmpFs {
    options: SpinLock<Options>,
    max_pages: AtomicU64,
    used_pages: AtomicU64,
    max_inodes: AtomicU64,
    used_inodes: AtomicU64,
}

/// Takes one more of something limited; false if that would go beyond `max` (0: no limit).
fn take_one(used: &AtomicU64, max: &AtomicU64) -> bool {
    let max = max.load(Ordering::Relaxed);
    let more = |now: u64| (max == 0 || now < max).then_some(now + 1);
    used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
}

impl TmpFs {
    /// Counts a page; `ENOSPC` beyond `size=`.
    pub(crate) fn charge_page(&self) -> Result<(), Errno> {
        if take_one(&self.used_pages, &self.max_pages) { Ok(()) } else { Err(Errno::ENOSPC) }
    }

    pub(crate) fn uncharge_pages(&self, count: u64) {
        self.used_pages.fetch_sub(count, Ordering::Relaxed);
    }

    fn charge_inode(&self) -> Result<(), Errno> {
        if take_one(&self.used_inodes, &self.max_inodes) { Ok(()) } else { Err(Errno::ENOSPC) }
    }
}

impl FileSystem for TmpFs {
    fn statfs(&self) -> Statfs {
        let pages = self.max_pages.load(Ordering::Relaxed);
        let free = pages.saturating_sub(self.used_pages.load(Ordering::Relaxed));
        let inodes = self.max_inodes.load(Ordering::Relaxed);
        Statfs {
            f_type: TMPFS_MAGIC,
            f_bsize: 4096,
            f_blocks: pages,
            f_bfree: free,
            f_bavail: free,
            f_files: inodes,
            f_ffree: inodes.saturating_sub(self.used_inodes.load(Ordering::Relaxed)),
            f_namelen: 255,
            f_frsize: 4096,
            ..Statfs::default()
        }
    }

    fn options(&self) -> String {
        self.options.lock().describe(self.max_pages.load(Ordering::Relaxed))
    }

    fn remount(&self, options: &[u8]) -> Result<(), Refusal> {
        let old = self.options.lock().clone();
        let new = old.with_limits_of(&Options::parse(options, old.clone())?);
        let is_late = |old: u64, new: u64| old == 0 && new != 0;
        if is_late(old.max_pages, new.max_pages) {
            return Err(Refusal::because("Cannot retroactively limit size"));
        }
        if is_late(old.max_inodes, new.max_inodes) {
            return Err(Refusal::because("Cannot retroactively limit inodes"));
        }
        let too_small = |max: u64, used: &AtomicU64| max != 0 && max < used.load(Ordering::Relaxed);
        if too_small(new.max_pages, &self.used_pages) {
            return Err(Refusal::because("Too small a size for current use"));
        }
        if too_small(new.max_inodes, &self.used_inodes) {
            return Err(Refusal::because("Too few inodes for current use"));
        }
        self.max_pages.store(new.max_pages, Ordering::Relaxed);
        self.max_inodes.store(new.max_inodes, Ordering::Relaxed);
        *self.options.lock() = new;
        Ok(())
    }
}

/// Makes an instance; `kind` is its type in `/proc/mounts`. Gives its root.
pub fn instance(kind: &'static str, options: &Options) -> Arc<Dentry> {
    let fs = TmpFs {
        options: SpinLock::new(&lock_classes::TMPFS_OPTIONS, options.clone()),
        max_pages: AtomicU64::new(options.max_pages),
        used_pages: AtomicU64::new(0),
        max_inodes: AtomicU64::new(options.max_inodes),
        used_inodes: AtomicU64::new(1),
    };
    let superblock = SuperBlock::new(kind, Box::new(fs));
    let root = NewNode {
        kind: FileKind::Directory,
        mode: options.mode,
        uid: options.uid,
        gid: options.gid,
        rdev: abi::DeviceNumber::default(),
        target: &[],
    };
    Dentry::root(node::make_inode(&superblock, &root))
}

/// The instance that an inode belongs to.
pub(crate) fn instance_of(inode: &Inode) -> Option<&TmpFs> {
    (&*inode.superblock().ops as &dyn core::any::Any).downcast_ref()
}

/// The type `tmpfs`.
pub struct TmpFsType;

impl FileSystemType for TmpFsType {
    fn name(&self) -> &'static str {
        "tmpfs"
    }

    fn mount(&self, request: &MountRequest<'_>) -> Result<Arc<Dentry>, Errno> {
        Ok(instance("tmpfs", &Options::parse(request.options, Options::default())?))
    }

    fn judge(&self, name: &str, value: Value<'_>) -> Judgement {
        Options::judge(name, value)
    }
}
