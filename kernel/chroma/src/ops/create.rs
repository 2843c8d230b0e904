//! Making things: `mknod`, `mkdir`, `symlink`.

use abi::inotify::InotifyMask;
use abi::stat::{S_ISGID, S_ISVTX};
use abi::{DeviceNumber, Errno, Gid, Mode};
use alloc::sync::Arc;

use super::may_change;
use crate::cred::{Cap, Cred};
use crate::dentry::{self, Dentry, Name};
use crate::inode::{FileKind, Inode, NewNode};
use crate::mount::Path;
use crate::notify;
use crate::walk::{Entry, Last, View, WalkFlags, Walker, entry_of};

/// What a new inode takes, with its name in the directory and in the cache.
pub(super) const NODE_BYTES: usize = 2048;

/// What to make, as a system call says it.
pub struct Node<'a> {
    /// What it is.
    pub kind: FileKind,
    /// The permission bits asked for.
    pub mode: Mode,
    /// Which of them the caller masks out.
    pub umask: Mode,
    /// The number of a device.
    pub rdev: DeviceNumber,
    /// The text of a symbolic link.
    pub target: &'a [u8],
}

impl<'a> Node<'a> {
    /// A node of this kind without device number or text.
    pub fn new(kind: FileKind, mode: Mode, umask: Mode) -> Node<'a> {
        Node { kind, mode, umask, rdev: DeviceNumber::default(), target: &[] }
    }

    /// Owner and mode of the node in a directory with these attributes: in a set-group-id directory the group is the
    /// directory's, and new directories get the bit too.
    pub(super) fn in_directory(&self, cred: &Cred, directory: &Inode) -> NewNode<'a> {
        let (dir_mode, dir_gid) = directory.read_attributes(|a| (a.mode.0, a.gid));
        let inherits = dir_mode & S_ISGID != 0;
        let gid: Gid = if inherits { dir_gid } else { cred.fsgid };
        let mut mode = self.mode.0 & !self.umask.0 & 0o7777;
        if inherits && self.kind == FileKind::Directory {
            mode |= S_ISGID;
        } else if inherits && mode & 0o2010 == 0o2010 && !cred.in_group(gid) && !cred.has(Cap::FSETID) {
            mode &= !S_ISGID;
        }
        NewNode {
            kind: self.kind,
            mode: Mode(mode),
            uid: cred.fsuid,
            gid,
            rdev: self.rdev,
            target: self.target,
        }
    }
}

/// Makes `node` under a name that is known to be free; the caller holds the tree lock for writing and has checked
/// everything. Gives the new dentry, cached.
pub(super) fn make(
    cred: &Cred,
    directory: &Path,
    name: &[u8],
    node: &Node<'_>,
) -> Result<(Arc<Dentry>, Arc<Inode>), Errno> {
    let parent = directory.dentry.inode()?;
    aegis::charge::admit(NODE_BYTES + node.target.len())?;
    let inode = parent.ops().create(parent, name, &node.in_directory(cred, parent))?;
    let dentry = Dentry::child(&directory.dentry, Name::new(name), Some(inode.clone()));
    Ok((dentry::replace_name(&directory.dentry, name, dentry), inode))
}

impl View<'_> {
    /// `mknod`: a regular file, FIFO, socket or device. `EPERM` for devices without `CAP_MKNOD` and for directories.
    pub fn mknod(&self, name: &[u8], node: &Node<'_>) -> Result<(), Errno> {
        let is_device = matches!(node.kind, FileKind::CharDevice | FileKind::BlockDevice);
        let check = |cred: &Cred| if is_device { cred.require(Cap::MKNOD) } else { Ok(()) };
        if node.kind == FileKind::Directory {
            return Err(Errno::EPERM);
        }
        self.make_entry(name, node, check).map(drop)
    }

    /// `mknod` for a socket that is being bound: the new inode.
    pub fn bind_socket(&self, name: &[u8], node: &Node<'_>) -> Result<Path, Errno> {
        self.make_entry(name, node, |_| Ok(()))
    }

    /// `mkdir`.
    pub fn mkdir(&self, name: &[u8], mode: Mode, umask: Mode) -> Result<(), Errno> {
        let mode = Mode(mode.0 & (0o777 | S_ISVTX));
        self.make_entry(name, &Node::new(FileKind::Directory, mode, umask), |_| Ok(())).map(drop)
    }

    /// `symlink`: `ENOENT` for an empty text.
    pub fn symlink(&self, target: &[u8], name: &[u8]) -> Result<(), Errno> {
        if target.is_empty() {
            return Err(Errno::ENOENT);
        }
        if target.len() >= abi::fs::PATH_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        let node = Node { target, ..Node::new(FileKind::Symlink, Mode(0o777), Mode(0)) };
        self.make_entry(name, &node, |_| Ok(())).map(drop)
    }

    fn make_entry(
        &self,
        name: &[u8],
        node: &Node<'_>,
        check: impl FnOnce(&Cred) -> Result<(), Errno>,
    ) -> Result<Path, Errno> {
        let mut walker = Walker::new(self, name, WalkFlags::empty())?;
        let Last::Name(range) = walker.walk_to_last()? else { return Err(Errno::EEXIST) };
        let directory = &walker.at;
        let name = walker.name(&range);
        let superblock = directory.mount.superblock();
        let tree = superblock.tree.write();
        if let Entry::Taken(..) = entry_of(&directory.dentry, name)? {
            return Err(Errno::EEXIST);
        }
        if walker.trailing_slash() && node.kind != FileKind::Directory {
            return Err(Errno::ENOENT);
        }
        directory.mount.check_writable()?;
        may_change(self.cred, directory)?;
        check(self.cred)?;
        let (dentry, _) = make(self.cred, directory, name, node)?;
        drop(tree);
        let is_directory = node.kind == FileKind::Directory;
        notify::name(directory.dentry.inode()?, InotifyMask::CREATE, name, is_directory);
        Ok(Path { mount: directory.mount.clone(), dentry })
    }
}
