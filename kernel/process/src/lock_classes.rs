//! The classes of this crate's locks. Lower ranks are taken first. Those from 800 on are taken by interrupts, so they
//! come after everything that is held with interrupts on.
//!
//! | lock | rank | protects |
//! |---|---|---|
//! | memory shortage | 390 | whom it ended last |
//! | users | 395 | the counters of each user |
//! | terminals of sessions | 398 | which session has which terminal |
//! | tree | 400 | who exists: numbers, parents, groups, sessions, what waits to be reported |
//! | interprocess communication | 403 | the tables of System V objects |
//! | message queue | 404 | what is in a POSIX message queue, and who waits for it |
//! | process | 405 | names of the host |
//! | parts | 430 | what a thread's parts are, for others to look at |
//! | futex | 440 | one bucket of waiting threads |
//! | limits | 810, IRQ | the limits of a process |
//! | accounts | 812, IRQ | what a process used |
//! | signals | 814, IRQ | the threads of a process, its shared pending signals, stop and exit |
//! | pending | 816, IRQ | a thread's own pending signals |
//! | filters | 817, IRQ | a thread's filters of system calls |
//! | actions | 818, IRQ | a table of signal actions |
//! | timers | 820, IRQ | a process's interval timers |
//! | timer | 822, IRQ | one POSIX timer |

use hal::LockClass;

pub static OOM: LockClass = LockClass::new("memory shortage", 390);
pub static USERS: LockClass = LockClass::new("users", 395);
pub static TERMINALS: LockClass = LockClass::new("terminals of sessions", 398);
pub static TREE: LockClass = LockClass::new("process tree", 400);
pub static IPC: LockClass = LockClass::new("interprocess communication", 403);
pub static IPC_QUEUE: LockClass = LockClass::new("message queue", 404);
pub static PROCESS: LockClass = LockClass::new("process", 405);
pub static PARTS: LockClass = LockClass::new("thread's parts", 430);
pub static FUTEX: LockClass = LockClass::new("futex bucket", 440);
pub static LIMITS: LockClass = LockClass::new("limits", 810);
pub static ACCOUNTS: LockClass = LockClass::new("accounts", 812);
pub static SIGNALS: LockClass = LockClass::new("signals", 814);
pub static PENDING: LockClass = LockClass::new("thread's signals", 816);
pub static SECCOMP: LockClass = LockClass::new("thread's filters", 817);
pub static ACTIONS: LockClass = LockClass::new("signal actions", 818);
pub static TIMERS: LockClass = LockClass::new("process timers", 820);
pub static TIMERS_ONE: LockClass = LockClass::new("timer", 822);
