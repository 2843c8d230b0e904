//! Programs that run: threads, processes, their relations, signals, exec.
//!
//! # Which object holds what
//!
//! | object | holds |
//! |---|---|
//! | [`Thread`] | a thread as others see it: number, process, mask, own pending signals, and its parts |
//! | [`Current`] | the same thread as it sees itself: the parts without a lock, registers, alternate stack, restart |
//! | [`thread::Parts`] | what a thread consists of, each shared or not: [`Program`] (address space), descriptors, root and working directory, namespaces, identity |
//! | [`Process`] | what threads of one program share whatever the flags: [`signal::Signals`], limits, timers, accounts, where it waits for children |
//! | [`signal::Actions`] | what is done on each signal: shared by `CLONE_SIGHAND` |
//! | [`tree::Tree`] | all relations: numbers, parents, process groups, sessions, what waits to be reported to parents |
//!
//! An identity ([`chroma::Cred`]) is immutable and per thread: changing it replaces the whole. Nothing hangs off the process
//! that Linux keeps per thread.
//!
//! # A thread's life
//!
//! [`run::user_thread_main`] is a loop: the program runs until something happens; a system call goes to who registered for them
//! ([`hooks::set_dispatch`]), a fault to the address space or, as a signal, back to the program; then one word of work is
//! tested, and [`signal`] sees to what it asks for. [`clone`] makes threads, [`exec`] changes what they run, [`exit`] ends them,
//! [`wait`] reports that to parents.
//!
//! # Invariants
//!
//! - Only the thread itself replaces its parts, registers and mask; others see them through [`Thread`].
//! - A process is in the tree from before its first thread runs until its parent has taken its report; it is a zombie when
//!   its last thread has ended.
//! - Restart outcomes ([`abi::Errno::RESTART_SYS`] and its kin) are resolved in the signal path and nowhere else.
//! - The lock order is the table in `lock_classes`; nothing is allocated or freed under the locks that interrupts take.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod access;
pub mod boot;
pub mod clone;
pub mod compare;
pub mod current;
pub mod exec;
pub mod exit;
pub mod fail_nth;
pub mod futex;
pub mod hooks;
pub mod ids;
pub mod ipc;
pub mod limits;
mod lock_classes;
pub mod mapped;
pub mod memory;
pub mod namespaces;
mod numbers;
pub mod others_memory;
pub mod pidfd;
pub mod proc;
pub mod process;
pub mod program;
pub mod run;
pub mod seccomp;
pub mod signal;
mod sockets;
pub mod table;
pub mod terminals;
pub mod thread;
pub mod timer;
pub mod tree;
pub mod usage;
pub mod user;
pub mod vdso;
pub mod wait;

pub use current::{Current, thread};
pub use process::Process;
pub use program::Program;
pub use thread::Thread;
pub use tree::ExitStatus;
pub use usage::Usage;
