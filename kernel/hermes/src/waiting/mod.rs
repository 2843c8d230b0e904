//! Waiting for files: `poll`, `select`, `epoll`; and files that exist to be waited for.

pub mod epoll;
pub mod eventfd;
pub mod inotify;
mod nesting;
pub mod poll;
pub mod select;
pub mod signalfd;
pub mod timerfd;
