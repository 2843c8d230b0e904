//! What every inode says about itself.

use abi::time::Timespec;
use abi::{DeviceNumber, Gid, Mode, Uid};

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
