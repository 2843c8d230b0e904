//! Inodes of tmpfs.

use core::sync::atomic::Ordering;

use abi::Errno;
use abi::fs::OpenFlags;
use aegis::MemoryObject;
use alloc::boxed::Box;
use alloc::sync::Arc;

use super::attributes::ExtendedAttributes;
use super::directory::{self, Directory};
use super::file::{Content, RegularFile};
use super::{TmpFs, instance_of};
use crate::cred::Cred;
use crate::file::FileOps;
use crate::inode::{Attributes, Bytes, FileKind, Found, Inode, InodeOps, NewNode, Rename, SuperBlock};
use crate::listing::{DirBuffer, DirPosition};

/// Links up to this many bytes need no page (Linux's `SHORT_SYMLINK_LEN`).
const SHORT_SYMLINK: usize = 128;

/// What tmpfs keeps of an inode; which parts exist depends on its kind.
pub(super) struct TmpNode {
    pub(super) directory: Option<Directory>,
    pub(super) content: Option<Content>,
    target: Box<[u8]>,
    attributes: ExtendedAttributes,
    superblock: Arc<SuperBlock>,
}

/// Makes an inode in `dir`'s file system; `ENOSPC` beyond `nr_inodes=`.
pub(super) fn new_inode(dir: &Inode, node: &NewNode<'_>) -> Result<Arc<Inode>, Errno> {
    instance_of(dir).ok_or(Errno::EIO)?.charge_inode()?;
    Ok(make_inode(dir.superblock(), node))
}

/// As [`new_inode`], already counted.
pub(super) fn make_inode(superblock: &Arc<SuperBlock>, node: &NewNode<'_>) -> Arc<Inode> {
    let is_directory = node.kind == FileKind::Directory;
    let mut attributes = Attributes::new(node.mode, node.uid, node.gid, if is_directory { 2 } else { 1 });
    attributes.rdev = node.rdev;
    attributes.size = if is_directory { directory::EMPTY_SIZE } else { node.target.len() as u64 };
    if node.target.len() >= SHORT_SYMLINK {
        attributes.blocks = 8;
    }
    let ops = TmpNode {
        directory: is_directory.then(Directory::new),
        content: (node.kind == FileKind::Regular).then(|| Content::new(superblock)),
        target: node.target.into(),
        attributes: ExtendedAttributes::new(),
        superblock: superblock.clone(),
    };
    Inode::new(superblock, superblock.next_inode_number(), node.kind, attributes, Box::new(ops))
}

impl TmpNode {
    fn directory(&self) -> Result<&Directory, Errno> {
        self.directory.as_ref().ok_or(Errno::ENOTDIR)
    }

    fn content(&self) -> Result<&Content, Errno> {
        self.content.as_ref().ok_or(Errno::EINVAL)
    }
}

impl Drop for TmpNode {
    fn drop(&mut self) {
        let ops: &dyn core::any::Any = &*self.superblock.ops;
        if let Some(fs) = ops.downcast_ref::<TmpFs>() {
            fs.used_inodes.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl InodeOps for TmpNode {
    fn lookup(&self, _: &Arc<Inode>, name: &[u8]) -> Result<Found, Errno> {
        self.directory()?.lookup(name)
    }

    fn create(&self, dir: &Arc<Inode>, name: &[u8], node: &NewNode<'_>) -> Result<Arc<Inode>, Errno> {
        self.directory()?.create(dir, name, node)
    }

    fn create_unnamed(&self, dir: &Arc<Inode>, node: &NewNode<'_>) -> Result<Arc<Inode>, Errno> {
        let inode = new_inode(dir, node)?;
        inode.change_attributes(|a| a.nlink = 0);
        Ok(inode)
    }

    fn link(&self, dir: &Arc<Inode>, name: &[u8], inode: &Arc<Inode>) -> Result<(), Errno> {
        self.directory()?.link(dir, name, inode)
    }

    fn unlink(&self, dir: &Arc<Inode>, name: &[u8], inode: &Arc<Inode>) -> Result<(), Errno> {
        self.directory()?.unlink(dir, name, inode)
    }

    fn rmdir(&self, dir: &Arc<Inode>, name: &[u8], inode: &Arc<Inode>) -> Result<(), Errno> {
        self.directory()?.rmdir(dir, name, inode)
    }

    fn rename(&self, rename: &Rename<'_>) -> Result<(), Errno> {
        directory::rename(rename)
    }

    fn readlink(&self, inode: &Arc<Inode>) -> Result<Bytes, Errno> {
        if inode.kind() == FileKind::Symlink { Ok(self.target.to_vec()) } else { Err(Errno::EINVAL) }
    }

    fn read_dir(&self, _: &Arc<Inode>, at: &mut DirPosition, into: &mut DirBuffer) -> Result<(), Errno> {
        self.directory()?.list(at, into);
        Ok(())
    }

    fn seek_dir(&self, _: &Arc<Inode>, offset: u64) -> u64 {
        self.directory().map_or(0, |directory| directory.seek(offset))
    }

    fn attributes(&self, inode: &Inode) -> Result<Attributes, Errno> {
        let mut attributes = inode.read_attributes(Attributes::clone);
        if let Some(content) = &self.content {
            attributes.blocks = content.pages_held().saturating_mul(8);
        }
        Ok(attributes)
    }

    fn truncate(&self, inode: &Arc<Inode>, size: u64) -> Result<(), Errno> {
        self.content()?.truncate(inode, size)
    }

    fn open(&self, _: &Arc<Inode>, _: OpenFlags, _: &Cred) -> Result<Box<dyn FileOps>, Errno> {
        match &self.content {
            Some(_) => Ok(Box::new(RegularFile)),
            None => Err(Errno::ENXIO),
        }
    }

    fn memory_object(&self, _: &Arc<Inode>) -> Result<Arc<dyn MemoryObject>, Errno> {
        Ok(self.content.as_ref().ok_or(Errno::ENODEV)?.object())
    }

    fn get_xattr(&self, _: &Inode, name: &[u8]) -> Result<Bytes, Errno> {
        self.attributes.get(name)
    }

    fn set_xattr(&self, _: &Inode, name: &[u8], value: &[u8], flags: u32) -> Result<(), Errno> {
        self.attributes.set(name, value, flags)
    }

    fn remove_xattr(&self, _: &Inode, name: &[u8]) -> Result<(), Errno> {
        self.attributes.remove(name)
    }

    fn list_xattr(&self, _: &Inode) -> Result<Bytes, Errno> {
        self.attributes.list()
    }
}
