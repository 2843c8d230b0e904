//! The classes of this crate's locks. Lower ranks are taken first.
//!
//! | lock | rank | protects |
//! |---|---|---|
//! | epoll's nesting | 304 | which epoll files watch which |
//! | epoll's watchers | 305 | who watches an epoll file |
//! | epoll | 306 | the interest list of an epoll file |
//! | epoll's asking | 307 | the right to take entries off its ready list |
//! | inotify | 502 | the queue and the watches of an instance |
//! | event counter, timer | 826, IRQ | an eventfd's counter, a timerfd's setting |
//! | ready list | 828, IRQ | which files of an epoll may be ready |

use hal::LockClass;

pub static EPOLL_NESTING: LockClass = LockClass::new("epoll's nesting", 304);
pub static EPOLL_WATCHERS: LockClass = LockClass::new("epoll's watchers", 305);
pub static EPOLL: LockClass = LockClass::new("epoll", 306);
pub static EPOLL_ASKING: LockClass = LockClass::new("epoll's asking", 307);
pub static EVENT: LockClass = LockClass::new("event counter", 826);
pub static INOTIFY: LockClass = LockClass::new("inotify", 502);
pub static READY: LockClass = LockClass::new("epoll ready list", 828);
