//! Files without a name, made by calls of their own: `eventfd`, `timerfd`, `signalfd`, `epoll`, `pidfd_open`.

use abi::stat::ANON_INODE_FS_MAGIC;
use abi::{Errno, Mode, MountFlags, OpenFlags, Statfs};
use alloc::boxed::Box;
use alloc::sync::Arc;
use hal::Once;

use crate::cred::Cred;
use crate::dentry::{Dentry, Name};
use crate::file::{FileOps, OpenFile};
use crate::inode::{Attributes, FileKind, FileSystem, Inode, InodeOps, SuperBlock};
use crate::mount::{Mount, Path};

/// The name of the file system that holds them; it is mounted nowhere.
const KIND: &str = "anon_inodefs";

struct AnonymousFiles;

impl FileSystem for AnonymousFiles {
    fn statfs(&self) -> Statfs {
        Statfs { f_type: ANON_INODE_FS_MAGIC, f_bsize: 4096, f_namelen: 255, ..Statfs::default() }
    }
}

/// An inode that can do nothing: what its file can do is in the open file.
struct Nothing;

impl InodeOps for Nothing {}

static MOUNT: Once<Arc<Mount>> = Once::new();

fn mount() -> Result<Arc<Mount>, Errno> {
    if MOUNT.get().is_none() {
        let superblock = SuperBlock::new(KIND, Box::new(AnonymousFiles));
        let root = Dentry::root(inode(&superblock, FileKind::Directory, &Cred::root()));
        let _ = MOUNT.set(Mount::new(root, KIND, MountFlags::empty())?); // whoever comes second uses the first one's
    }
    MOUNT.get().cloned().ok_or(Errno::ENOMEM)
}

fn inode(superblock: &Arc<SuperBlock>, kind: FileKind, cred: &Cred) -> Arc<Inode> {
    let attributes = Attributes::new(Mode(0o600), cred.fsuid, cred.fsgid, 1);
    Inode::new(superblock, superblock.next_inode_number(), kind, attributes, Box::new(Nothing))
}

/// An open file on an anonymous inode; `label` is what `/proc/PID/fd` shows.
///
/// # Errors
/// `ENOMEM`.
pub fn file(
    label: &'static str,
    ops: Box<dyn FileOps>,
    flags: OpenFlags,
    cred: &Arc<Cred>,
) -> Result<Arc<OpenFile>, Errno> {
    open(label, ops, OpenFlags::RDWR | flags, cred)
}

/// As [`file`], for a file that is only read.
///
/// # Errors
/// `ENOMEM`.
pub fn file_for_reading(
    label: &'static str,
    ops: Box<dyn FileOps>,
    flags: OpenFlags,
    cred: &Arc<Cred>,
) -> Result<Arc<OpenFile>, Errno> {
    open(label, ops, flags, cred)
}

fn open(
    label: &'static str,
    ops: Box<dyn FileOps>,
    flags: OpenFlags,
    cred: &Arc<Cred>,
) -> Result<Arc<OpenFile>, Errno> {
    let mount = mount()?;
    let inode = inode(mount.superblock(), FileKind::Regular, cred);
    let dentry = Dentry::unattached(Name::new(label.as_bytes()), inode);
    OpenFile::new(ops, Path { mount, dentry }, flags, cred.clone())
}

/// Whether a file can have something to tell later: regular files and directories are always ready, and epoll refuses them.
/// Those that only look regular say so.
pub fn is_pollable(file: &OpenFile) -> bool {
    let inode = file.inode();
    !matches!(inode.kind(), FileKind::Regular | FileKind::Directory)
        || inode.superblock().kind == KIND
        || file.ops().has_events()
}
