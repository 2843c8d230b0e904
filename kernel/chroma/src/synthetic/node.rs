//! Nodes of synthetic file systems.

use core::sync::atomic::{AtomicU64, Ordering};

use abi::fs::OpenFlags;
use abi::{Errno, Gid, Mode, Uid};
use alloc::boxed::Box;
use alloc::sync::Arc;

use super::directory::{Directory, Listing};
use super::file::{Content, OpenContent};
use crate::cred::Cred;
use crate::file::FileOps;
use crate::inode::{Attributes, Bytes, Change, FileKind, Found, Inode, InodeOps, SuperBlock};
use crate::listing::{DirBuffer, DirPosition};
use crate::mount::Path;

/// Opens a file that is more than text (`/proc/kmsg`).
pub type Opener = Arc<dyn Fn(OpenFlags, &Cred) -> Result<Box<dyn FileOps>, Errno> + Send + Sync>;

/// Where a symbolic link leads.
pub trait Follow: Send + Sync {
    /// Its text.
    fn text(&self) -> Result<Bytes, Errno>;

    /// The place itself, for links whose text alone can't be walked (`/proc/PID/fd/N`); `EACCES` if `cred` may not.
    fn place(&self, _cred: &Cred) -> Result<Option<Path>, Errno> {
        Ok(None)
    }
}

impl<F: Fn() -> Result<Bytes, Errno> + Send + Sync> Follow for F {
    fn text(&self) -> Result<Bytes, Errno> {
        self()
    }
}

/// What a name in a synthetic directory means.
#[derive(Clone)]
pub enum Node {
    /// A directory.
    Directory(Arc<Directory>),
    /// Generated text.
    File(Arc<dyn Content>),
    /// A file with operations of its own.
    Special(Opener),
    /// A symbolic link.
    Link(Arc<dyn Follow>),
}

/// Which attributes of an entry stay as its owner made them; `EPERM` for whoever wants to change them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fixed {
    /// None.
    #[default]
    Nothing,
    /// The permission bits.
    Mode,
    /// The permission bits and the owner.
    ModeAndOwner,
    /// Those and the times: the directories of processes are immutable.
    Everything,
}

impl Fixed {
    fn covers(self, change: Change) -> bool {
        let from = match change {
            Change::Mode => Fixed::Mode,
            Change::Owner => Fixed::ModeAndOwner,
            Change::Times => Fixed::Everything,
        };
        self >= from
    }
}

/// A node with its attributes.
#[derive(Clone)]
pub struct Entry {
    /// What it is.
    pub node: Node,
    /// Permission bits.
    pub mode: Mode,
    /// Owner.
    pub uid: Uid,
    /// Group.
    pub gid: Gid,
    /// The inode number.
    pub number: u64,
    /// The size that `stat` shows (0 in procfs, 4096 in sysfs).
    pub size: u64,
    /// Whether `/proc`-like lookups may keep it cached.
    pub keep: bool,
    /// What `chmod` and its kin may not change.
    pub fixed: Fixed,
}

/// Inode numbers of fixed entries, apart from those that dynamic directories choose.
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(0xf000_0000);

impl Entry {
    fn new(node: Node, mode: Mode) -> Entry {
        let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
        Entry { node, mode, uid: Uid(0), gid: Gid(0), number, size: 0, keep: true, fixed: Fixed::Nothing }
    }

    /// A directory owned by root.
    pub fn directory(directory: Arc<Directory>, mode: Mode) -> Entry {
        Entry::new(Node::Directory(directory), mode)
    }

    /// A file owned by root.
    pub fn file(content: impl Content + 'static, mode: Mode) -> Entry {
        Entry::new(Node::File(Arc::new(content)), mode)
    }

    /// A file with operations of its own, owned by root.
    pub fn special(opener: Opener, mode: Mode) -> Entry {
        Entry::new(Node::Special(opener), mode)
    }

    /// A symbolic link.
    pub fn link(follow: impl Follow + 'static) -> Entry {
        Entry::new(Node::Link(Arc::new(follow)), Mode(0o777))
    }

