//! System calls. (Hermes, for the Greeks, carried the messages between two worlds.)
//!
//! One table ([`table::ROWS`]) is the single truth: number, name, typed arguments, rights, the status of flags, the test that
//! proves the call. [`dispatch`], [`trace`] and the reference ([`reference`]) come from it. A handler is a plain typed function
//! in the module of its family; it decodes nothing and knows no registers. To add a call: one row, one function.
//!
//! | family | modules |
//! |---|---|
//! | files | [`files`] |
//! | waiting for files | [`waiting`] |
//! | memory | [`memory`] |
//! | processes, threads, identities | [`processes`] |
//! | signals, time, futexes | [`signals`], [`time`], [`futex`] |
//! | System V objects | [`ipc`] |
//! | the system | [`system`], [`sched`], [`sockets`] |
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod argument;
pub mod barriers;
pub mod dispatch;
pub mod files;
pub mod futex;
pub mod grammar;
pub mod ipc;
pub mod keys;
mod lock_classes;
pub mod memory;
mod mqueue;
pub mod processes;
pub mod reference;
pub mod row;
pub mod sched;
pub mod signals;
pub mod sockets;
mod support;
pub mod system;
pub mod table;
pub mod time;
pub mod trace;
pub mod waiting;

pub use dispatch::start;
