//! Who reads without a lock, and when everybody who did has finished: here each thread of the host says so for itself.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};

/// One thread's: odd while it is in a section.
type Counter = Arc<AtomicU64>;

static READERS: Mutex<Vec<Counter>> = Mutex::new(Vec::new());

thread_local! {
    static OWN: Counter = register();
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Makes a thread's counter; forgets those of threads that have ended.
fn register() -> Counter {
    let own = Counter::default();
    let mut all = READERS.lock().unwrap_or_else(PoisonError::into_inner);
    all.retain(|counter| Arc::strong_count(counter) > 1);
    all.push(own.clone());
    own
}

/// Begins a section.
pub(crate) fn enter() {
    super::preempt_enter();
    if DEPTH.replace(DEPTH.get() + 1) == 0 {
        OWN.with(|own| own.fetch_add(1, Ordering::SeqCst));
        fence(Ordering::SeqCst);
    }
}

/// Ends a section.
pub(crate) fn leave() {
    DEPTH.set(DEPTH.get() - 1);
    if DEPTH.get() == 0 {
        OWN.with(|own| own.fetch_add(1, Ordering::SeqCst));
    }
    super::preempt_leave();
}

/// Says whether the code that runs is in a section.
pub(crate) fn reading() -> bool {
    DEPTH.get() != 0
}

/// A test has no thread that collects: what nobody reads is dropped at once.
pub(crate) fn without_hooks() {
    crate::rcu::collect();
}

/// A time in which every thread is seen outside of every section.
pub(crate) struct Period {
    /// Threads that were in a section, and their counters then.
    waiting: Vec<(Counter, u64)>,
}

impl Period {
    /// Begins one.
    pub(crate) fn begin() -> Self {
        fence(Ordering::SeqCst);
        let all = READERS.lock().unwrap_or_else(PoisonError::into_inner);
        let counters = all.iter().map(|counter| (counter.clone(), counter.load(Ordering::SeqCst)));
        Self { waiting: counters.filter(|(_, count)| count % 2 == 1).collect() }
    }

    /// Says whether all have been seen.
    pub(crate) fn is_over(&mut self) -> bool {
        self.waiting.retain(|(counter, count)| counter.load(Ordering::SeqCst) == *count);
        self.waiting.is_empty()
    }
}
