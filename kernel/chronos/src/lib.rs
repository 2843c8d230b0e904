//! Time and threads. (Chronos, for the Greeks, was time.)
//!
//! - [`thread`]: what the kernel runs. A thread is runnable, or blocked until somebody wakes it; what may interrupt the wait is
//!   part of being blocked, and the reasons to interrupt are bits of the thread's [`Work`] word, set by the layers above.
//! - [`Policy`] and the run queues: real-time threads first, by priority, for most of the time ([`real_time`]); then fair ones,
//!   by weighted virtual run time. One queue a processor; what to run next is a return value of the queue, not a side effect.
//! - [`WaitQueue`]: the one way to wait. An entry is a thread or a callback, with a mask of events; an entry is registered
//!   *before* the condition is looked at, so no wake-up is lost.
//! - [`Mutex`], [`RwLock`]: locks that sleep. [`Timer`]: a call at a point in time. [`clock`]: what time it is.
//!
//! Lock order within the crate: wait queue, timer queue, run queue. None is held across a switch.
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]

extern crate alloc;
#[cfg(not(target_os = "none"))]
extern crate std;

mod blocks;
pub mod clock;
mod growing;
mod held;
mod hung;
mod mutex;
mod placement;
mod policy;
pub mod real_time;
mod reclaim;
mod registry;
mod room;
mod run_queue;
mod rw_lock;
mod scheduler;
mod stats;
#[cfg(test)]
mod tests;
pub mod thread;
mod timer;
mod wait;
mod waiter;
mod watchdog;

pub use hal::Instant;
pub use hung::{hung_timeout, set_hung_timeout, start_hung_watch};
pub use mutex::{Mutex, MutexGuard};
pub use policy::{Policy, Scheduling, Weight};
pub use reclaim::{carry_out, reclaim, start_reclaiming};
pub use room::trim;
pub use rw_lock::{RwLock, RwLockReadGuard, RwLockWriteGuard};
#[cfg(not(target_os = "none"))]
pub use scheduler::simulate;
pub use scheduler::{ROUND_ROBIN_TURN, idle, runnable_threads, start, start_others};
pub use stats::{CpuTime, SystemTime, load_averages, processor_time, start_load_averages, system_time};
pub use thread::{Thread, Work};
pub use timer::{Timer, TimerHandler, sleep};
pub use wait::{Events, Interrupted, Subscription, WaitError, WaitKind, WaitQueue, Wake};
pub use waiter::Waiter;
pub use watchdog::{set_watchdog_threshold, watchdog_threshold};
