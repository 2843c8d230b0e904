//! Pipes and FIFOs.
//!
//! A [`Pipe`] is a ring of pages behind one sleeping lock ([`content`]). Writes of up to `PIPE_BUF` bytes go in whole or wait. An end is a
//! [`PipeEnd`]; the pipe counts its readers and writers, and the last one of a kind to go wakes the others: readers see the
//! end of the file, writers `EPIPE` (the caller of `write` sends `SIGPIPE`).

mod buffer;
mod content;
mod end;
mod fifo;
#[cfg(test)]
mod tests;
mod transfer;

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use abi::fs::OpenFlags;
use abi::{Errno, Mode};
use alloc::boxed::Box;
use alloc::sync::Arc;
use chronos::WaitQueue;
use hal::Once;

use crate::cred::Cred;
use crate::dentry::{Dentry, Name};
use crate::file::OpenFile;
use crate::inode::{Attributes, FileKind, FileSystem, Inode, InodeOps, SuperBlock};
use crate::mount::{Mount, Path};

use content::Content;
use end::{PipeEnd, Side};
pub(crate) use fifo::open_fifo;

/// The pipe itself, shared by its ends.
pub struct Pipe {
    ring: Content,
    /// Woken when something can be read, or the last writer is gone, or a writer comes.
    readable: Arc<WaitQueue>,
    /// Woken when something can be written, or the last reader is gone, or a reader comes.
    writable: Arc<WaitQueue>,
    readers: AtomicU32,
    writers: AtomicU32,
    /// How many readers and writers ever came: a FIFO's opener waits for the other kind's count to change.
    readers_ever: AtomicU32,
    writers_ever: AtomicU32,
    /// Somebody watches it: then every change is told, not only the first, for who waits for edges.
    is_watched: AtomicBool,
}

impl Pipe {
    fn new() -> Arc<Pipe> {
        Arc::new(Pipe {
            ring: Content::new(),
            readable: Arc::new(WaitQueue::new()),
            writable: Arc::new(WaitQueue::new()),
            readers: AtomicU32::new(0),
            writers: AtomicU32::new(0),
            readers_ever: AtomicU32::new(0),
            writers_ever: AtomicU32::new(0),
            is_watched: AtomicBool::new(false),
        })
    }

    fn is_watched(&self) -> bool {
        self.is_watched.load(Ordering::Relaxed)
    }

    fn has_readers(&self) -> bool {
        self.readers.load(Ordering::Acquire) != 0
    }

    fn has_writers(&self) -> bool {
        self.writers.load(Ordering::Acquire) != 0
    }

    /// Whether something can be read, or nothing ever will be; `None`: neither is so yet.
    fn has_content(&self) -> Option<bool> {
        // Writers first: what one of them left behind is seen by the look that follows.
        let has_writers = self.has_writers();
        let level = self.ring.level();
        if level.is_empty() && (has_writers || level.is_lent()) { None } else { Some(!level.is_empty()) }
    }
}

/// What an empty pipe takes, with its inode and name.
const PIPE_BYTES: usize = 2048;

struct PipeFs;

impl FileSystem for PipeFs {
    fn statfs(&self) -> abi::stat::Statfs {
        abi::stat::Statfs {
            f_type: abi::stat::PIPEFS_MAGIC,
            f_bsize: 4096,
            f_namelen: 255,
            f_frsize: 4096,
            ..abi::stat::Statfs::default()
        }
    }
}

/// The inode of an anonymous pipe: opening it again (through `/proc/self/fd`) gives another end.
struct PipeNode;

impl InodeOps for PipeNode {}

/// The mount that anonymous pipes are in; it is attached nowhere.
static MOUNT: Once<Arc<Mount>> = Once::new();

fn pipe_mount() -> Result<Arc<Mount>, Errno> {
    if let Some(mount) = MOUNT.get() {
        return Ok(mount.clone());
    }
    let superblock = SuperBlock::new("pipefs", Box::new(PipeFs));
    let attributes = Attributes::new(Mode(0o555), abi::Uid(0), abi::Gid(0), 2);
    let root = Inode::new(&superblock, 1, FileKind::Directory, attributes, Box::new(PipeNode));
    let mount = Mount::new(Dentry::root(root), "pipefs", abi::fs::MountFlags::empty())?;
    // Whoever comes second uses the first one's.
    let _ = MOUNT.set(mount);
    MOUNT.get().cloned().ok_or(Errno::ENOMEM)
}

/// Whether the inode is an anonymous pipe's, not a FIFO's.
fn is_anonymous(inode: &Inode) -> bool {
    MOUNT.get().is_some_and(|mount| Arc::ptr_eq(mount.superblock(), inode.superblock()))
}

/// `pipe2`: the reading and the writing end. Flags: `O_NONBLOCK` and `O_DIRECT` (each write is one packet).
pub fn make_pipe(cred: &Arc<Cred>, flags: OpenFlags) -> Result<(Arc<OpenFile>, Arc<OpenFile>), Errno> {
    aegis::charge::admit(PIPE_BYTES)?;
    let mount = pipe_mount()?;
    let pipe = Pipe::new();
    let superblock = mount.superblock();
    let number = superblock.next_inode_number();
    let attributes = Attributes::new(Mode(0o600), cred.fsuid, cred.fsgid, 1);
    let inode = Inode::new(superblock, number, FileKind::Fifo, attributes, Box::new(PipeNode));
    *inode.fifo.lock() = Arc::downgrade(&pipe);
    let dentry = Dentry::unattached(Name::of_kind("pipe", number), inode);
    let path = Path { mount, dentry };
    let open = |side: Side, access: OpenFlags| {
        let ops = Box::new(PipeEnd::new(pipe.clone(), side));
        OpenFile::new(ops, path.clone(), flags | access, cred.clone())
    };
    Ok((open(Side::Reader, OpenFlags::empty())?, open(Side::Writer, OpenFlags::WRONLY)?))
}

/// The pipe that an open file is an end of.
pub fn pipe_of(file: &OpenFile) -> Option<&Arc<Pipe>> {
    file.ops_as::<PipeEnd>().map(PipeEnd::pipe)
}

impl Pipe {
    /// `F_GETPIPE_SZ`: its capacity in bytes.
    pub fn capacity(&self) -> usize {
        self.ring.lock().capacity()
    }

    /// `F_SETPIPE_SZ`: changes the capacity to `size`, rounded up to a power of two of pages; gives what it is then.
    /// `EINVAL` for nonsense, `EPERM` above the limit for the unprivileged, `EBUSY` if more is in the pipe.
    pub fn set_capacity(&self, cred: &Cred, size: usize) -> Result<usize, Errno> {
        let mut ring = self.ring.lock();
        let capacity = ring.set_capacity(size, cred.has(crate::cred::Cap::SYS_RESOURCE))?;
        drop(ring);
        self.writable.wake_all(end::WRITABLE);
        Ok(capacity)
    }
}
