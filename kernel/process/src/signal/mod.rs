//! Signals.
//!
//! # What is where
//!
//! - [`Actions`]: what a process does on each signal; an object of its own, shared by `CLONE_SIGHAND`.
//! - [`Signals`], one a process, under one lock: its threads, the pending signals that any of them may take, and the states that
//!   concern all of them: ending, stopped, one of them executing a program.
//! - Each thread has its mask, its own pending signals (under a lock of their own, taken inside the former), and in
//!   [`crate::Current`] its alternate stack and what it was interrupted in.
//!
//! # The way of a signal
//!
//! [`send`] adds it and picks who is told: the one place that picks a receiver is [`Signals::receiver`]. The receiver's work word
//! gets a bit, which ends its interruptible wait, and which it sees on its way back to its program: there [`deliver`] takes the
//! signal, acts, and, if a handler is to run, [`frame`] builds Linux's exact frame on its stack. What was interrupted is
//! resolved in [`restart`], nowhere else.
//!
//! The locks are taken with interrupts off: timers send signals from their interrupt. So nothing is allocated or freed under
//! them: room for queues is made before.

mod action;
pub(crate) mod deliver;
pub mod fault;
mod frame;
mod group;
mod info;
mod pending;
mod restart;
pub mod send;
mod umip;
pub mod wait;

pub use action::{Action, Actions};
pub use frame::{AltStack, frame_size, return_from_handler};
pub use group::{Signals, Stop};
pub use info::Info;
pub use pending::{Pending, Room};
pub use restart::is_outcome;
