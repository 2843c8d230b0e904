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
//! - locks with classes ([`SpinLock`]), [`TryLock`], [`Once`], [`PerCpu`], [`preempt`]; reading without a lock ([`Rcu`])
//! - [protection keys](keys)
//! - the kernel log ([`log`] and the macros [`info!`], [`warn!`], …)
//! - the traits that crates above implement: [`FrameSource`], [`SchedulerHooks`], [`FaultHandler`]
#![cfg_attr(target_os = "none", no_std)]

extern crate alloc;

mod addr;
mod boot_info;
#[cfg(any(test, target_os = "none"))]
mod facts;
pub mod frames;
pub mod keyboard;
pub mod keys;
mod lock;
mod lock_check;
pub mod log;
mod once;
mod percpu;
pub mod preempt;
pub mod rcu;
pub mod sched;
mod try_lock;
mod try_rw_lock;
pub mod user;
pub mod vdso;

#[cfg(not(target_os = "none"))]
#[path = "host/mod.rs"]
mod arch;
#[cfg(target_os = "none")]
#[path = "machine/mod.rs"]
mod arch;

pub use addr::{PhysAddr, UserAddr};
pub use boot_info::{BootInfo, BootMemory, Framebuffer, MemoryKind, MemoryRegion};
pub use frames::{FrameNumber, FrameSource};
pub use keys::Key;
pub use lock::{SpinGuard, SpinIrqGuard, SpinLock};
pub use lock_check::{HeldLocks, LockClass, might_sleep};
pub use once::Once;
pub use percpu::PerCpu;
pub use rcu::Rcu;
pub use sched::SchedulerHooks;
pub use time::Instant;
pub use try_lock::{TryGuard, TryLock};
pub use try_rw_lock::{ReadGuard, TryRwLock, WriteGuard};
pub use user::{Access, Fault, FaultAccess, FaultHandler, Registers, Trap};

pub use arch::context;
pub use arch::context::Context;
pub use arch::cpu;
pub use arch::fpu;
pub use arch::heap;
pub use arch::i8042;
pub use arch::irq;
pub use arch::page::Page;
pub use arch::paging::{FlushBatch, MapError, Space};
pub use arch::panic;
pub use arch::power;
pub use arch::processor;
pub use arch::random;
pub use arch::screen::Screen;
#[cfg(not(target_os = "none"))]
pub use arch::simulate;
pub use arch::uart;
pub use arch::user_context::UserContext;
pub use cpu::CpuId;

/// Bytes in a page, and in a frame.
pub const PAGE_SIZE: usize = 4096;
/// The first address that user space cannot use (Linux's `TASK_SIZE` with four-level page tables).
pub const USER_END: u64 = 0x7fff_ffff_f000;

pub mod time;

/// No memory was left for what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMemory;
