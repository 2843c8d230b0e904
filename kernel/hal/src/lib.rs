//! The machine: boot protocols, processors, paging, traps, interrupts, timers, user-memory access.
//!
//! The only crate of the kernel that may say `unsafe`. Its public functions are sound for every argument: what a policy
//! above answers can make a program fail, never memory unsafe. No function takes a bare address and reads or writes it.
//!
//! Two backends give the same names: on `target_os = "none"` [`machine`](self) is x86-64; elsewhere `host` is a simulated
//! machine (frames are heap allocations, page tables maps, contexts threads that pass a baton), so that every crate above has
//! ordinary unit tests. What does not differ between them stands in the files beside this one:
//!
//! - addresses ([`UserAddr`], [`PhysAddr`]), [`BootInfo`], [`Instant`]
//! - locks with classes ([`SpinLock`]), [`TryLock`], [`Once`], [`PerCpu`], [`preempt`]
//! - the kernel log ([`log`] and the macros [`info!`], [`warn!`], …)
//! - the traits that crates above implement: [`FrameSource`], [`SchedulerHooks`], [`FaultHandler`]
#![cfg_attr(target_os = "none", no_std)]

#[cfg(not(target_os = "none"))]
mod addr;
#[cfg(not(target_os = "none"))]
mod boot_info;
#[cfg(not(target_os = "none"))]
pub mod frames;
#[cfg(not(target_os = "none"))]
mod lock;
#[cfg(not(target_os = "none"))]
pub mod log;
#[cfg(not(target_os = "none"))]
mod once;
#[cfg(not(target_os = "none"))]
mod percpu;
#[cfg(not(target_os = "none"))]
pub mod preempt;
#[cfg(not(target_os = "none"))]
pub mod sched;
#[cfg(not(target_os = "none"))]
mod try_lock;
#[cfg(not(target_os = "none"))]
mod try_rw_lock;
#[cfg(not(target_os = "none"))]
pub mod user;

#[cfg(not(target_os = "none"))]
#[path = "host/mod.rs"]
mod arch;
// The machine backend fills the names below one by one; until it has them all, they are the host's alone.
#[cfg(target_os = "none")]
#[path = "machine/mod.rs"]
mod arch;
#[cfg(target_os = "none")]
pub use arch::boot_info::BootInfo;
#[cfg(target_os = "none")]
pub use arch::{console, power};

#[cfg(not(target_os = "none"))]
pub use addr::{PhysAddr, UserAddr};
#[cfg(not(target_os = "none"))]
pub use boot_info::{BootInfo, BootMemory, Framebuffer, MemoryKind, MemoryRegion};
#[cfg(not(target_os = "none"))]
pub use frames::{FrameNumber, FrameSource};
#[cfg(not(target_os = "none"))]
pub use lock::{LockClass, SpinGuard, SpinIrqGuard, SpinLock, might_sleep};
#[cfg(not(target_os = "none"))]
pub use once::Once;
#[cfg(not(target_os = "none"))]
pub use percpu::PerCpu;
#[cfg(not(target_os = "none"))]
pub use sched::SchedulerHooks;
#[cfg(not(target_os = "none"))]
pub use time::Instant;
#[cfg(not(target_os = "none"))]
pub use try_lock::{TryGuard, TryLock};
#[cfg(not(target_os = "none"))]
pub use try_rw_lock::{ReadGuard, TryRwLock, WriteGuard};
#[cfg(not(target_os = "none"))]
pub use user::{Access, Fault, FaultAccess, FaultHandler, Registers, Trap};

#[cfg(not(target_os = "none"))]
pub use arch::context;
#[cfg(not(target_os = "none"))]
pub use arch::context::Context;
#[cfg(not(target_os = "none"))]
pub use arch::cpu;
#[cfg(not(target_os = "none"))]
pub use arch::fpu;
#[cfg(not(target_os = "none"))]
pub use arch::heap;
#[cfg(not(target_os = "none"))]
pub use arch::irq;
#[cfg(not(target_os = "none"))]
pub use arch::page::Page;
#[cfg(not(target_os = "none"))]
pub use arch::paging::{FlushBatch, Space};
#[cfg(target_os = "none")]
pub use arch::panic;
#[cfg(not(target_os = "none"))]
pub use arch::power;
#[cfg(not(target_os = "none"))]
pub use arch::random;
#[cfg(not(target_os = "none"))]
pub use arch::simulate;
#[cfg(not(target_os = "none"))]
pub use arch::uart;
#[cfg(not(target_os = "none"))]
pub use arch::user_context::UserContext;
#[cfg(not(target_os = "none"))]
pub use cpu::CpuId;

#[cfg(not(target_os = "none"))]
/// Bytes in a page, and in a frame.
pub const PAGE_SIZE: usize = 4096;
#[cfg(not(target_os = "none"))]
/// The first address that user space cannot use (Linux's `TASK_SIZE` with four-level page tables).
pub const USER_END: u64 = 0x7fff_ffff_f000;

#[cfg(not(target_os = "none"))]
pub mod time;

#[cfg(not(target_os = "none"))]
/// No memory was left for what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMemory;

/// Prints a line to the kernel's console.
#[cfg(target_os = "none")]
#[macro_export]
macro_rules! println {
    ($($arg:tt)*) => { $crate::console::print(format_args!("{}\n", format_args!($($arg)*))) };
}
