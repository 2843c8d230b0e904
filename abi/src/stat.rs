//! File modes and what the `stat` family returns.
#![expect(missing_docs, reason = "fields and bits bear the names of the man pages")]

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A file's mode: its type (`S_IFMT`) and its permission bits (`07777`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(transparent)]
pub struct Mode(pub u32);

/// The mask of the type in a mode.
pub const S_IFMT: u32 = 0o170_000;
/// A socket.
pub const S_IFSOCK: u32 = 0o140_000;
/// A symbolic link.
pub const S_IFLNK: u32 = 0o120_000;
/// A regular file.
pub const S_IFREG: u32 = 0o100_000;
/// A block device.
pub const S_IFBLK: u32 = 0o060_000;
/// A directory.
pub const S_IFDIR: u32 = 0o040_000;
/// A character device.
pub const S_IFCHR: u32 = 0o020_000;
/// A FIFO.
pub const S_IFIFO: u32 = 0o010_000;
/// Set the user on execution.
pub const S_ISUID: u32 = 0o4000;
/// Set the group on execution; on a directory: new entries take its group.
pub const S_ISGID: u32 = 0o2000;
/// Sticky: only owners remove entries of the directory.
pub const S_ISVTX: u32 = 0o1000;

impl Mode {
    /// The type bits alone.
    pub const fn kind(self) -> u32 {
        self.0 & S_IFMT
    }

    /// The permission bits alone (`07777`).
    pub const fn permissions(self) -> u32 {
        self.0 & 0o7777
    }

    /// Whether the type bits say directory.
    pub const fn is_dir(self) -> bool {
        self.kind() == S_IFDIR
    }

    /// Whether the type bits say regular file.
    pub const fn is_regular(self) -> bool {
        self.kind() == S_IFREG
    }

    /// Whether the type bits say symbolic link.
    pub const fn is_symlink(self) -> bool {
        self.kind() == S_IFLNK
    }

    /// The `d_type` byte of a directory entry of this kind.
    pub const fn dirent_type(self) -> u8 {
        (self.kind() >> 12) as u8
    }
}

/// `struct stat`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Stat {
    pub st_dev: u64,
    pub st_ino: u64,
    pub st_nlink: u64,
    pub st_mode: u32,
    pub st_uid: u32,
    pub st_gid: u32,
    pub pad0: u32,
    pub st_rdev: u64,
    pub st_size: i64,
    pub st_blksize: i64,
    pub st_blocks: i64,
    pub st_atime: i64,
    pub st_atime_nsec: i64,
    pub st_mtime: i64,
    pub st_mtime_nsec: i64,
    pub st_ctime: i64,
    pub st_ctime_nsec: i64,
    pub unused: [i64; 3],
}

/// `struct statx_timestamp`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct StatxTimestamp {
    pub tv_sec: i64,
    pub tv_nsec: u32,
    pub reserved: i32,
}

/// `struct statx`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Statx {
    pub stx_mask: u32,
    pub stx_blksize: u32,
    pub stx_attributes: u64,
    pub stx_nlink: u32,
    pub stx_uid: u32,
    pub stx_gid: u32,
    pub stx_mode: u16,
    pub spare0: u16,
    pub stx_ino: u64,
    pub stx_size: u64,
    pub stx_blocks: u64,
    pub stx_attributes_mask: u64,
    pub stx_atime: StatxTimestamp,
    pub stx_btime: StatxTimestamp,
    pub stx_ctime: StatxTimestamp,
    pub stx_mtime: StatxTimestamp,
    pub stx_rdev_major: u32,
    pub stx_rdev_minor: u32,
    pub stx_dev_major: u32,
    pub stx_dev_minor: u32,
    pub stx_mnt_id: u64,
    pub stx_dio_mem_align: u32,
    pub stx_dio_offset_align: u32,
    pub spare3: [u64; 12],
}

bitflags::bitflags! {
    /// Which fields of [`Statx`] are asked for or valid (`STATX_*`).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct StatxMask: u32 {
        const TYPE = 0x1;
        const MODE = 0x2;
        const NLINK = 0x4;
        const UID = 0x8;
        const GID = 0x10;
        const ATIME = 0x20;
        const MTIME = 0x40;
        const CTIME = 0x80;
        const INO = 0x100;
        const SIZE = 0x200;
        const BLOCKS = 0x400;
        const BASIC_STATS = 0x7ff;
        const BTIME = 0x800;
        const MNT_ID = 0x1000;
        const DIOALIGN = 0x2000;
    }
}

/// A bit of `mask` that is refused with `EINVAL`.
pub const STATX_RESERVED: u32 = 0x8000_0000;
/// `stx_attributes`: the file is the root of a mount.
pub const STATX_ATTR_MOUNT_ROOT: u64 = 0x2000;

/// `struct statfs`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Statfs {
    pub f_type: i64,
    pub f_bsize: i64,
    pub f_blocks: u64,
    pub f_bfree: u64,
    pub f_bavail: u64,
    pub f_files: u64,
    pub f_ffree: u64,
    pub f_fsid: [i32; 2],
    pub f_namelen: i64,
    pub f_frsize: i64,
    pub f_flags: i64,
    pub f_spare: [i64; 4],
}

/// `f_type` of tmpfs.
pub const TMPFS_MAGIC: i64 = 0x0102_1994;
/// `f_type` of mqueue.
pub const MQUEUE_MAGIC: i64 = 0x1980_0202;
/// `f_type` of ramfs, which Linux's first root is.
pub const RAMFS_MAGIC: i64 = 0x8584_58f6;
/// `f_type` of procfs.
pub const PROC_SUPER_MAGIC: i64 = 0x9fa0;
/// `f_type` of sysfs.
pub const SYSFS_MAGIC: i64 = 0x6265_6572;
/// `f_type` of devpts.
pub const DEVPTS_SUPER_MAGIC: i64 = 0x1cd1;
/// `f_type` of the pipe file system.
pub const PIPEFS_MAGIC: i64 = 0x5049_5045;
/// The same of sockets.
pub const SOCKFS_MAGIC: i64 = 0x534f_434b;
/// `f_type` of anonymous inodes (eventfd and the like).
pub const ANON_INODE_FS_MAGIC: i64 = 0x0904_1934;
