//! Wait queues: the one way to wait.

use alloc::sync::Arc;

use bitflags::bitflags;
use hal::{LockClass, SpinLock};

use crate::Instant;
use crate::blocks::{Blocks, Numbered};
use crate::thread::{self, Blocked, Thread};

bitflags! {
    /// What a wake-up is about; the bits of poll(2), so that they need no translation.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Events: u32 {
        /// There is something to read.
        const IN = 0x0001;
        /// There is something urgent to read.
        const PRI = 0x0002;
        /// There is room to write.
        const OUT = 0x0004;
        /// An error.
        const ERR = 0x0008;
        /// Hang-up.
        const HUP = 0x0010;
        /// The descriptor is not open.
        const NVAL = 0x0020;
        /// As `IN`.
        const RDNORM = 0x0040;
        /// As `PRI`, for priority bands.
        const RDBAND = 0x0080;
        /// As `OUT`.
        const WRNORM = 0x0100;
        /// As `OUT`, for priority bands.
        const WRBAND = 0x0200;
        /// The peer writes no more.
        const RDHUP = 0x2000;
    }
}

/// What may end a wait early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitKind {
    /// Nothing.
    Uninterruptible,
    /// The end of the process.
    Killable,
    /// Any signal that would be delivered.
    Interruptible,
}

/// A signal ended the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

/// Why a wait ended without what was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitError {
    /// A signal ended it.
    Interrupted,
    /// Its deadline passed.
    TimedOut,
}

/// Something to call at a wake-up. Called with no lock of the queue held, possibly in an interrupt: must not sleep.
pub trait Wake: Send + Sync {
    /// `events` has happened.
    fn wake(self: Arc<Self>, events: Events);
}

enum Waker {
    Thread(Arc<Thread>),
    Callback(Arc<dyn Wake>),
}

struct Entry {
    /// Ascending in the queue.
    ticket: u64,
    mask: Events,
    /// Woken one at a time (`wake_one`), and taken off the queue by that.
    exclusive: bool,
    waker: Waker,
}

impl Numbered for Entry {
    fn number(&self) -> u64 {
        self.ticket
    }
}

struct Entries {
    list: Blocks<Entry>,
    tickets: u64,
}

/// Threads and callbacks that wait for something to happen.
pub struct WaitQueue {
    entries: SpinLock<Entries>,
}

static CLASS: LockClass = LockClass::new("wait queue", 860);

/// Keeps a callback registered at a queue; dropping it takes the callback off.
pub struct Subscription {
    queue: Arc<WaitQueue>,
    ticket: u64,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.queue.remove(self.ticket);
    }
}

/// Registered at a queue; taken off when dropped.
struct Registration<'a> {
    queue: &'a WaitQueue,
    ticket: u64,
}

impl WaitQueue {
    /// A queue in which nobody waits.
    pub const fn new() -> Self {
        Self { entries: SpinLock::new(&CLASS, Entries { list: Blocks::new(), tickets: 0 }) }
    }

    /// Waits until `condition` gives a value, and returns it.
    ///
    /// The thread is registered before `condition` is asked for the first time: a wake-up that comes after the condition was
    /// found false is not lost. `condition` runs with no lock of the queue held; it must not sleep. May sleep.
    ///
    /// # Errors
    /// [`WaitError::Interrupted`] as `kind` says, [`WaitError::TimedOut`] at the deadline; in both cases `condition` was asked
    /// once more before.
    pub fn wait<T>(
        &self,
        kind: WaitKind,
        deadline: Option<Instant>,
        condition: impl FnMut() -> Option<T>,
    ) -> Result<T, WaitError> {
        self.wait_masked(kind, Events::all(), false, deadline, condition)
    }

    /// As [`WaitQueue::wait`], as one of those that [`WaitQueue::wake_one`] wakes singly. A thread that was chosen and leaves
    /// without a value passes the wake-up on.
    pub fn wait_exclusive<T>(
        &self,
        kind: WaitKind,
        deadline: Option<Instant>,
        condition: impl FnMut() -> Option<T>,
    ) -> Result<T, WaitError> {
        self.wait_masked(kind, Events::all(), true, deadline, condition)
    }