    /// The same with another owner.
    pub fn owned_by(self, uid: Uid, gid: Gid) -> Entry {
        Entry { uid, gid, ..self }
    }

    /// The same with this inode number.
    pub fn numbered(self, number: u64) -> Entry {
        Entry { number, ..self }
    }

    /// The same with this size in `stat`.
    pub fn sized(self, size: u64) -> Entry {
        Entry { size, ..self }
    }

    /// The same, with attributes that can't be changed.
    pub fn fixed(self, fixed: Fixed) -> Entry {
        Entry { fixed, ..self }
    }

    /// The same, but looked up anew each time.
    pub fn volatile(self) -> Entry {
        Entry { keep: false, ..self }
    }

    /// The kind of its inode.
    pub fn kind(&self) -> FileKind {
        match &self.node {
            Node::Directory(_) => FileKind::Directory,
            Node::File(_) | Node::Special(_) => FileKind::Regular,
            Node::Link(_) => FileKind::Symlink,
        }
    }

    /// An inode for it.
    pub(super) fn into_inode(self, superblock: &Arc<SuperBlock>) -> Arc<Inode> {
        let nlink = match &self.node {
            Node::Directory(directory) => directory.link_count(),
            _ => 1,
        };
        let mut attributes = Attributes::new(self.mode, self.uid, self.gid, nlink);
        attributes.size = self.size;
        let kind = self.kind();
        Inode::new(
            superblock,
            self.number,
            kind,
            attributes,
            Box::new(SyntheticNode { node: self.node, fixed: self.fixed }),
        )
    }
}

struct SyntheticNode {
    node: Node,
    fixed: Fixed,
}

impl InodeOps for SyntheticNode {
    fn lookup(&self, dir: &Arc<Inode>, name: &[u8]) -> Result<Found, Errno> {
        let Node::Directory(directory) = &self.node else { return Err(Errno::ENOTDIR) };
        let entry = directory.lookup(name)?;
        let keep = entry.keep;
        Ok(Found { inode: entry.into_inode(dir.superblock()), keep })
    }

    fn caches_absence(&self) -> bool {
        false
    }

    fn refuses_new_names(&self, dir: &Inode) -> bool {
        dir.superblock().kind == crate::procfs::PROC
    }

    fn readlink(&self, _: &Arc<Inode>) -> Result<Bytes, Errno> {
        let Node::Link(link) = &self.node else { return Err(Errno::EINVAL) };
        link.text()
    }

    fn follow(&self, _: &Arc<Inode>, cred: &Cred) -> Result<Option<Path>, Errno> {
        let Node::Link(link) = &self.node else { return Ok(None) };
        link.place(cred)
    }

    fn read_dir(&self, _: &Arc<Inode>, at: &mut DirPosition, into: &mut DirBuffer) -> Result<(), Errno> {
        let Node::Directory(directory) = &self.node else { return Err(Errno::ENOTDIR) };
        directory.list(&mut Listing::new(&mut at.offset, into))
    }

    fn attributes(&self, inode: &Inode) -> Result<Attributes, Errno> {
        let mut attributes = inode.read_attributes(Attributes::clone);
        if let Node::Directory(directory) = &self.node {
            attributes.nlink = directory.link_count();
        }
        Ok(attributes)
    }

    fn may_change(&self, _: &Inode, change: Change) -> Result<(), Errno> {
        if self.fixed.covers(change) { Err(Errno::EPERM) } else { Ok(()) }
    }

    fn truncate(&self, _: &Arc<Inode>, _: u64) -> Result<(), Errno> {
        // `echo 1 > /proc/sys/...` truncates first; the text has no length of its own.
        Ok(())
    }

    fn open(&self, _: &Arc<Inode>, flags: OpenFlags, cred: &Cred) -> Result<Box<dyn FileOps>, Errno> {
        match &self.node {
            Node::File(content) => {
                content.open(cred)?;
                Ok(Box::new(OpenContent::new(content.clone())))
            }
            Node::Special(opener) => opener(flags, cred),
            _ => Err(Errno::ENXIO),
        }
    }
}
