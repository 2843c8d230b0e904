//! Open file descriptions.
//!
//! An [`OpenFile`] is what `open` makes and `dup`, `fork` and `SCM_RIGHTS` share: position, status flags, the opener's
//! credentials, and the [`FileOps`] that do the work. A descriptor ([`crate::FdTable`]) only holds a capability for it.
//!
//! The position lock is held across a whole `read` or `write` of a seekable file, so that two threads that share a
//! description never use one position twice; streams (pipes, terminals) have no position and take no lock.

mod count;
mod ops;
mod seek;

use core::any::Any;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use abi::Errno;
use abi::fs::OpenFlags;
use abi::inotify::InotifyMask;
use alloc::boxed::Box;
use alloc::sync::Arc;
use chronos::Mutex;
use hal::{SpinLock, UserAddr};

use crate::cred::Cred;
use crate::inode::{FileKind, Inode};
use crate::io::{Sink, Source};
use crate::listing::{DirBuffer, Format};
use crate::lock_classes;
use crate::mount::Path;
use crate::notify;

pub use count::{Admission, open_count, open_limit};
pub use ops::{FileOps, Ioctl};
pub use seek::{Whence, seek_within};

/// Who gets `SIGIO` of a file (`F_SETOWN`): the meaning of `id` is the process crate's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalOwner {
    /// 0: a thread, 1: a process, 2: a process group (`F_SETOWN_EX`).
    pub kind: u32,
    /// Its number, 0 for none.
    pub id: i32,
    /// The signal instead of `SIGIO`, 0 for that (`F_SETSIG`).
    pub signal: u32,
}

/// Flags that `fcntl(F_SETFL)` changes.
const SETTABLE: OpenFlags = OpenFlags::settable();

/// Flags that `open` acts on and `fcntl(F_GETFL)` doesn't show.
const ONE_TIME: OpenFlags = OpenFlags::CREAT
    .union(OpenFlags::EXCL)
    .union(OpenFlags::NOCTTY)
    .union(OpenFlags::TRUNC)
    .union(OpenFlags::CLOEXEC);

/// An open file description.
pub struct OpenFile {
    ops: Box<dyn FileOps>,
    path: Path,
    inode: Arc<Inode>,
    flags: AtomicU32,
    position: Mutex<u64>,
    shown_position: AtomicU64,
    cred: Arc<Cred>,
    owner: SpinLock<SignalOwner>,
    /// Whether it keeps the file from being executed.
    counts_as_writer: bool,
    _admission: Admission,
}

impl OpenFile {
    /// A description of `path`, which must name an inode (`ENOENT` otherwise; `ETXTBSY` for writing what is being
    /// executed). `ENFILE` beyond [`open_limit`], `ENOMEM` when memory is short.
    pub fn new(
        ops: Box<dyn FileOps>,
        path: Path,
        flags: OpenFlags,
        cred: Arc<Cred>,
    ) -> Result<Arc<OpenFile>, Errno> {
        let admission = Admission::new(&cred)?;
        OpenFile::new_admitted(admission, ops, path, flags, cred)
    }

    /// As [`OpenFile::new`], for what was admitted before.
    pub fn new_admitted(
        admission: Admission,
        ops: Box<dyn FileOps>,
        path: Path,
        flags: OpenFlags,
        cred: Arc<Cred>,
    ) -> Result<Arc<OpenFile>, Errno> {
        let inode = path.dentry.inode()?;
        let counts_as_writer =
            inode.kind() == FileKind::Regular && flags.access().write && !flags.contains(OpenFlags::PATH);
        if counts_as_writer {
            inode.add_writer()?;
            if let Err(error) = path.mount.add_writer() {
                inode.remove_writer();
                return Err(error);
            }
        }
        OpenFile::make(ops, path, flags, cred, counts_as_writer, admission)
    }

    /// As [`OpenFile::new`], but it does not keep the file from being executed. `ENOENT`.
    pub(crate) fn new_uncounted(
        ops: Box<dyn FileOps>,
        path: Path,
        flags: OpenFlags,
        cred: Arc<Cred>,
    ) -> Result<Arc<OpenFile>, Errno> {
        let admission = Admission::new(&cred)?;
        OpenFile::make(ops, path, flags, cred, false, admission)
    }

