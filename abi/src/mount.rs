//! Mounts step by step: `open_tree(2)`, `move_mount(2)`, `fsopen(2)` and its kin, `mount_setattr(2)`.
#![expect(missing_docs, reason = "flags and commands bear the names of the man pages")]

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

bitflags::bitflags! {
    /// The flags of `open_tree`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct OpenTreeFlags: u32 {
        const CLONE = 1;
        const SYMLINK_NOFOLLOW = 0x100;
        const NO_AUTOMOUNT = 0x800;
        const EMPTY_PATH = 0x1000;
        const RECURSIVE = 0x8000;
        const CLOEXEC = 0x8_0000;
    }
}

bitflags::bitflags! {
    /// The flags of `move_mount`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct MoveMountFlags: u32 {
        const F_SYMLINKS = 1;
        const F_AUTOMOUNTS = 2;
        const F_EMPTY_PATH = 4;
        const T_SYMLINKS = 0x10;
        const T_AUTOMOUNTS = 0x20;
        const T_EMPTY_PATH = 0x40;
        const SET_GROUP = 0x100;
    }
}

bitflags::bitflags! {
    /// The flags of `fsopen`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct FsopenFlags: u32 {
        const CLOEXEC = 1;
    }
}

bitflags::bitflags! {
    /// The flags of `fsmount`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct FsmountFlags: u32 {
        const CLOEXEC = 1;
    }
}

bitflags::bitflags! {
    /// The flags of `fspick`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct FspickFlags: u32 {
        const CLOEXEC = 1;
        const SYMLINK_NOFOLLOW = 2;
        const NO_AUTOMOUNT = 4;
        const EMPTY_PATH = 8;
    }
}

bitflags::bitflags! {
    /// Attributes of a mount (`MOUNT_ATTR_…`). Of the three ways to keep access times, `relatime` is 0.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct MountAttributes: u64 {
        const RDONLY = 1;
        const NOSUID = 2;
        const NODEV = 4;
        const NOEXEC = 8;
        const NOATIME = 0x10;
        const STRICTATIME = 0x20;
        const NODIRATIME = 0x80;
        const IDMAP = 0x10_0000;
        const NOSYMFOLLOW = 0x20_0000;
    }
}

impl MountAttributes {
    /// The bits of the choice how access times are kept.
    pub const ATIME: u64 = 0x70;
}

/// `struct mount_attr`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MountAttr {
    pub attr_set: u64,
    pub attr_clr: u64,
    pub propagation: u64,
    pub userns_fd: u64,
}

/// The commands of `fsconfig`.
pub mod fsconfig {
    pub const SET_FLAG: u32 = 0;
    pub const SET_STRING: u32 = 1;
    pub const SET_BINARY: u32 = 2;
    pub const SET_PATH: u32 = 3;
    pub const SET_PATH_EMPTY: u32 = 4;
    pub const SET_FD: u32 = 5;
    pub const CMD_CREATE: u32 = 6;
    pub const CMD_RECONFIGURE: u32 = 7;
    /// How many bytes a name or a text has at most, with its end.
    pub const TEXT_MAX: usize = 256;
    /// How long a blob can be.
    pub const BLOB_MAX: i32 = 1024 * 1024;
}
