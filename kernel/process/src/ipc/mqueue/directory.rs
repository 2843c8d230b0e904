//! The file system in which queues have their names: one directory, mounted where programs like, or nowhere.

use super::file::OpenQueue;
use super::queue::{Queue, Shape};
use abi::stat::{MQUEUE_MAGIC, S_ISVTX};
use abi::{Errno, Gid, Mode, MountFlags, OpenFlags, Statfs, Uid};
use alloc::boxed::Box;
use alloc::sync::Arc;
use chroma::entries::Entries;
use chroma::inode::{Attributes, FileKind, FileSystem, Found, NewNode, now};
use chroma::listing::{DirBuffer, DirPosition};
use chroma::mount::{FileSystemType, MountRequest};
use chroma::{Cred, Dentry, FileOps, Inode, InodeOps, Mount, Path, SuperBlock};
use hal::{Once, SpinLock};

const KIND: &str = "mqueue";
/// The size of an empty directory, what a name adds to it, and the size of a queue, in bytes.
const EMPTY_SIZE: u64 = 40;
const ENTRY_SIZE: u64 = 20;
const QUEUE_SIZE: u64 = 80;

/// The kernel's own mount of it.
static MOUNT: Once<Arc<Mount>> = Once::new();

/// The top of the file system, by the kernel's own mount.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn top() -> Result<Path, Errno> {
    if MOUNT.get().is_none() {
        let superblock = SuperBlock::new(KIND, Box::new(Queues));
        let mut attributes = Attributes::new(Mode(S_ISVTX | 0o777), Uid::ROOT, Gid(0), 2);
        attributes.size = EMPTY_SIZE;
        let node = Box::new(Directory { entries: Entries::locked() });
        let number = superblock.next_inode_number();
        let root = Inode::new(&superblock, number, FileKind::Directory, attributes, node);
        // Whoever comes second uses the first one's.
        let _ = MOUNT.set(Mount::new(Dentry::root(root), KIND, MountFlags::empty())?);
    }
    MOUNT.get().cloned().map(Path::top_of).ok_or(Errno::ENOMEM)
}

struct Queues;

impl FileSystem for Queues {
    fn statfs(&self) -> Statfs {
        Statfs { f_type: MQUEUE_MAGIC, f_bsize: 4096, f_namelen: 255, f_frsize: 4096, ..Statfs::default() }
    }

    fn has_programs(&self) -> bool {
        false
    }
}

/// The attributes of an inode as they are shown: times are whole seconds in this file system.
fn shown(inode: &Inode) -> Attributes {
    let mut attributes = inode.read_attributes(Attributes::clone);
    for time in [&mut attributes.atime, &mut attributes.mtime, &mut attributes.ctime] {
        time.tv_nsec = 0;
    }
    attributes
}

/// The type `mqueue`: all mounts show the same queues.
pub struct MessageQueues;

impl FileSystemType for MessageQueues {
    fn name(&self) -> &'static str {
        KIND
    }

    fn mount(&self, request: &MountRequest<'_>) -> Result<Arc<Dentry>, Errno> {
        if request.options.is_empty() { Ok(top()?.dentry) } else { Err(Errno::EINVAL) }
    }
}

/// The directory of all queues.
struct Directory {
    entries: SpinLock<Entries>,
}

/// Makes a queue under a name of the directory; without a shape it has the usual one.
///
/// # Errors
/// `EPERM`: something else than a file is asked for; what [`super::admit`] gives.
pub(super) fn create(
    dir: &Arc<Inode>,
    name: &[u8],
    node: &NewNode<'_>,
    shape: Option<Shape>,
) -> Result<Arc<Inode>, Errno> {
    let directory = dir.ops_as::<Directory>().ok_or(Errno::EPERM)?;
    if node.kind != FileKind::Regular {
        return Err(Errno::EPERM);
    }
    let queue = Arc::new(super::admit(shape)?);
    let mut attributes = Attributes::new(node.mode, node.uid, node.gid, 1);
    attributes.size = QUEUE_SIZE;
    let superblock = dir.superblock();
    let number = superblock.next_inode_number();
    let inode = Inode::new(superblock, number, FileKind::Regular, attributes, Box::new(QueueNode(queue)));
    directory.entries.lock().insert(name, inode.clone());
    resize(dir, |size| size + ENTRY_SIZE);
    Ok(inode)
}

fn resize(dir: &Inode, size: impl FnOnce(u64) -> u64) {
    let now = now();
    dir.change_attributes(|attributes| {
        attributes.size = size(attributes.size);
        (attributes.atime, attributes.mtime, attributes.ctime) = (now, now, now);
    });
}

impl InodeOps for Directory {
    fn lookup(&self, _: &Arc<Inode>, name: &[u8]) -> Result<Found, Errno> {
        let found = self.entries.lock().find(name);
        found.map(|inode| Found { inode, keep: true }).ok_or(Errno::ENOENT)
    }

    fn create(&self, dir: &Arc<Inode>, name: &[u8], node: &NewNode<'_>) -> Result<Arc<Inode>, Errno> {
        create(dir, name, node, None)
    }

    fn unlink(&self, dir: &Arc<Inode>, name: &[u8], inode: &Arc<Inode>) -> Result<(), Errno> {
        let removed = self.entries.lock().remove(name)?;
        resize(dir, |size| size.saturating_sub(ENTRY_SIZE));
        inode.change_attributes(|attributes| attributes.nlink = 0);
        drop(removed);
        Ok(())
    }

    fn attributes(&self, inode: &Inode) -> Result<Attributes, Errno> {
        Ok(shown(inode))
    }

    fn read_dir(&self, _: &Arc<Inode>, at: &mut DirPosition, into: &mut DirBuffer) -> Result<(), Errno> {
        self.entries.lock().list(at, into);
        Ok(())
    }

    fn seek_dir(&self, _: &Arc<Inode>, offset: u64) -> u64 {
        self.entries.lock().seek(offset)
    }
}

/// What a name in it means.
struct QueueNode(Arc<Queue>);

impl InodeOps for QueueNode {
    fn open(&self, _: &Arc<Inode>, _: OpenFlags, _: &Cred) -> Result<Box<dyn FileOps>, Errno> {
        Ok(Box::new(OpenQueue(self.0.clone())))
    }

    fn attributes(&self, inode: &Inode) -> Result<Attributes, Errno> {
        Ok(shown(inode))
    }

    /// The size means nothing, so it may be any.
    fn truncate(&self, inode: &Arc<Inode>, size: u64) -> Result<(), Errno> {
        inode.change_attributes(|attributes| attributes.size = size);
        inode.touch_modified();
        Ok(())
    }
}
