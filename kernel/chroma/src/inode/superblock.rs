//! File system instances.

use core::any::Any;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use abi::stat::Statfs;
use abi::{DeviceNumber, Errno};
use alloc::boxed::Box;
use alloc::sync::Arc;
use chronos::RwLock;

use crate::lock_classes;
use crate::mount::{Refusal, Writers};

/// A file system instance.
pub struct SuperBlock {
    device: DeviceNumber,
    /// The type's name in `/proc/mounts`.
    pub kind: &'static str,
    /// Held for writing by changes to any directory of this file system, for reading by lookups that miss the cache and by
    /// `readdir`.
    pub tree: RwLock<()>,
    read_only: AtomicBool,
    /// How many mounts show it, or a part of it.
    pub(crate) mounts: AtomicU32,
    /// The files of it that are open for writing.
    pub(crate) writers: Writers,
    /// The file system's side of it.
    pub ops: Box<dyn FileSystem>,
    next_inode: AtomicU64,
}

/// What a file system answers as a whole.
pub trait FileSystem: Send + Sync + Any {
    /// The figures of `statfs`; the caller fills in the mount's flags.
    fn statfs(&self) -> Statfs;

    /// Options for `/proc/mounts`, each with a leading comma.
    fn options(&self) -> alloc::string::String {
        alloc::string::String::new()
    }

    /// Changes options of a mounted file system (`MS_REMOUNT`).
    fn remount(&self, _options: &[u8]) -> Result<(), Refusal> {
        Ok(())
    }

    /// Whether there can be programs in it, however it is mounted.
    fn has_programs(&self) -> bool {
        true
    }

    /// Writes everything back.
    fn sync(&self) -> Result<(), Errno> {
        Ok(())
    }
}

/// Minor numbers of file systems without a device (major 0).
static NEXT_ANONYMOUS_DEVICE: AtomicU64 = AtomicU64::new(1);

impl SuperBlock {
    /// A file system without a device of its own, numbered (0, n).
    pub fn new(kind: &'static str, ops: Box<dyn FileSystem>) -> Arc<SuperBlock> {
        let minor = NEXT_ANONYMOUS_DEVICE.fetch_add(1, Ordering::Relaxed);
        Arc::new(SuperBlock {
            device: DeviceNumber::new(0, minor as u32),
            kind,
            tree: RwLock::new(&lock_classes::TREE, ()),
            read_only: AtomicBool::new(false),
            mounts: AtomicU32::new(0),
            writers: Writers::default(),
            ops,
            next_inode: AtomicU64::new(1),
        })
    }

    /// `st_dev` of its files.
    pub fn device(&self) -> DeviceNumber {
        self.device
    }

    /// Whether the whole file system refuses changes.
    #[inline]
    pub fn is_read_only(&self) -> bool {
        self.read_only.load(Ordering::Relaxed)
    }

    /// Makes the whole file system refuse changes, or not.
    pub fn set_read_only(&self, on: bool) {
        self.read_only.store(on, Ordering::Relaxed);
    }

    /// Whether a mount shows it.
    pub(crate) fn is_mounted(&self) -> bool {
        self.mounts.load(Ordering::Acquire) > 0
    }

    /// Changes it by `work`, and then whether it refuses changes, if that is said. `EBUSY`: it is to, and a file is open for
    /// writing; nothing has changed then. The caller keeps all mounts as they are.
    pub(crate) fn change<E: From<Errno>>(
        &self,
        read_only: Option<bool>,
        work: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        if read_only == Some(true) && !self.is_read_only() {
            self.writers.hold()?;
        }
        let done = work();
        if done.is_ok()
            && let Some(read_only) = read_only
        {
            self.set_read_only(read_only);
        }
        self.writers.release();
        done
    }

    /// A fresh inode number.
    pub fn next_inode_number(&self) -> u64 {
        self.next_inode.fetch_add(1, Ordering::Relaxed)
    }
}
