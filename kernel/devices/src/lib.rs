//! Devices: what stands behind device nodes.
//!
//! | module | holds |
//! |---|---|
//! | [`registry`] | character devices by number; chroma asks it to open nodes |
//! | `memory`, `kmsg` | `null`, `zero`, `full`, `random`, `urandom`, `kmsg` |
//! | [`tty`] | terminals: the line discipline, job control, `ioctl` |
//! | [`serial`] | UARTs, as terminals |
//! | [`syslog`] | what was read of the log: `syslog`, `/proc/kmsg` |
//! | `pty` | pseudo-terminals and devpts |
//! | [`console`] | `/dev/console`, `/dev/tty` |
//! | [`job`] | [`JobControl`]: what terminals ask of processes, implemented there |
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod console;
pub mod job;
mod kmsg;
mod lock_classes;
mod memory;
mod pty;
pub mod registry;
pub mod serial;
pub mod syslog;
pub mod tty;

use abi::Errno;

pub use job::{Caller, GroupId, JobControl, SessionId};
pub use tty::Tty;

/// Finds the devices, and puts their nodes into devtmpfs. `command_line` is the kernel's: the last `console=` chooses the
/// console. Called once, in a thread, with interrupts on.
pub fn start(command_line: &str) -> Result<(), Errno> {
    chroma::node::register_devices(&registry::Registry);
    chroma::mount::register(&pty::DevPts);
    memory::start()?;
    syslog::start();
    serial::start()?;
    let console =
        command_line.split_ascii_whitespace().filter_map(|word| word.strip_prefix("console=")).next_back();
    console::start(console.map(|value| value.split(',').next().unwrap_or(value)))
}
