//! Opening, naming, locking and reading files and directories.
#![expect(missing_docs, reason = "fields and bits bear the names of the man pages")]

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The longest path in bytes, with its NUL.
pub const PATH_MAX: usize = 4096;
/// The longest name of one component in bytes.
pub const NAME_MAX: usize = 255;
/// Writes of at most this many bytes to a pipe are atomic.
pub const PIPE_BUF: usize = 4096;
/// The most [`Iovec`]s in one call.
pub const IOV_MAX: usize = 1024;
/// The most bytes one read or write transfers (`MAX_RW_COUNT`).
pub const MAX_RW_COUNT: usize = 0x7fff_f000;
/// How many symbolic links one path walk follows at most.
pub const MAX_SYMLINKS: usize = 40;

bitflags::bitflags! {
    /// The flags of `open` and of `F_GETFL`/`F_SETFL`, without the access mode (see [`OpenFlags::access`]).
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct OpenFlags: u32 {
        /// The mask of the access mode; 3 asks for both permissions and gives neither.
        const ACCMODE = 3;
        const WRONLY = 0o1;
        const RDWR = 0o2;
        const CREAT = 0o100;
        const EXCL = 0o200;
        const NOCTTY = 0o400;
        const TRUNC = 0o1000;
        const APPEND = 0o2000;
        const NONBLOCK = 0o4000;
        const DSYNC = 0o10000;
        const ASYNC = 0o20000;
        const DIRECT = 0o40000;
        const LARGEFILE = 0o100_000;
        const DIRECTORY = 0o200_000;
        const NOFOLLOW = 0o400_000;
        const NOATIME = 0o1_000_000;
        const CLOEXEC = 0o2_000_000;
        const SYNC = 0o4_010_000;
        const PATH = 0o10_000_000;
        const TMPFILE = 0o20_200_000;
    }
}

/// What the access mode of [`OpenFlags`] permits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccessMode {
    /// Reading.
    pub read: bool,
    /// Writing.
    pub write: bool,
}

impl OpenFlags {
    /// The access the mode gives to the descriptor.
    pub const fn access(self) -> AccessMode {
        match self.bits() & Self::ACCMODE.bits() {
            0 => AccessMode { read: true, write: false },
            1 => AccessMode { read: false, write: true },
            2 => AccessMode { read: true, write: true },
            _ => AccessMode { read: false, write: false },
        }
    }

    /// The flags that `F_SETFL` can change.
    pub const fn settable() -> Self {
        Self::APPEND.union(Self::NONBLOCK).union(Self::ASYNC).union(Self::DIRECT).union(Self::NOATIME)
    }
}

bitflags::bitflags! {
    /// The `AT_*` flags.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct AtFlags: u32 {
        const SYMLINK_NOFOLLOW = 0x100;
        /// `AT_REMOVEDIR` of `unlinkat`, `AT_EACCESS` of `faccessat2`: one bit.
        const REMOVEDIR = 0x200;
        const EACCESS = 0x200;
        const SYMLINK_FOLLOW = 0x400;
        const NO_AUTOMOUNT = 0x800;
        const EMPTY_PATH = 0x1000;
        const STATX_FORCE_SYNC = 0x2000;
        const STATX_DONT_SYNC = 0x4000;
        const RECURSIVE = 0x8000;
    }
}

/// The descriptor that stands for the current directory.
pub const AT_FDCWD: i32 = -100;

bitflags::bitflags! {
    /// What `access` asks for; 0 asks for existence.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct AccessFlags: u32 {
        const X_OK = 1;
        const W_OK = 2;
        const R_OK = 4;
    }
}

bitflags::bitflags! {
    /// The flags of `renameat2`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct RenameFlags: u32 {
        const NOREPLACE = 1;
        const EXCHANGE = 2;
        const WHITEOUT = 4;
    }
}

bitflags::bitflags! {
    /// The `RESOLVE_*` flags of `openat2`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct ResolveFlags: u64 {
        const NO_XDEV = 0x1;
        const NO_MAGICLINKS = 0x2;
        const NO_SYMLINKS = 0x4;
        const BENEATH = 0x8;
        const IN_ROOT = 0x10;
        const CACHED = 0x20;
    }
}

/// `struct open_how` of `openat2`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct OpenHow {
    pub flags: u64,
    pub mode: u64,
    pub resolve: u64,
}

bitflags::bitflags! {
    /// The flags of `mount`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct MountFlags: u64 {
        const RDONLY = 1;
        const NOSUID = 1 << 1;
        const NODEV = 1 << 2;
        const NOEXEC = 1 << 3;
        const SYNCHRONOUS = 1 << 4;
        const REMOUNT = 1 << 5;
        const MANDLOCK = 1 << 6;
        const DIRSYNC = 1 << 7;
        const NOSYMFOLLOW = 1 << 8;
        const NOATIME = 1 << 10;
        const NODIRATIME = 1 << 11;
        const BIND = 1 << 12;
        const MOVE = 1 << 13;
        const REC = 1 << 14;
        const SILENT = 1 << 15;
        const POSIXACL = 1 << 16;
        const UNBINDABLE = 1 << 17;
        const PRIVATE = 1 << 18;
        const SLAVE = 1 << 19;
        const SHARED = 1 << 20;
        const RELATIME = 1 << 21;
        const STRICTATIME = 1 << 24;
        const LAZYTIME = 1 << 25;
    }
}

bitflags::bitflags! {
    /// The flags of `umount2`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct UmountFlags: u32 {
        const FORCE = 1;
        const DETACH = 2;
        const EXPIRE = 4;
        const NOFOLLOW = 8;
    }
}

