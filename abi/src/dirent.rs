//! The entries that a listing of a directory gives.
#![expect(missing_docs, reason = "fields and bits bear the names of the man pages")]

use crate::stat::{S_IFMT, S_IFREG};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The fixed part of `struct linux_dirent64`; the NUL-terminated name follows directly at offset
/// [`Dirent64::NAME_OFFSET`], and the record is padded to a multiple of 8.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, packed)]
pub struct Dirent64 {
    pub d_ino: u64,
    pub d_off: i64,
    pub d_reclen: u16,
    pub d_type: u8,
}

impl Dirent64 {
    /// Where the name starts in a record.
    pub const NAME_OFFSET: usize = 19;

    /// The length of the record for a name of `name_len` bytes.
    pub const fn record_len(name_len: usize) -> usize {
        (Self::NAME_OFFSET + name_len + 1).next_multiple_of(8)
    }
}

/// The fixed part of `struct linux_dirent`, which `getdents` gives: the name with its NUL follows at
/// [`Dirent::NAME_OFFSET`], and the type is the record's last byte, behind the padding.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, packed)]
pub struct Dirent {
    pub d_ino: u64,
    pub d_off: i64,
    pub d_reclen: u16,
}

impl Dirent {
    /// Where the name starts in a record.
    pub const NAME_OFFSET: usize = 18;

    /// The length of the record for a name of `name_len` bytes.
    pub const fn record_len(name_len: usize) -> usize {
        (Self::NAME_OFFSET + name_len + 2).next_multiple_of(8)
    }
}

/// `d_type`: unknown.
pub const DT_UNKNOWN: u8 = 0;
/// `d_type` of a FIFO.
pub const DT_FIFO: u8 = 1;
/// `d_type` of a character device.
pub const DT_CHR: u8 = 2;
/// `d_type` of a directory.
pub const DT_DIR: u8 = 4;
/// `d_type` of a block device.
pub const DT_BLK: u8 = 6;
/// `d_type` of a regular file: the type bits of the mode, shifted.
pub const DT_REG: u8 = ((S_IFREG & S_IFMT) >> 12) as u8;
/// `d_type` of a symbolic link.
pub const DT_LNK: u8 = 10;
/// `d_type` of a socket.
pub const DT_SOCK: u8 = 12;
