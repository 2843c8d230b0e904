//! Readiness: `poll`, `select`, `epoll`.
#![expect(missing_docs, reason = "fields and bits bear the names of the man pages")]

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

bitflags::bitflags! {
    /// Readiness events: the bits of `poll` (16) and of `epoll` (32) agree.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct PollEvents: u32 {
        const IN = 0x1;
        const PRI = 0x2;
        const OUT = 0x4;
        const ERR = 0x8;
        const HUP = 0x10;
        const NVAL = 0x20;
        const RDNORM = 0x40;
        const RDBAND = 0x80;
        const WRNORM = 0x100;
        const WRBAND = 0x200;
        const MSG = 0x400;
        const RDHUP = 0x2000;
        const EXCLUSIVE = 1 << 28;
        const WAKEUP = 1 << 29;
        const ONESHOT = 1 << 30;
        const ET = 1 << 31;
    }
}

impl PollEvents {
    /// The events reported whether asked for or not.
    pub const ALWAYS: Self = Self::ERR.union(Self::HUP);
    /// What a readable file reports.
    pub const READABLE: Self = Self::IN.union(Self::RDNORM);
    /// What a writable file reports.
    pub const WRITABLE: Self = Self::OUT.union(Self::WRNORM);
    /// What makes a descriptor readable for `select`.
    pub const SELECT_IN: Self = Self::READABLE.union(Self::RDBAND).union(Self::HUP).union(Self::ERR);
    /// What makes a descriptor writable for `select`.
    pub const SELECT_OUT: Self = Self::WRITABLE.union(Self::WRBAND).union(Self::ERR);
    /// What is an exception for `select`.
    pub const SELECT_EXCEPT: Self = Self::PRI;
}

/// `struct pollfd`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Pollfd {
    pub fd: i32,
    pub events: u16,
    pub revents: u16,
}

/// `struct epoll_event`, packed on x86-64.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, packed)]
pub struct EpollEvent {
    pub events: u32,
    pub data: u64,
}

/// `epoll_ctl`: add a descriptor.
pub const EPOLL_CTL_ADD: i32 = 1;
/// `epoll_ctl`: remove a descriptor.
pub const EPOLL_CTL_DEL: i32 = 2;
/// `epoll_ctl`: change a descriptor's events.
pub const EPOLL_CTL_MOD: i32 = 3;

/// The number of descriptors a `select` set holds in glibc and musl; the kernel itself takes any number.
pub const FD_SETSIZE: usize = 1024;

/// The sixth argument of `pselect6`: a signal mask and its size.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SigsetArgument {
    pub set: u64,
    pub size: u64,
}