bitflags::bitflags! {
    /// The `ST_*` flags in `statfs`'s `f_flags`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct StatfsFlags: i64 {
        const RDONLY = 1;
        const NOSUID = 2;
        const NODEV = 4;
        const NOEXEC = 8;
        const SYNCHRONOUS = 0x10;
        const VALID = 0x20;
        const NOATIME = 0x400;
        const NODIRATIME = 0x800;
        const RELATIME = 0x1000;
    }
}

/// Where `lseek` counts from: the start.
pub const SEEK_SET: i32 = 0;
/// Where `lseek` counts from: the current position.
pub const SEEK_CUR: i32 = 1;
/// Where `lseek` counts from: the end.
pub const SEEK_END: i32 = 2;
/// `lseek` to the next data.
pub const SEEK_DATA: i32 = 3;
/// `lseek` to the next hole.
pub const SEEK_HOLE: i32 = 4;

/// The commands of `fcntl`.
pub mod fcntl {
    pub const F_DUPFD: i32 = 0;
    pub const F_GETFD: i32 = 1;
    pub const F_SETFD: i32 = 2;
    pub const F_GETFL: i32 = 3;
    pub const F_SETFL: i32 = 4;
    pub const F_GETLK: i32 = 5;
    pub const F_SETLK: i32 = 6;
    pub const F_SETLKW: i32 = 7;
    pub const F_SETOWN: i32 = 8;
    pub const F_GETOWN: i32 = 9;
    pub const F_SETSIG: i32 = 10;
    pub const F_GETSIG: i32 = 11;
    pub const F_SETOWN_EX: i32 = 15;
    pub const F_GETOWN_EX: i32 = 16;
    pub const F_OFD_GETLK: i32 = 36;
    pub const F_OFD_SETLK: i32 = 37;
    pub const F_OFD_SETLKW: i32 = 38;
    pub const F_SETLEASE: i32 = 1024;
    pub const F_GETLEASE: i32 = 1025;
    pub const F_NOTIFY: i32 = 1026;
    pub const F_DUPFD_CLOEXEC: i32 = 1030;
    pub const F_SETPIPE_SZ: i32 = 1031;
    pub const F_GETPIPE_SZ: i32 = 1032;
    pub const F_ADD_SEALS: i32 = 1033;
    pub const F_GET_SEALS: i32 = 1034;

    pub const FD_CLOEXEC: i32 = 1;

    pub const F_RDLCK: i16 = 0;
    pub const F_WRLCK: i16 = 1;
    pub const F_UNLCK: i16 = 2;

    pub const F_OWNER_TID: i32 = 0;
    pub const F_OWNER_PID: i32 = 1;
    pub const F_OWNER_PGRP: i32 = 2;

    pub const F_SEAL_SEAL: u32 = 1;
    pub const F_SEAL_SHRINK: u32 = 2;
    pub const F_SEAL_GROW: u32 = 4;
    pub const F_SEAL_WRITE: u32 = 8;
    pub const F_SEAL_FUTURE_WRITE: u32 = 16;
}

/// `struct flock`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Flock {
    pub l_type: i16,
    pub l_whence: i16,
    pub pad0: u32,
    pub l_start: i64,
    pub l_len: i64,
    pub l_pid: i32,
    pub pad1: u32,
}

/// `struct f_owner_ex`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct OwnerEx {
    pub kind: i32,
    pub pid: i32,
}

bitflags::bitflags! {
    /// The operation of `flock`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct FlockOperation: u32 {
        const SH = 1;
        const EX = 2;
        const NB = 4;
        const UN = 8;
    }
}

bitflags::bitflags! {
    /// The mode of `fallocate`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct FallocateMode: u32 {
        const KEEP_SIZE = 0x1;
        const PUNCH_HOLE = 0x2;
        const NO_HIDE_STALE = 0x4;
        const COLLAPSE_RANGE = 0x8;
        const ZERO_RANGE = 0x10;
        const INSERT_RANGE = 0x20;
        const UNSHARE_RANGE = 0x40;
    }
}

bitflags::bitflags! {
    /// The flags of `preadv2` and `pwritev2`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct RwFlags: u32 {
        const HIPRI = 1;
        const DSYNC = 2;
        const SYNC = 4;
        const NOWAIT = 8;
        const APPEND = 16;
    }
}

bitflags::bitflags! {
    /// The flags of `splice`, `tee` and `vmsplice`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct SpliceFlags: u32 {
        const MOVE = 1;
        const NONBLOCK = 2;
        const MORE = 4;
        const GIFT = 8;
    }
}

bitflags::bitflags! {
    /// The flags of `memfd_create`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct MemfdFlags: u32 {
        const CLOEXEC = 1;
        const ALLOW_SEALING = 2;
        const HUGETLB = 4;
    }
}

bitflags::bitflags! {
    /// The flags of `close_range`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct CloseRangeFlags: u32 {
        const UNSHARE = 2;
        const CLOEXEC = 4;
    }
}

/// `utimensat`: use the current time.
pub const UTIME_NOW: i64 = 0x3fff_ffff;
/// `utimensat`: leave the time as it is.
pub const UTIME_OMIT: i64 = 0x3fff_fffe;

/// `struct iovec`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Iovec {
    pub iov_base: u64,
    pub iov_len: u64,
}

bitflags::bitflags! {
    /// The flags of `inotify_init1`, `eventfd2`, `epoll_create1`, `signalfd4`, `timerfd_create`, `pipe2` and `dup3`:
    /// all use the bits of `open`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct DescriptorFlags: u32 {
        const SEMAPHORE = 1;
        const NONBLOCK = 0o4000;
        const CLOEXEC = 0o2_000_000;
        const DIRECT = 0o40000;
    }
}
