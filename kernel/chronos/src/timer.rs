//! Calls at a point in time.
//!
//! Each processor keeps its timers in a heap. Setting a timer again, or cancelling it, leaves the old entry in place; it is
//! recognised by its ticket when it comes up, and swept out when such entries outnumber the others.

use alloc::collections::BinaryHeap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering as Order;
use core::sync::atomic::{AtomicU64, Ordering};

use hal::{LockClass, PerCpu, SpinLock, cpu};

use crate::Instant;
use crate::growing;
use crate::wait::{Interrupted, WaitError, WaitKind, WaitQueue};

/// What a timer does. Called in the timer interrupt: must not sleep.
pub trait TimerHandler: Send + Sync {
    /// The time has come.
    fn fire(&self);
}

struct Inner {
    /// The ticket of the entry that counts; 0 when none does.
    armed: AtomicU64,
    handler: Arc<dyn TimerHandler>,
}

/// Something to be done at a point in time, once for each time it is set. Dropping it cancels it.
pub struct Timer {
    inner: Arc<Inner>,
}

struct Entry {
    at: Instant,
    ticket: u64,
    timer: Arc<Inner>,
}

impl Entry {
    fn counts(&self) -> bool {
        self.timer.armed.load(Ordering::Relaxed) == self.ticket
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.ticket == other.ticket
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Order> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// Reversed: the heap gives its greatest element first.
    fn cmp(&self, other: &Self) -> Order {
        (other.at, other.ticket).cmp(&(self.at, self.ticket))
    }
}

struct Timers {
    heap: BinaryHeap<Entry>,
    /// The end of the running thread's slice.
    tick: Option<Instant>,
    /// What the machine was last asked for.
    programmed: Option<Instant>,
}

impl Timers {
    const fn new() -> Self {
        Self { heap: BinaryHeap::new(), tick: None, programmed: None }
    }

    /// Asks the machine for an interrupt at the first of all deadlines, if it does not come sooner anyway.
    fn program(&mut self) {
        let first = self.heap.peek().map(|entry| entry.at);
        let wanted = match (first, self.tick) {
            (Some(timer), Some(tick)) => Some(timer.min(tick)),
            (one, other) => one.or(other),
        };
        if let Some(wanted) = wanted
            && self.programmed.is_none_or(|programmed| wanted < programmed)
        {
            self.programmed = Some(wanted);
            hal::time::set_deadline(Some(wanted));
        }
    }
}

static CLASS: LockClass = LockClass::new("timers", 864);
static TIMERS: PerCpu<SpinLock<Timers>> =
    PerCpu::new([const { SpinLock::new(&CLASS, Timers::new()) }; cpu::MAX]);
static TICKETS: AtomicU64 = AtomicU64::new(0);

impl Timer {
    /// A timer that is not set.
    pub fn new(handler: Arc<dyn TimerHandler>) -> Self {
        Self { inner: Arc::new(Inner { armed: AtomicU64::new(0), handler }) }
    }

    /// Sets the timer, in place of an earlier setting; a time that has passed fires at once. May be called anywhere.
    pub fn set(&self, at: Instant) {
        let ticket = TICKETS.fetch_add(1, Ordering::Relaxed) + 1;
        self.inner.armed.store(ticket, Ordering::Relaxed);
        TIMERS.with(|timers| {
            loop {
                {
                    let mut timers = timers.lock_irq();
                    if timers.heap.len() == timers.heap.capacity() {
                        timers.heap.retain(Entry::counts);
                    }
                    if timers.heap.len() < timers.heap.capacity() {
                        timers.heap.push(Entry { at, ticket, timer: self.inner.clone() });
                        timers.program();
                        return;
                    }
                }
                make_room(timers);
            }
        });
    }

    /// Cancels the timer: it does not fire any more, unless it is doing so at this moment.
    pub fn cancel(&self) {
        self.inner.armed.store(0, Ordering::Relaxed);
    }

    /// Says whether the timer is set and has not fired.
    pub fn is_set(&self) -> bool {
        self.inner.armed.load(Ordering::Relaxed) != 0
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.cancel();
    }
}

fn make_room(timers: &SpinLock<Timers>) {
    growing::make_room(
        || {
            let timers = timers.lock_irq();
            (timers.heap.len(), timers.heap.capacity())
        },
        |larger: &mut Vec<Entry>| {
            let mut timers = timers.lock_irq();
            let mut old = core::mem::take(&mut timers.heap).into_vec();
            growing::swap_storage(&mut old, larger);
            timers.heap = BinaryHeap::from(old);
        },
    );
}

/// Sets the end of the running thread's slice on this processor.
pub(crate) fn set_tick(tick: Option<Instant>) {
    TIMERS.with(|timers| {
        let mut timers = timers.lock_irq();
        timers.tick = tick;
        timers.program();
    });
}

/// Fires this processor's timers whose time has come. Called in the timer interrupt.
pub(crate) fn run_due() {
    TIMERS.with(|timers| {
        timers.lock_irq().programmed = None;
        loop {
            let due = {
                let mut timers = timers.lock_irq();
                let now = hal::time::now();
                if timers.tick.is_some_and(|tick| tick <= now) {
                    timers.tick = None;
                }
                match timers.heap.peek() {
                    Some(first) if first.at <= now => timers.heap.pop(),
                    _ => {
                        timers.program();
                        return;
                    }
                }
            };
            if let Some(Entry { ticket, timer, .. }) = due {
                let counted = timer.armed.compare_exchange(ticket, 0, Ordering::Relaxed, Ordering::Relaxed);
                if counted.is_ok() {
                    timer.handler.fire();
                }
            }
        }
    });
}

/// Waits until a point in time. May sleep.
///
/// # Errors
/// [`Interrupted`] when something that `kind` names ended the wait before.
pub fn sleep(kind: WaitKind, until: Instant) -> Result<(), Interrupted> {
    let nobody = WaitQueue::new();
    match nobody.wait(kind, Some(until), || None::<()>) {
        Err(WaitError::Interrupted) => Err(Interrupted),
        Ok(()) | Err(WaitError::TimedOut) => Ok(()),
    }
}
