//! Waiting at several queues at once (poll, select) and being told without waiting (epoll).

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::Instant;
use crate::thread::{self, Blocked, Thread};
use crate::wait::{Events, WaitError, WaitKind, Wake};

/// A thread that waits at several queues.
pub struct Waiter {
    thread: Arc<Thread>,
    woken: AtomicBool,
}

impl Wake for Waiter {
    fn wake(self: Arc<Self>, _events: Events) {
        self.wake_thread();
    }
}

impl Waiter {
    /// The current thread, to be registered at queues with [`crate::WaitQueue::subscribe`].
    pub fn new() -> Arc<Self> {
        Arc::new(Self { thread: thread::current(), woken: AtomicBool::new(false) })
    }

    /// Ends the thread's wait, as a queue does. May be called anywhere.
    pub fn wake_thread(&self) {
        self.woken.store(true, Ordering::Release);
        self.thread.wake();
    }

    /// Waits until a queue wakes the thread (or has, since the last call). Called by the thread that made the waiter. May sleep.
    ///
    /// # Errors
    /// See [`WaitError`].
    pub fn wait(&self, kind: WaitKind, deadline: Option<Instant>) -> Result<(), WaitError> {
        hal::might_sleep();
        let blocked = Blocked::new(kind);
        let outcome = loop {
            blocked.announce();
            if self.woken.swap(false, Ordering::AcqRel) {
                break Ok(());
            }
            if blocked.interrupted() {
                break Err(WaitError::Interrupted);
            }
            if deadline.is_some_and(|deadline| hal::time::now() >= deadline) {
                break Err(WaitError::TimedOut);
            }
            blocked.sleep(deadline);
        };
        blocked.withdraw();
        outcome
    }
}
