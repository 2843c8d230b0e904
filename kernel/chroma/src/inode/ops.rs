//! What a file system implements.

use core::any::Any;

use abi::fs::OpenFlags;
use abi::{DeviceNumber, Errno, Gid, Mode, Uid};
use aegis::MemoryObject;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Attributes, Change, FileKind, Inode};
use crate::cred::Cred;
use crate::file::FileOps;
use crate::listing::{DirBuffer, DirPosition};
use crate::mount::Path;

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

    /// Whether a name that means nothing is an error of its own, whatever was to be done with it (`/proc`).
    fn refuses_new_names(&self, _dir: &Inode) -> bool {
        false
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

    /// Lists entries from `at` on, advancing it past each one that fitted: whoever adds or removes entries meanwhile neither
    /// hides nor doubles others. `.` and `..` are the caller's (offsets 0 and 1), so offsets here start at 2.
    fn read_dir(&self, _dir: &Arc<Inode>, _at: &mut DirPosition, _into: &mut DirBuffer) -> Result<(), Errno> {
        Err(Errno::ENOTDIR)
    }

    /// The cursor for an offset that `lseek` has chosen, where offsets alone do not tell the place. Runs under the tree lock,
    /// held for reading.
    fn seek_dir(&self, _dir: &Arc<Inode>, _offset: u64) -> u64 {
        0
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
