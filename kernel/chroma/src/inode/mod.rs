//! Inodes: files apart from their names.
//!
//! An [`Inode`] holds the attributes every file system has; [`InodeOps`] is what one of them implements. Operations get
//! the inode they act on as an argument, so that the implementation may be shared or hold no state at all.

mod attributes;
mod ops;
mod superblock;

use core::any::Any;
use core::sync::atomic::{AtomicI32, Ordering};

pub use abi::DeviceNumber;
use abi::Errno;
use abi::stat::Stat;
use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use chronos::Mutex;
use hal::{Once, SpinLock};

use crate::cred::Cred;
use crate::flock::FileLocks;
use crate::notify::{self, Watches};
use crate::pipe::Pipe;
use crate::{io, lock_classes};

pub use attributes::{Attributes, Change, FileKind, now};
pub use ops::{Bytes, Found, InodeOps, NewNode, Rename};
pub use superblock::{FileSystem, SuperBlock};

/// A file apart from its names.
pub struct Inode {
    number: u64,
    kind: FileKind,
    superblock: Arc<SuperBlock>,
    attributes: SpinLock<Attributes>,
    ops: Box<dyn InodeOps>,
    /// Serialises changes of a regular file's content and size (what makes `O_APPEND` and `write` atomic).
    pub content: Mutex<()>,
    /// Writers if positive, programs that run from it if negative.
    writers: AtomicI32,
    /// The pipe behind a FIFO while someone has it open.
    pub(crate) fifo: SpinLock<Weak<Pipe>>,
    /// Record locks, made when the first is taken.
    pub(crate) locks: Once<Box<FileLocks>>,
    /// Who is told what happens to it.
    pub(crate) watches: Watches,
}

impl Inode {
    /// A new inode of `superblock`.
    pub fn new(
        superblock: &Arc<SuperBlock>,
        number: u64,
        kind: FileKind,
        attributes: Attributes,
        ops: Box<dyn InodeOps>,
    ) -> Arc<Inode> {
        Arc::new(Inode {
            number,
            kind,
            superblock: superblock.clone(),
            attributes: SpinLock::new(&lock_classes::ATTRIBUTES, attributes),
            ops,
            content: Mutex::new(&lock_classes::CONTENT, ()),
            writers: AtomicI32::new(0),
            fifo: SpinLock::new(&lock_classes::FIFO, Weak::new()),
            locks: Once::new(),
            watches: notify::none(),
        })
    }

    /// The inode number.
    #[inline]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What it is.
    #[inline]
    pub fn kind(&self) -> FileKind {
        self.kind
    }

    /// Whether it is a directory.
    #[inline]
    pub fn is_directory(&self) -> bool {
        self.kind == FileKind::Directory
    }

    /// The file system it belongs to.
    #[inline]
    pub fn superblock(&self) -> &Arc<SuperBlock> {
        &self.superblock
    }

    /// The file system's side of it.
    #[inline]
    pub fn ops(&self) -> &dyn InodeOps {
        &*self.ops
    }

    /// The file system's side of it, if it is a `T`.
    #[inline]
    pub fn ops_as<T: InodeOps>(&self) -> Option<&T> {
        (&*self.ops as &dyn Any).downcast_ref()
    }

    /// Looks at the stored attributes. `look` runs under a spinlock.
    #[inline]
    pub fn read_attributes<R>(&self, look: impl FnOnce(&Attributes) -> R) -> R {
        look(&self.attributes.lock())
    }

    /// Changes the stored attributes. `change` runs under a spinlock.
    #[inline]
    pub fn change_attributes<R>(&self, change: impl FnOnce(&mut Attributes) -> R) -> R {
        change(&mut self.attributes.lock())
    }

    /// Sets modification and change time to now.
    pub fn touch_modified(&self) {
        let now = now();
        self.change_attributes(|a| (a.mtime, a.ctime) = (now, now));
    }

    /// Sets the change time to now.
    pub fn touch_changed(&self) {
        let now = now();
        self.change_attributes(|a| a.ctime = now);
    }

    /// Checks `access` by mode bits and capabilities; `EACCES` where they refuse. Does not look at mounts.
    #[inline]
    pub fn permission(&self, cred: &Cred, access: crate::cred::Access) -> Result<(), Errno> {
        let attributes = self.attributes.lock();
        cred.permits(self.kind, &attributes, access)
    }

    /// What `stat` shows.
    pub fn stat(&self) -> Result<Stat, Errno> {
        let a = self.ops.attributes(self)?;
        Ok(Stat {
            st_dev: u64::from(self.superblock.device().encode()),
            st_ino: self.number,
            st_nlink: u64::from(a.nlink),
            st_mode: a.mode.0 | self.kind.type_bits(),
            st_uid: a.uid.0,
            st_gid: a.gid.0,
            st_rdev: u64::from(a.rdev.encode()),
            st_size: a.size.cast_signed(),
            st_blksize: 4096,
            st_blocks: a.blocks.cast_signed(),
            st_atime: a.atime.tv_sec,
            st_atime_nsec: a.atime.tv_nsec,
            st_mtime: a.mtime.tv_sec,
            st_mtime_nsec: a.mtime.tv_nsec,
            st_ctime: a.ctime.tv_sec,
            st_ctime_nsec: a.ctime.tv_nsec,
            ..Stat::default()
        })
    }

    /// The record locks of this file, made at first use.
    pub(crate) fn locks(&self) -> Result<&FileLocks, Errno> {
        if self.locks.get().is_none() {
            // Whoever comes second drops an empty list.
            drop(self.locks.set(Box::new(FileLocks::new())));
        }
        self.locks.get().map(|locks| &**locks).ok_or(Errno::ENOLCK)
    }

    /// Counts a writer in; `ETXTBSY` while the file is being executed.
    pub(crate) fn add_writer(&self) -> Result<(), Errno> {
        let more = |count: i32| (count >= 0).then_some(count + 1);
        self.writers.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).map_err(|_| Errno::ETXTBSY)?;
        Ok(())
    }

    /// Counts a writer out.
    pub(crate) fn remove_writer(&self) {
        self.writers.fetch_sub(1, Ordering::AcqRel);
    }

    /// Keeps writers out while a program made of this file runs; `ETXTBSY` while someone has it open for writing.
    pub fn deny_writers(self: &Arc<Self>) -> Result<WritersDenied, Errno> {
        let less = |count: i32| (count <= 0).then_some(count - 1);
        self.writers.fetch_update(Ordering::AcqRel, Ordering::Acquire, less).map_err(|_| Errno::ETXTBSY)?;
        Ok(WritersDenied(self.clone()))
    }
}

/// Nobody can open the inode for writing while this lives.
pub struct WritersDenied(Arc<Inode>);

impl Drop for WritersDenied {
    fn drop(&mut self) {
        self.0.writers.fetch_add(1, Ordering::AcqRel);
    }
}

/// Copies a link's text or another answer into a user buffer, cut to its size.
pub fn put_bytes(bytes: &[u8], sink: &mut io::Sink<'_>) -> Result<usize, Errno> {
    if bytes.is_empty() { Ok(0) } else { sink.put(bytes) }
}
