//! The machine: boot protocols, processors, paging, traps, interrupts, timers, user-memory access, DMA.
//!
//! The only crate of the kernel that may say `unsafe`. Its public functions are sound for every argument; what a policy
//! above answers can make a program fail, never memory unsafe.
//!
//! Two backends: on `target_os = "none"` this is x86-64; elsewhere it is a simulated machine, so that every crate above
//! has ordinary unit tests.
#![cfg_attr(target_os = "none", no_std)]

mod boot_info;
#[cfg(not(target_os = "none"))]
mod host;
#[cfg(target_os = "none")]
mod machine;

pub use boot_info::BootInfo;

#[cfg(not(target_os = "none"))]
pub use host::{console, power};
#[cfg(target_os = "none")]
pub use machine::{console, panic, power};

/// Prints a line to the kernel's console.
#[macro_export]
macro_rules! println {
    ($($arg:tt)*) => { $crate::console::print(format_args!("{}\n", format_args!($($arg)*))) };
}
