//! Inodes: files apart from their names.
//!
//! An [`Inode`] holds the attributes every file system has; [`InodeOps`] is what one of them implements. Operations get
//! the inode they act on as an argument, so that the implementation may be shared or hold no state at all.

use core::any::Any;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};

pub use abi::DeviceNumber;
use abi::fs::OpenFlags;
use abi::stat::{Stat, Statfs};
use abi::time::Timespec;
use abi::{Errno, Gid, Mode, Uid};
use aegis::MemoryObject;
use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use chronos::{Mutex, RwLock};
use hal::{Once, SpinLock};

use crate::cred::Cred;
use crate::file::{DirBuffer, FileOps};
use crate::flock::FileLocks;
use crate::mount::Path;
use crate::pipe::Pipe;
use crate::{io, lock_classes};

/// What an inode is; the values are the type bits of a mode, shifted right by 12 (also `d_type` of `getdents64`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs)] // inode(7) explains them
pub enum FileKind {
    Fifo = 1,
    CharDevice = 2,
    Directory = 4,
    BlockDevice = 6,
    Regular = 8,
    Symlink = 10,
    Socket = 12,
}

impl FileKind {
    /// The kind a mode's type bits name (none: a regular file, as for `mknod`).
    pub fn from_mode(mode: u32) -> Option<FileKind> {
        Some(match (mode >> 12) & 0xf {
            0 | 8 => FileKind::Regular,
            1 => FileKind::Fifo,
            2 => FileKind::CharDevice,
            4 => FileKind::Directory,
            6 => FileKind::BlockDevice,
            10 => FileKind::Symlink,
            12 => FileKind::Socket,
            _ => return None,
        })
    }

    /// The type bits of a mode (`S_IFMT`).
    pub fn type_bits(self) -> u32 {
        u32::from(self as u8) << 12
    }
}

/// A change of attributes that somebody wants to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Of the permission bits.
    Mode,
    /// Of the owner or the group.
    Owner,
    /// Of the times.
    Times,
}

/// What `stat` shows and `chmod`, `chown` and `utimensat` change.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // inode(7) explains them
pub struct Attributes {
    /// Permission, setuid, setgid and sticky bits; never type bits.
    pub mode: Mode,
    pub uid: Uid,
    pub gid: Gid,
    pub nlink: u32,
    pub size: u64,
    /// Allocated blocks of 512 bytes.
    pub blocks: u64,
    pub atime: Timespec,
    pub mtime: Timespec,
    pub ctime: Timespec,
    pub rdev: DeviceNumber,
}

impl Attributes {
    /// Those of a new node: no content, all times now.
    pub fn new(mode: Mode, uid: Uid, gid: Gid, nlink: u32) -> Attributes {
        let now = now();
        Attributes {
            mode,
            uid,
            gid,
            nlink,
            size: 0,
            blocks: 0,
            atime: now,
            mtime: now,
            ctime: now,
            rdev: DeviceNumber::default(),
        }
    }
}

/// The time that goes into inodes.
pub fn now() -> Timespec {
    chronos::clock::realtime().into()
}

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
    fn remount(&self, _options: &[u8]) -> Result<(), Errno> {
        Ok(())
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

    /// A fresh inode number.
    pub fn next_inode_number(&self) -> u64 {
        self.next_inode.fetch_add(1, Ordering::Relaxed)
    }
}

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
}

/// What `lookup` found.
pub struct Found {
    /// The entry's inode.
    pub inode: Arc<Inode>,
    /// Whether the name may be cached; false where entries come and go by themselves (processes in `/proc`).
    pub keep: bool,
}

/// A node to be made. Owner and mode are final: umask and set-group-id directories are dealt with.
pub struct NewNode<'a> {
    /// What to make.
    pub kind: FileKind,
    /// Permission bits.
    pub mode: Mode,
    /// The owner.
    pub uid: Uid,
    /// The group.
    pub gid: Gid,
    /// The device number of device nodes.
    pub rdev: DeviceNumber,
    /// The text of a symbolic link.
    pub target: &'a [u8],
}

/// A checked rename; see [`InodeOps::rename`].
pub struct Rename<'a> {
    /// The directory that loses the name.
    pub old_dir: &'a Arc<Inode>,
    /// The name it loses.
    pub old_name: &'a [u8],
    /// What moves.
    pub moved: &'a Arc<Inode>,
    /// The directory that gets it (may be the same).
    pub new_dir: &'a Arc<Inode>,
    /// The name it gets.
    pub new_name: &'a [u8],
    /// What had that name.
    pub replaced: Option<&'a Arc<Inode>>,
    /// `RENAME_EXCHANGE`: `replaced` gets the old name instead of losing a link.
    pub exchange: bool,
}

/// An xattr call's answer or argument.
pub type Bytes = Vec<u8>;

