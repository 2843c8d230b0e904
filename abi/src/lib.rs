//! The contract with user space: the numbers, layouts, flags and errors of Linux on x86-64, exactly, and
//! Serix's own calls (from 1024).
//!
//! Nothing here does anything; the crate holds only what both sides of the system-call border must agree on.
//! Structs derive their byte conversions (zerocopy), so a copy to or from user memory needs no `unsafe`, and padding
//! is always a named field: nothing of the kernel's memory can leak through it. The tests compare sizes and offsets
//! with an independent definition (`linux-raw-sys`).
//!
//! The modules are the families of the C headers: [`nr`] numbers, [`Errno`], [`fs`] and [`stat`] files, [`signal`],
//! [`time`], [`memory`], [`process`], [`poll`], [`socket`], [`tty`], [`system`].
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

mod device;
pub mod dirent;
mod errno;
pub mod fs;
mod id;
pub mod inotify;
pub mod io_priority;
pub mod ioctl;
pub mod ipc;
pub mod memory;
pub mod mount;
pub mod nr;
pub mod personality;
pub mod poll;
pub mod process;
pub mod sched;
pub mod seccomp;
pub mod signal;
pub mod socket;
pub mod stat;
pub mod system;
#[cfg(test)]
mod tests;
pub mod time;
pub mod tty;

pub use device::DeviceNumber;
pub use dirent::{Dirent, Dirent64};
pub use errno::{Errno, MAX_ERRNO};
pub use fs::{AccessFlags, AtFlags, Iovec, MountFlags, OpenFlags, RenameFlags};
pub use id::{Gid, Uid};
pub use memory::{MapFlags, MremapFlags, ProtFlags};
pub use personality::Personality;
pub use poll::PollEvents;
pub use process::{CloneFlags, Resource, Rlimit, WaitFlags};
pub use signal::{SigSet, Siginfo, Signal};
pub use stat::{Mode, Stat, Statfs, Statx};
pub use time::{Timespec, Timeval};
pub use tty::{Termios, Winsize};
