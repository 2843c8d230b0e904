//! Filters of system calls (`seccomp(2)`) and the instructions they are written in (classic BPF).
#![expect(missing_docs, reason = "operations, flags and instructions bear the names of the man page")]

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

pub const SET_MODE_STRICT: u32 = 0;
pub const SET_MODE_FILTER: u32 = 1;
pub const GET_ACTION_AVAIL: u32 = 2;
pub const GET_NOTIF_SIZES: u32 = 3;

pub const MODE_STRICT: u64 = 1;
pub const MODE_FILTER: u64 = 2;

bitflags::bitflags! {
    /// The flags of `SECCOMP_SET_MODE_FILTER` that are known here.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct FilterFlags: u32 {
        const TSYNC = 1;
        const LOG = 2;
        const SPEC_ALLOW = 4;
        const TSYNC_ESRCH = 16;
    }
}

/// What a filter gives: the action in the upper half, its data in the lower one.
pub mod action {
    pub const KILL_PROCESS: u32 = 0x8000_0000;
    pub const KILL_THREAD: u32 = 0;
    pub const TRAP: u32 = 0x0003_0000;
    pub const ERRNO: u32 = 0x0005_0000;
    pub const USER_NOTIF: u32 = 0x7fc0_0000;
    pub const TRACE: u32 = 0x7ff0_0000;
    pub const LOG: u32 = 0x7ffc_0000;
    pub const ALLOW: u32 = 0x7fff_0000;
    pub const MASK: u32 = 0xffff_0000;
    pub const DATA: u32 = 0xffff;
}

/// `AUDIT_ARCH_X86_64`.
pub const ARCH: u32 = 0xc000_003e;

/// `struct sock_filter`: an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SockFilter {
    pub code: u16,
    pub jt: u8,
    pub jf: u8,
    pub k: u32,
}

/// `struct sock_fprog`: where the instructions of a program are.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SockFprog {
    pub len: u16,
    pub pad: [u16; 3],
    pub filter: u64,
}

/// `struct seccomp_notif_sizes`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct NotifSizes {
    pub seccomp_notif: u16,
    pub seccomp_notif_resp: u16,
    pub seccomp_data: u16,
}
