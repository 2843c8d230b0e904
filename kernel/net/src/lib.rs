//! Sockets.
//!
//! # The layer that families share
//!
//! | module | holds |
//! |---|---|
//! | [`socket`] | [`Socket`]: what a family implements; a message on its way in or out |
//! | [`family`] | [`family::find`]: families by number. IPv4 joins here |
//! | [`file`] | [`file::open`], [`file::of`]: a socket as an open file (`read`, `write`, `poll`, `fstat`), and back |
//! | [`options`] | [`Options`]: what every socket keeps for `SOL_SOCKET` |
//! | [`identity`] | who sends: asked of the process layer, when a message has to say so |
//!
//! System calls decode their arguments, find the [`Socket`] behind a descriptor and call its method; a family knows nothing of
//! user memory but [`chroma::Source`] and [`chroma::Sink`], and nothing of descriptors but the capabilities that a message carries.
//!
//! # The families
//!
//! [`unix`]: byte streams, datagrams and sequenced packets between the processes of one machine.
//!
//! # Invariants
//!
//! - A socket lives as long as its open file; a [`file::SocketFile`] that is dropped calls [`Socket::release`], once. What waits to
//!   be accepted is released by who would have accepted it.
//! - What a message takes is charged to its sender before it is built.
//! - Nothing a program can chain (sockets in messages in sockets) is walked or dropped recursively.
//! - The lock order is the table in `lock_classes`.
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod family;
pub mod file;
pub mod identity;
mod lock_classes;
pub mod options;
pub mod socket;
pub mod unix;

pub use family::Family;
pub use options::Options;
pub use socket::{Incoming, Kind, Outgoing, Rights, Shutdown, Socket};
