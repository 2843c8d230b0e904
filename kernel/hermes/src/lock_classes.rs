//! The classes of this crate's locks. Lower ranks are taken first.
//!
//! | lock | rank | protects |
//! |---|---|---|
//! | epoll | 334 | the interest list of an epoll file |
//! | inotify | 502 | the queue and the watches of an instance |
//! | event counter, timer | 826, IRQ | an eventfd's counter, a timerfd's setting |
//! | ready list | 828, IRQ | which files of an epoll may be ready |

use hal::LockClass;

pub static EPOLL: LockClass = LockClass::new("epoll", 334);
pub static EVENT: LockClass = LockClass::new("event counter", 826);
pub static INOTIFY: LockClass = LockClass::new("inotify", 502);
pub static READY: LockClass = LockClass::new("epoll ready list", 828);
