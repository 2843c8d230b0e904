//! Waiting for many files at once.
//!
//! `poll`, `select` and `epoll` are one mechanism: ask each file for its events with a [`PollTable`], which subscribes the
//! caller's waiter to the file's wait queues *before* the file looks; wait; ask again without a table.

use core::cell::{Cell, RefCell};

use abi::Errno;
use abi::poll::PollEvents;
use aegis::charge;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chronos::{Events, Subscription, WaitError, WaitQueue, Wake};

/// What a subscription takes of the kernel's memory.
const SUBSCRIPTION_BYTES: usize = 160;

/// Where the files subscribe the caller of one `poll`.
pub struct PollTable {
    wake: Arc<dyn Wake>,
    interest: Cell<PollEvents>,
    subscriptions: RefCell<Subscriptions>,
    /// There was no memory for one.
    incomplete: Cell<bool>,
}

/// Subscriptions of one caller, which last as long as this.
#[derive(Default)]
pub struct Subscriptions {
    /// Most files have one queue, and epoll asks each with a table of its own: the first takes no further memory.
    first: Option<Subscription>,
    more: Vec<Subscription>,
}

impl PollTable {
    /// A table that wakes `wake` when one of `interest` (errors and hang-ups always count) becomes true.
    pub fn new(wake: Arc<dyn Wake>, interest: PollEvents) -> PollTable {
        let interest = interest | PollEvents::ERR | PollEvents::HUP;
        PollTable {
            wake,
            interest: Cell::new(interest),
            subscriptions: RefCell::default(),
            incomplete: Cell::new(false),
        }
    }

    /// Changes what the files asked from now on are watched for.
    pub fn set_interest(&self, interest: PollEvents) {
        self.interest.set(interest | PollEvents::ERR | PollEvents::HUP);
    }

    /// All that was subscribed to, for who waits now.
    ///
    /// # Errors
    /// `ENOMEM`: not all subscriptions could be made.
    pub fn complete(self) -> Result<Subscriptions, Errno> {
        if self.incomplete.get() { Err(Errno::ENOMEM) } else { Ok(self.subscriptions.into_inner()) }
    }

    /// Called by a file: subscribes to `queue`, for those of `events` that the caller is interested in.
    pub fn watch(&self, queue: &Arc<WaitQueue>, events: PollEvents) {
        let wanted = (events | PollEvents::ERR | PollEvents::HUP) & self.interest.get();
        let Subscriptions { first, more } = &mut *self.subscriptions.borrow_mut();
        let room = usize::from(first.is_some());
        if charge::admit(SUBSCRIPTION_BYTES).and_then(|()| charge::reserve(more, room)).is_err() {
            self.incomplete.set(true);
            return;
        }
        let subscription = queue.subscribe(Events::from_bits_retain(wanted.bits()), self.wake.clone());
        match first {
            None => *first = Some(subscription),
            Some(_) => more.push(subscription),
        }
    }
}

/// What a call gives that a signal interrupted and that may be started again, `EAGAIN` where its time was up.
pub fn restart(error: WaitError) -> Errno {
    match error {
        WaitError::Interrupted => Errno::RESTART_SYS,
        WaitError::TimedOut => Errno::EAGAIN,
    }
}
