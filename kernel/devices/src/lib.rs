//! Devices: what stands behind device nodes.
//!
//! | module | holds |
//! |---|---|
//! | [`registry`] | character devices by number; chroma asks it to open nodes |
//! | `memory`, `kmsg` | `null`, `zero`, `full`, `random`, `urandom`, `kmsg` |
//! | [`tty`] | terminals: the line discipline, job control, `ioctl` |
//! | [`serial`] | UARTs, as terminals |
//! | [`vt`] | a framebuffer, as a terminal |
//! | `keyboard` | the keyboard of a PC, for that |
//! | `records` | the log record by record |
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
mod keyboard;
mod kmsg;
mod lock_classes;
mod memory;
mod pty;
mod records;
pub mod registry;
pub mod serial;
pub mod syslog;
pub mod tty;
pub mod vt;

use abi::Errno;
use hal::Framebuffer;

pub use job::{Caller, GroupId, JobControl, SessionId};
pub use tty::Tty;

/// Finds the devices, and puts their nodes into devtmpfs. `command_line` is the kernel's: its words `console=` say where the log
/// appears, and the last of them which terminal is the console. Called once, in a thread, with interrupts on.
pub fn start(command_line: &str, framebuffer: Option<Framebuffer>) -> Result<(), Errno> {
    chroma::node::register_devices(&registry::Registry);
    chroma::mount::register(&pty::DevPts);
    memory::start()?;
    syslog::start();
    serial::start()?;
    let choice = console::Choice::of(command_line, framebuffer.is_some());
    if let Some(framebuffer) = framebuffer {
        vt::start(framebuffer, choice.log_on_screen)?;
    }
    hal::log::show_on_serial(choice.log_on_serial || vt::terminal().is_none());
    console::start(choice)
}