/// What a file system does with one of its inodes. Directory operations run under the superblock's tree lock (for reading:
/// `lookup`, `read_dir`; for writing: the others) after all checks of permissions and names; they keep link counts and
/// times of what they touch. All may sleep.
pub trait InodeOps: Send + Sync + Any {
    /// Finds an entry; `ENOENT` if there is none.
    fn lookup(&self, _dir: &Arc<Inode>, _name: &[u8]) -> Result<Found, Errno> {
        Err(Errno::ENOTDIR)
    }

    /// Whether "there is no such entry" may be cached: false where entries come by themselves.
    fn caches_absence(&self) -> bool {
        true
    }

    /// Makes a new entry; the name is known to be free.
    fn create(&self, _dir: &Arc<Inode>, _name: &[u8], node: &NewNode<'_>) -> Result<Arc<Inode>, Errno> {
        // Where nothing can be made at all, Linux tells files from the rest.
        Err(if node.kind == FileKind::Regular { Errno::EACCES } else { Errno::EPERM })
    }

    /// Makes a file without a name (`O_TMPFILE`).
    fn create_unnamed(&self, _dir: &Arc<Inode>, _node: &NewNode<'_>) -> Result<Arc<Inode>, Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Gives `inode` one more name.
    fn link(&self, _dir: &Arc<Inode>, _name: &[u8], _inode: &Arc<Inode>) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }

    /// Removes the name of something that is no directory.
    fn unlink(&self, _dir: &Arc<Inode>, _name: &[u8], _inode: &Arc<Inode>) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }

    /// Removes an empty directory; `ENOTEMPTY` if it is not.
    fn rmdir(&self, _dir: &Arc<Inode>, _name: &[u8], _inode: &Arc<Inode>) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }

    /// Moves an entry. Called on the old directory's operations; `ENOTEMPTY` if a directory that is to be replaced is not
    /// empty.
    fn rename(&self, _rename: &Rename<'_>) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }

    /// The text of a symbolic link.
    fn readlink(&self, _inode: &Arc<Inode>) -> Result<Bytes, Errno> {
        Err(Errno::EINVAL)
    }

    /// Where a magic link (`/proc/self/fd/1`) leads, `None` for ordinary ones.
    fn follow(&self, _inode: &Arc<Inode>, _cred: &Cred) -> Result<Option<Path>, Errno> {
        Ok(None)
    }

    /// Lists entries from `*position` on, advancing it past each one that fitted. Cookies are stable: whoever adds or
    /// removes entries meanwhile neither hides nor doubles others. `.` and `..` are the caller's (positions 0 and 1), so
    /// positions here start at 2.
    fn read_dir(&self, _dir: &Arc<Inode>, _position: &mut u64, _into: &mut DirBuffer) -> Result<(), Errno> {
        Err(Errno::ENOTDIR)
    }

    /// The attributes as of now; the default reads the inode's own.
    fn attributes(&self, inode: &Inode) -> Result<Attributes, Errno> {
        Ok(inode.read_attributes(Attributes::clone))
    }

    /// Called before a change of attributes; `EPERM` where the file system does not let them be changed.
    fn may_change(&self, _inode: &Inode, _change: Change) -> Result<(), Errno> {
        Ok(())
    }

    /// Sets the size of a regular file. Runs under [`Inode::content`].
    fn truncate(&self, _inode: &Arc<Inode>, _size: u64) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    /// Opens a regular file, or a device of the file system's own; other kinds are opened by chroma.
    fn open(&self, _inode: &Arc<Inode>, _flags: OpenFlags, _cred: &Cred) -> Result<Box<dyn FileOps>, Errno> {
        Err(Errno::ENXIO)
    }

    /// The pages of a regular file, for `exec` and `mmap`.
    fn memory_object(&self, _inode: &Arc<Inode>) -> Result<Arc<dyn MemoryObject>, Errno> {
        Err(Errno::ENODEV)
    }

    /// An extended attribute (`ENODATA` if absent).
    fn get_xattr(&self, _inode: &Inode, _name: &[u8]) -> Result<Bytes, Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Sets an extended attribute; `flags` are `XATTR_CREATE` and `XATTR_REPLACE`.
    fn set_xattr(&self, _inode: &Inode, _name: &[u8], _value: &[u8], _flags: u32) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Removes an extended attribute.
    fn remove_xattr(&self, _inode: &Inode, _name: &[u8]) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// The names of all extended attributes, each with a NUL at its end.
    fn list_xattr(&self, _inode: &Inode) -> Result<Bytes, Errno> {
        Ok(Vec::new())
    }
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
            st_dev: u64::from(self.superblock.device.encode()),
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

#[cfg(test)]
mod tests {
    use super::FileKind;

    #[test]
    fn unknown_type_bits_name_no_kind() {
        assert_eq!(FileKind::from_mode(0o170000), None);
        assert_eq!(FileKind::from_mode(0o644), Some(FileKind::Regular));
        assert_eq!(FileKind::Directory.type_bits(), 0o040000);
    }
}
