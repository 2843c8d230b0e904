//! The machine as a whole.
#![expect(missing_docs, reason = "fields and bits bear the names of the man pages")]

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `struct new_utsname`: each string is NUL-terminated in 65 bytes.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Utsname {
    pub sysname: [u8; 65],
    pub nodename: [u8; 65],
    pub release: [u8; 65],
    pub version: [u8; 65],
    pub machine: [u8; 65],
    pub domainname: [u8; 65],
}

/// The longest host or domain name in bytes.
pub const HOST_NAME_MAX: usize = 64;

/// `struct ustat`: free blocks and inodes of a file system, and names that no file system has.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Ustat {
    pub f_tfree: i32,
    pub pad: u32,
    pub f_tinode: u64,
    pub f_fname: [u8; 6],
    pub f_fpack: [u8; 6],
    pub pad1: u32,
}

/// What `sysfs` is asked: the number of the type with a name.
pub const SYSFS_INDEX: i32 = 1;
/// The name of the type with a number.
pub const SYSFS_NAME: i32 = 2;
/// How many types there are.
pub const SYSFS_COUNT: i32 = 3;

/// `struct sysinfo`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Sysinfo {
    pub uptime: i64,
    pub loads: [u64; 3],
    pub totalram: u64,
    pub freeram: u64,
    pub sharedram: u64,
    pub bufferram: u64,
    pub totalswap: u64,
    pub freeswap: u64,
    pub procs: u16,
    pub pad: u16,
    pub pad0: u32,
    pub totalhigh: u64,
    pub freehigh: u64,
    pub mem_unit: u32,
    pub pad1: u32,
}

/// The first magic number of `reboot`.
pub const LINUX_REBOOT_MAGIC1: u32 = 0xfee1_dead;
/// The second magic number of `reboot`, and its three younger siblings.
pub const LINUX_REBOOT_MAGIC2: [u32; 4] = [672_274_793, 85_072_278, 369_367_448, 537_993_216];

/// The commands of `reboot`.
pub mod reboot {
    pub const RESTART: u32 = 0x0123_4567;
    pub const HALT: u32 = 0xcdef_0123;
    pub const CAD_ON: u32 = 0x89ab_cdef;
    pub const CAD_OFF: u32 = 0;
    pub const POWER_OFF: u32 = 0x4321_fedc;
    pub const RESTART2: u32 = 0xa1b2_c3d4;
    pub const SW_SUSPEND: u32 = 0xd000_fce2;
    pub const KEXEC: u32 = 0x4558_4543;
}

/// The actions of `syslog`.
pub mod syslog {
    pub const CLOSE: i32 = 0;
    pub const OPEN: i32 = 1;
    pub const READ: i32 = 2;
    pub const READ_ALL: i32 = 3;
    pub const READ_CLEAR: i32 = 4;
    pub const CLEAR: i32 = 5;
    pub const CONSOLE_OFF: i32 = 6;
    pub const CONSOLE_ON: i32 = 7;
    pub const CONSOLE_LEVEL: i32 = 8;
    pub const SIZE_UNREAD: i32 = 9;
    pub const SIZE_BUFFER: i32 = 10;
}

bitflags::bitflags! {
    /// The flags of `getrandom`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct GetrandomFlags: u32 {
        const NONBLOCK = 1;
        const RANDOM = 2;
        const INSECURE = 4;
    }
}