    fn wait_masked<T>(
        &self,
        kind: WaitKind,
        mask: Events,
        exclusive: bool,
        deadline: Option<Instant>,
        mut condition: impl FnMut() -> Option<T>,
    ) -> Result<T, WaitError> {
        hal::might_sleep();
        if let Some(value) = condition() {
            return Ok(value);
        }
        let blocked = Blocked::new(kind);
        loop {
            let registration = self.register(mask, exclusive, Waker::Thread(thread::current()));
            let outcome = loop {
                blocked.announce();
                if let Some(value) = condition() {
                    break Some(Ok(value));
                }
                if blocked.interrupted() {
                    break Some(Err(WaitError::Interrupted));
                }
                if deadline.is_some_and(|deadline| hal::time::now() >= deadline) {
                    break Some(Err(WaitError::TimedOut));
                }
                if exclusive && !self.is_registered(&registration) {
                    // Chosen, before it announced that it would sleep or in vain: it enters anew.
                    break None;
                }
                blocked.sleep(deadline);
            };
            blocked.withdraw();
            let chosen = !registration.leave();
            let Some(outcome) = outcome else { continue };
            if exclusive && chosen && outcome.is_err() {
                self.wake_one(Events::all());
            }
            return outcome;
        }
    }

    /// Registers a callback for the events of `mask`, until the subscription is dropped.
    pub fn subscribe(self: &Arc<Self>, mask: Events, wake: Arc<dyn Wake>) -> Subscription {
        let ticket = self.enter(mask, false, Waker::Callback(wake));
        Subscription { queue: self.clone(), ticket }
    }

    fn register(&self, mask: Events, exclusive: bool, waker: Waker) -> Registration<'_> {
        Registration { queue: self, ticket: self.enter(mask, exclusive, waker) }
    }

    fn enter(&self, mask: Events, exclusive: bool, waker: Waker) -> u64 {
        loop {
            let need = {
                let mut entries = self.entries.lock_irq();
                match entries.list.need() {
                    Some(need) => need,
                    None => {
                        entries.tickets += 1;
                        let ticket = entries.tickets;
                        entries.list.push(Entry { ticket, mask, exclusive, waker });
                        return ticket;
                    }
                }
            };
            let mut storage = need.meet();
            self.entries.lock_irq().list.supply(&mut storage);
        }
    }

    fn is_registered(&self, registration: &Registration<'_>) -> bool {
        let entries = self.entries.lock_irq();
        entries.list.find(registration.ticket).is_some()
    }

    /// Takes an entry off the queue; says whether it was still there.
    fn remove(&self, ticket: u64) -> bool {
        let removed = {
            let mut entries = self.entries.lock_irq();
            let found = entries.list.find(ticket);
            found.and_then(|mut place| entries.list.remove(&mut place))
        };
        removed.is_some() // the entry itself is dropped here, with the lock free
    }

    /// Wakes everybody who waits for one of the events. May be called anywhere.
    pub fn wake_all(&self, events: Events) {
        self.wake(events, usize::MAX);
    }

    /// Wakes everybody but the exclusive waiters, and of those the first. May be called anywhere.
    pub fn wake_one(&self, events: Events) {
        self.wake(events, 1);
    }

    /// Wakes all others and so many of the exclusive waiters; gives the number of exclusive ones woken.
    pub fn wake(&self, events: Events, exclusive: usize) -> usize {
        let mut woken = 0;
        let mut after = 0;
        loop {
            let callback = {
                let mut entries = self.entries.lock_irq();
                if entries.list.is_empty() {
                    return woken;
                }
                let mut place = entries.list.after(after);
                loop {
                    let Some(entry) = entries.list.get(&mut place) else { return woken };
                    after = entry.ticket;
                    if !entry.mask.intersects(events) || (entry.exclusive && woken >= exclusive) {
                        place = place.next();
                        continue;
                    }
                    match &entry.waker {
                        Waker::Callback(callback) => break callback.clone(),
                        Waker::Thread(thread) => {
                            thread.wake();
                            if entry.exclusive {
                                woken += 1;
                                // The waiter itself still holds the thread: this is not its last owner.
                                entries.list.remove(&mut place);
                            } else {
                                place = place.next();
                            }
                        }
                    }
                }
            };
            callback.wake(events);
        }
    }

    /// Says whether anybody waits at this moment.
    pub fn is_empty(&self) -> bool {
        self.entries.lock_irq().list.is_empty()
    }
}

impl Default for WaitQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl Registration<'_> {
    /// Takes the entry off; says whether it was still there.
    fn leave(self) -> bool {
        let there = self.queue.remove(self.ticket);
        core::mem::forget(self);
        there
    }
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        self.queue.remove(self.ticket);
    }
}
