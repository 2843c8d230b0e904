//! The classes of this crate's locks. Lower ranks are taken first.
//!
//! | lock | rank | protects |
//! |---|---|---|
//! | memory shortage | 390 | whom it ended last |
//! | users | 395 | the counters of each user |
//! | terminals of sessions | 398 | which session has which terminal |
//! | tree | 400 | who exists: numbers, parents, groups, sessions, what waits to be reported |
//! | process | 405 | names of the host |
//! | limits | 406, IRQ | the limits of a process |
//! | accounts | 407, IRQ | what a process used |
//! | signals | 410, IRQ | the threads of a process, its shared pending signals, stop and exit |
//! | pending | 415, IRQ | a thread's own pending signals |
//! | actions | 420, IRQ | a table of signal actions |
//! | timers | 425, IRQ | a process's interval timers |
//! | timer | 426, IRQ | one POSIX timer |
//! | parts | 430 | what a thread's parts are, for others to look at |
//! | futex | 440 | one bucket of waiting threads |

use hal::LockClass;

pub static OOM: LockClass = LockClass::new("memory shortage", 390);
pub static USERS: LockClass = LockClass::new("users", 395);
pub static TERMINALS: LockClass = LockClass::new("terminals of sessions", 398);
pub static TREE: LockClass = LockClass::new("process tree", 400);
pub static PROCESS: LockClass = LockClass::new("process", 405);
pub static LIMITS: LockClass = LockClass::new("limits", 406);
pub static ACCOUNTS: LockClass = LockClass::new("accounts", 407);
pub static SIGNALS: LockClass = LockClass::new("signals", 410);
pub static PENDING: LockClass = LockClass::new("thread's signals", 415);
pub static ACTIONS: LockClass = LockClass::new("signal actions", 420);
pub static TIMERS: LockClass = LockClass::new("process timers", 425);
pub static TIMERS_ONE: LockClass = LockClass::new("timer", 426);
pub static PARTS: LockClass = LockClass::new("thread's parts", 430);
pub static FUTEX: LockClass = LockClass::new("futex bucket", 440);