    fn make(
        ops: Box<dyn FileOps>,
        path: Path,
        flags: OpenFlags,
        cred: Arc<Cred>,
        counts_as_writer: bool,
        admission: Admission,
    ) -> Result<Arc<OpenFile>, Errno> {
        let inode = path.dentry.inode()?.clone();
        Ok(Arc::new(OpenFile {
            ops,
            path,
            inode,
            flags: AtomicU32::new(flags.difference(ONE_TIME).bits()),
            position: Mutex::new(&lock_classes::POSITION, 0),
            shown_position: AtomicU64::new(0),
            cred,
            owner: SpinLock::new(&lock_classes::FILE_OWNER, SignalOwner::default()),
            counts_as_writer,
            _admission: admission,
        }))
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it is open on.
    #[inline]
    pub fn inode(&self) -> &Arc<Inode> {
        &self.inode
    }

    /// The opener's credentials.
    pub fn cred(&self) -> &Arc<Cred> {
        &self.cred
    }

    /// What stands behind it.
    #[inline]
    pub fn ops(&self) -> &dyn FileOps {
        &*self.ops
    }

    /// What stands behind it, if that is a `T`.
    pub fn ops_as<T: FileOps>(&self) -> Option<&T> {
        (&*self.ops as &dyn Any).downcast_ref()
    }

    /// Access mode and status flags, as `F_GETFL` shows them.
    #[inline]
    pub fn flags(&self) -> OpenFlags {
        OpenFlags::from_bits_retain(self.flags.load(Ordering::Relaxed))
    }

    /// Whether calls must not wait.
    #[inline]
    pub fn nonblocking(&self) -> bool {
        self.flags().contains(OpenFlags::NONBLOCK)
    }

    /// Whether the access mode allows reading.
    pub fn readable(&self) -> bool {
        let flags = self.flags();
        flags.access().read && !flags.contains(OpenFlags::PATH)
    }

    /// Whether the access mode allows writing.
    pub fn writable(&self) -> bool {
        let flags = self.flags();
        flags.access().write && !flags.contains(OpenFlags::PATH)
    }

    /// Changes the status flags (`F_SETFL`); `EPERM` for `O_NOATIME` on someone else's file.
    pub fn set_flags(&self, cred: &Cred, new: OpenFlags) -> Result<(), Errno> {
        let old = self.flags();
        let new = new & SETTABLE;
        if new.contains(OpenFlags::NOATIME) && !old.contains(OpenFlags::NOATIME) {
            let uid = self.inode.read_attributes(|a| a.uid);
            if !cred.owns(uid) {
                return Err(Errno::EPERM);
            }
        }
        self.flags.store((old.difference(SETTABLE) | new).bits(), Ordering::Relaxed);
        Ok(())
    }

    /// Who gets `SIGIO`.
    pub fn owner(&self) -> SignalOwner {
        *self.owner.lock()
    }

    /// Changes who gets `SIGIO`.
    pub fn set_owner(&self, change: impl FnOnce(&mut SignalOwner)) {
        change(&mut self.owner.lock());
    }

    /// `read` and `readv`: at the position, which advances.
    pub fn read(&self, to: &mut Sink<'_>) -> Result<usize, Errno> {
        if !self.ops.seekable() {
            return self.ops.read(self, &mut 0, to);
        }
        let count = self.with_position(|position| self.ops.read(self, position, to))?;
        self.tell(InotifyMask::ACCESS, count);
        Ok(count)
    }

    /// Tells watchers of a transfer, unless it moved nothing.
    #[inline]
    fn tell(&self, mask: InotifyMask, count: usize) {
        if count > 0 {
            notify::file(self, mask);
        }
    }

    /// `write` and `writev`: at the position, which advances.
    pub fn write(&self, from: &mut Source<'_>) -> Result<usize, Errno> {
        if !self.ops.seekable() {
            return self.ops.write(self, &mut 0, from);
        }
        let count = self.with_position(|position| self.ops.write(self, position, from))?;
        self.tell(InotifyMask::MODIFY, count);
        Ok(count)
    }

    /// `pread` and `preadv`: at `position`; `ESPIPE` for streams.
    pub fn read_at(&self, mut position: u64, to: &mut Sink<'_>) -> Result<usize, Errno> {
        if !self.ops.seekable() {
            return Err(Errno::ESPIPE);
        }
        let count = self.ops.read(self, &mut position, to)?;
        self.tell(InotifyMask::ACCESS, count);
        Ok(count)
    }

    /// `pwrite` and `pwritev`: at `position` (at the end with `O_APPEND`, as Linux does); `ESPIPE` for streams.
    pub fn write_at(&self, mut position: u64, from: &mut Source<'_>) -> Result<usize, Errno> {
        if !self.ops.seekable() {
            return Err(Errno::ESPIPE);
        }
        let count = self.ops.write(self, &mut position, from)?;
        self.tell(InotifyMask::MODIFY, count);
        Ok(count)
    }

    /// `lseek`; `ESPIPE` for streams.
    pub fn seek(&self, offset: i64, whence: Whence) -> Result<u64, Errno> {
        if !self.ops.seekable() {
            return Err(Errno::ESPIPE);
        }
        self.with_position(|position| {
            *position = self.ops.seek(self, *position, offset, whence)?;
            Ok(*position)
        })
    }

    /// The position as `/proc/PID/fdinfo` shows it: where the last finished call left it. Takes no lock, for the file that is
    /// being read may be that very one.
    pub fn shown_position(&self) -> u64 {
        self.shown_position.load(Ordering::Relaxed)
    }

    /// The position; 0 for streams.
    pub fn position(&self) -> u64 {
        if self.ops.seekable() { *self.position.lock() } else { 0 }
    }

    /// `getdents64`, or `getdents` by the format, into `len` bytes of user memory: the count of bytes written, 0 at the end,
    /// `EINVAL` if not even one entry fits. The position moves only past entries that reached user space.
    pub fn read_dir(&self, to: UserAddr, len: usize, format: Format) -> Result<usize, Errno> {
        if self.inode.kind() != FileKind::Directory {
            return Err(Errno::ENOTDIR);
        }
        let mut position = self.position.lock();
        let mut buffer = DirBuffer::new(len, format)?;
        let mut reached = *position;
        self.ops.read_dir(self, &mut reached, &mut buffer)?;
        if buffer.bytes().is_empty() && buffer.is_full() {
            return Err(Errno::EINVAL);
        }
        let mut count = hal::user::write_partial(to, buffer.bytes());
        if count < buffer.bytes().len() {
            let whole = buffer.whole(count);
            count = whole.map_or(0, |(bytes, _)| bytes);
            // The file system has gone on to the last entry.
            let back = whole.map_or(*position, |(_, next)| next).cast_signed();
            reached = self.ops.seek(self, reached, back, Whence::Set)?;
        }
        *position = reached;
        self.shown_position.store(reached, Ordering::Relaxed);
        drop(position);
        if count == 0 && !buffer.bytes().is_empty() {
            return Err(Errno::EFAULT);
        }
        notify::file(self, InotifyMask::ACCESS);
        Ok(count)
    }

    /// Sets the position past the call's own bytes: for `sendfile` and `splice`, which read on behalf of a description.
    pub fn with_position<R>(&self, work: impl FnOnce(&mut u64) -> R) -> R {
        let mut position = self.position.lock();
        let result = work(&mut position);
        self.shown_position.store(*position, Ordering::Relaxed);
        result
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        let wrote = self.flags().access().write;
        notify::file(self, if wrote { InotifyMask::CLOSE_WRITE } else { InotifyMask::CLOSE_NOWRITE });
        crate::flock::release_description(self);
        self.ops.release(self);
        if self.counts_as_writer {
            self.inode.remove_writer();
            self.path.mount.remove_writer();
        }
    }
}
