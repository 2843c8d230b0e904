//! Sockets as open files.

use abi::stat::SOCKFS_MAGIC;
use abi::{Errno, Mode, MountFlags, OpenFlags, PollEvents, Statfs};
use alloc::boxed::Box;
use alloc::sync::Arc;
use chroma::dentry::Name;
use chroma::file::{FileOps, Ioctl};
use chroma::inode::{Attributes, FileKind, FileSystem, InodeOps};
use chroma::{Admission, Cred, Dentry, Inode, Mount, OpenFile, Path, PollTable, Sink, Source, SuperBlock};
use hal::Once;

use crate::socket::{Incoming, Outgoing, Socket};
use abi::socket::MessageFlags;

struct SocketFs;

impl FileSystem for SocketFs {
    fn statfs(&self) -> Statfs {
        Statfs { f_type: SOCKFS_MAGIC, f_bsize: 4096, f_namelen: 255, f_frsize: 4096, ..Statfs::default() }
    }
}

/// The inode of a socket: opening it again is refused.
struct SocketNode;

impl InodeOps for SocketNode {}

/// The mount that sockets are in; it is attached nowhere.
static MOUNT: Once<Arc<Mount>> = Once::new();

fn mount() -> Result<Arc<Mount>, Errno> {
    if MOUNT.get().is_none() {
        let superblock = SuperBlock::new("sockfs", Box::new(SocketFs));
        let attributes = Attributes::new(Mode(0o555), abi::Uid(0), abi::Gid(0), 2);
        let number = superblock.next_inode_number();
        let root = Inode::new(&superblock, number, FileKind::Directory, attributes, Box::new(SocketNode));
        // Whoever comes second uses the first one's.
        let _ = MOUNT.set(Mount::new(Dentry::root(root), "sockfs", MountFlags::empty())?);
    }
    MOUNT.get().cloned().ok_or(Errno::ENOMEM)
}

/// What stands behind the descriptors of a socket; dropping it releases the socket.
pub struct SocketFile {
    socket: Arc<dyn Socket>,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        self.socket.release();
    }
}

/// Makes a socket an open file, with the flags of [`OpenFlags::NONBLOCK`]. If that fails the socket is released.
///
/// # Errors
/// `ENOMEM`.
pub fn open(socket: Arc<dyn Socket>, flags: OpenFlags, cred: &Arc<Cred>) -> Result<Arc<OpenFile>, Errno> {
    match Admission::new(cred) {
        Ok(admission) => open_admitted(admission, socket, flags, cred),
        Err(error) => {
            socket.release();
            Err(error)
        }
    }
}

/// As [`open`], for what was admitted before.
///
/// # Errors
/// `ENOMEM`.
pub fn open_admitted(
    admission: Admission,
    socket: Arc<dyn Socket>,
    flags: OpenFlags,
    cred: &Arc<Cred>,
) -> Result<Arc<OpenFile>, Errno> {
    let ops = Box::new(SocketFile { socket: socket.clone() });
    let mount = mount()?;
    let superblock = mount.superblock();
    let number = superblock.next_inode_number();
    socket.named(number);
    let attributes = Attributes::new(Mode(0o777), cred.fsuid, cred.fsgid, 1);
    let inode = Inode::new(superblock, number, FileKind::Socket, attributes, Box::new(SocketNode));
    let dentry = Dentry::unattached(Name::of_kind("socket", number), inode);
    OpenFile::new_admitted(admission, ops, Path { mount, dentry }, OpenFlags::RDWR | flags, cred.clone())
}

/// The socket behind an open file.
///
/// # Errors
/// `ENOTSOCK`.
#[inline]
pub fn of(file: &OpenFile) -> Result<&Arc<dyn Socket>, Errno> {
    file.ops_as::<SocketFile>().map(|file| &file.socket).ok_or(Errno::ENOTSOCK)
}

impl FileOps for SocketFile {
    fn seekable(&self) -> bool {
        false
    }

    fn read(&self, file: &OpenFile, _: &mut u64, to: &mut Sink<'_>) -> Result<usize, Errno> {
        // As System V did, and Linux does.
        if to.remaining() == 0 {
            return Ok(0);
        }
        self.socket.receive(&mut Incoming::new(to, MessageFlags::empty(), file.nonblocking()))
    }

    fn write(&self, file: &OpenFile, _: &mut u64, from: &mut Source<'_>) -> Result<usize, Errno> {
        self.socket.clone().send(&mut Outgoing::new(from, file.nonblocking()))
    }

    fn signals_broken_pipe(&self) -> bool {
        self.socket.signals_broken_pipe()
    }

    fn poll(&self, _: &OpenFile, table: Option<&PollTable>) -> PollEvents {
        self.socket.poll(table)
    }

    fn ioctl(&self, _: &OpenFile, call: &Ioctl<'_>) -> Result<i64, Errno> {
        self.socket.ioctl(call)
    }
}
