//! Open file descriptions.
//!
//! An [`OpenFile`] is what `open` makes and `dup`, `fork` and `SCM_RIGHTS` share: position, status flags, the opener's
//! credentials, and the [`FileOps`] that do the work. A descriptor ([`crate::FdTable`]) only holds a capability for it.
//!
//! The position lock is held across a whole `read` or `write` of a seekable file, so that two threads that share a
//! description never use one position twice; streams (pipes, terminals) have no position and take no lock.

use core::any::Any;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use abi::Errno;
use abi::fs::OpenFlags;
use abi::inotify::InotifyMask;
use abi::poll::PollEvents;
use aegis::{MemoryObject, charge};
use alloc::boxed::Box;
use alloc::sync::Arc;
use chronos::Mutex;
use hal::{SpinLock, UserAddr};

use crate::cred::{Cap, Cred};
use crate::fdtable::FdTable;
use crate::inode::{FileKind, Inode};
use crate::io::{Sink, Source};
use crate::listing::DirBuffer;
use crate::lock_classes;
use crate::mount::Path;
use crate::notify;
use crate::poll::PollTable;
use crate::synthetic::Text;

/// What stands behind an open file. Every method gets the description it is called for, so that an implementation without
/// state of its own needs no allocation. All may sleep, `poll` may not.
pub trait FileOps: Send + Sync + Any {
    /// Whether the file has positions: `lseek`, `pread` and `pwrite` work (`ESPIPE` otherwise).
    fn seekable(&self) -> bool {
        true
    }

    /// Reads from `*position` on and advances it; 0 at the end.
    fn read(&self, _file: &OpenFile, _position: &mut u64, _to: &mut Sink<'_>) -> Result<usize, Errno> {
        Err(Errno::EINVAL)
    }

    /// Writes at `*position` and advances it; with `O_APPEND` the position is the end at that moment.
    fn write(&self, _file: &OpenFile, _position: &mut u64, _from: &mut Source<'_>) -> Result<usize, Errno> {
        Err(Errno::EINVAL)
    }

    /// Computes a new position (`lseek`); the default knows `SEEK_SET`, `SEEK_CUR` and `SEEK_END` by the inode's size.
    fn seek(&self, file: &OpenFile, current: u64, offset: i64, whence: Whence) -> Result<u64, Errno> {
        let size = || Ok(file.inode.ops().attributes(&file.inode)?.size);
        seek_within(current, offset, whence, size)
    }

    /// Answers an `ioctl`; `ENOTTY` where the command is not for this kind of file.
    fn ioctl(&self, _file: &OpenFile, _call: &Ioctl<'_>) -> Result<i64, Errno> {
        Err(Errno::ENOTTY)
    }

    /// The events that are true now. With a table, subscribes to their changes *before* looking.
    fn poll(&self, _file: &OpenFile, _table: Option<&PollTable>) -> PollEvents {
        PollEvents::IN | PollEvents::OUT | PollEvents::RDNORM | PollEvents::WRNORM
    }

    /// The pages a mapping of this file shows.
    fn memory_object(&self, _file: &OpenFile) -> Result<Arc<dyn MemoryObject>, Errno> {
        Err(Errno::ENODEV)
    }

    /// Whether a shared mapping may be made through a description that is open for writing, and whether it may be made
    /// writable later; `writes` says that it is from the start. `EPERM` where a seal forbids it.
    fn may_share(&self, _file: &OpenFile, _writes: bool) -> Result<bool, Errno> {
        Ok(true)
    }

    /// Adds lines to what `/proc/PID/fdinfo` says of every file.
    fn describe(&self, _file: &OpenFile, _text: &mut Text) {}

    /// Writes the file back (`fsync`, `fdatasync`); `EINVAL` where that means nothing.
    fn sync(&self, _file: &OpenFile) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    /// Lists a directory from `*position` on.
    fn read_dir(&self, _file: &OpenFile, _position: &mut u64, _into: &mut DirBuffer) -> Result<(), Errno> {
        Err(Errno::ENOTDIR)
    }

    /// `fallocate` with its mode bits.
    fn allocate(&self, _file: &OpenFile, _mode: u32, _offset: u64, _len: u64) -> Result<(), Errno> {
        Err(Errno::ENODEV)
    }

    /// Whether a write that fails with `EPIPE` is also a SIGPIPE to who writes.
    fn signals_broken_pipe(&self) -> bool {
        true
    }

    /// Pages that exist for the sake of this description: they come back when its last reference is gone. Must not sleep.
    fn held_pages(&self, _file: &OpenFile) -> u64 {
        0
    }

    /// Called once, when the last reference is gone.
    fn release(&self, _file: &OpenFile) {}
}

/// An `ioctl` call.
pub struct Ioctl<'a> {
    /// The command.
    pub command: u32,
    /// The argument as user space gave it.
    pub arg: u64,
    /// Who asks.
    pub cred: &'a Arc<Cred>,
    /// The caller's descriptors, for commands that make one.
    pub fds: &'a FdTable,
    /// The caller's limit of descriptors.
    pub fd_limit: u32,
}

impl Ioctl<'_> {
    /// The argument as an address.
    pub fn address(&self) -> UserAddr {
        UserAddr::new(self.arg)
    }
}

/// The reference point of an `lseek`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // lseek(2) explains them
pub enum Whence {
    Set,
    Current,
    End,
    Data,
    Hole,
}

impl Whence {
    /// By Linux's number; `EINVAL` for others.
    pub fn from_number(number: u32) -> Result<Whence, Errno> {
        Ok(match number {
            0 => Whence::Set,
            1 => Whence::Current,
            2 => Whence::End,
            3 => Whence::Data,
            4 => Whence::Hole,
            _ => return Err(Errno::EINVAL),
        })
    }
}

/// A new position within a file whose size `size` tells; a file without holes is one run of data.
pub fn seek_within(
    current: u64,
    offset: i64,
    whence: Whence,
    size: impl FnOnce() -> Result<u64, Errno>,
) -> Result<u64, Errno> {
    let base = match whence {
        Whence::Set => 0,
        Whence::Current => current,
        Whence::End => size()?,
        Whence::Data | Whence::Hole => {
            let size = size()?;
            let offset = u64::try_from(offset).ok().filter(|o| *o < size).ok_or(Errno::ENXIO)?;
            return Ok(if whence == Whence::Data { offset } else { size });
        }
    };
    base.checked_add_signed(offset).filter(|p| i64::try_from(*p).is_ok()).ok_or(Errno::EINVAL)
}

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

/// What an open file takes of the kernel's memory, with what stands behind it.
const DESCRIPTION_BYTES: usize = 1024;

/// How many descriptions there are.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// How many descriptions there are.
pub fn open_count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

/// How many there may be, but for `CAP_SYS_ADMIN` (`fs.file-max`): Linux's rule, a tenth of memory at 1 KiB each, 8192 at
/// least.
pub fn open_limit() -> u64 {
    (aegis::frames::managed() * hal::PAGE_SIZE as u64 / 1024 / 10).max(8192)
}

/// A description's place in the count, and its memory. Whoever could not undo what comes before the description is made takes
/// it first.
pub struct Admission {
    _private: (),
}

impl Admission {
    /// Admits one more description: `ENFILE` beyond [`open_limit`], `ENOMEM` when memory is short.
    pub fn new(cred: &Cred) -> Result<Admission, Errno> {
        charge::admit(DESCRIPTION_BYTES)?;
        let counted = Admission { _private: () };
        let before = COUNT.fetch_add(1, Ordering::Relaxed);
        if before >= open_limit() && !cred.has(Cap::SYS_ADMIN) {
            return Err(Errno::ENFILE); // the drop takes it back
        }
        Ok(counted)
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        COUNT.fetch_sub(1, Ordering::Relaxed);
    }
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

    /// `getdents64` into `len` bytes of user memory: the count of bytes written, 0 at the end, `EINVAL` if not even one
    /// entry fits. The position moves only past entries that reached user space.
    pub fn read_dir(&self, to: UserAddr, len: usize) -> Result<usize, Errno> {
        if self.inode.kind() != FileKind::Directory {
            return Err(Errno::ENOTDIR);
        }
        let mut position = self.position.lock();
        let mut buffer = DirBuffer::new(len)?;
        let mut reached = *position;
        self.ops.read_dir(self, &mut reached, &mut buffer)?;
        if buffer.bytes().is_empty() && buffer.is_full() {
            return Err(Errno::EINVAL);
        }
        Sink::user(to, len)
            .put(buffer.bytes())
            .and_then(|count| if count < buffer.bytes().len() { Err(Errno::EFAULT) } else { Ok(count) })?;
        *position = reached;
        self.shown_position.store(reached, Ordering::Relaxed);
        drop(position);
        notify::file(self, InotifyMask::ACCESS);
        Ok(buffer.bytes().len())
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Whence, seek_within};
    use abi::Errno;

    #[test]
    fn seeking_before_the_start_is_refused() {
        assert_eq!(seek_within(5, -6, Whence::Current, || Ok(10)), Err(Errno::EINVAL));
        assert_eq!(seek_within(5, -5, Whence::Current, || Ok(10)), Ok(0));
        assert_eq!(seek_within(0, i64::MAX, Whence::End, || Ok(10)), Err(Errno::EINVAL));
    }

    #[test]
    fn a_plain_file_is_one_run_of_data_with_a_hole_at_its_end() {
        assert_eq!(seek_within(0, 3, Whence::Data, || Ok(10)), Ok(3));
        assert_eq!(seek_within(0, 3, Whence::Hole, || Ok(10)), Ok(10));
        assert_eq!(seek_within(0, 10, Whence::Data, || Ok(10)), Err(Errno::ENXIO));
    }
}
