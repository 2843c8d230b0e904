//! A processor's runnable threads, in the order in which they run.
//!
//! Keys order first by rank (see `Policy`), then by virtual run time for fair threads or by arrival for others, then
//! by arrival. The heap's storage is grown when a thread is created, never under the queue's lock.

use alloc::collections::BinaryHeap;
use alloc::sync::Arc;
use core::cmp::Ordering;

use hal::CpuId;

use crate::policy::Policy;
use crate::thread::Thread;

/// A thread's place in the order; less is sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    rank: u8,
    virtual_time: u64,
    arrival: u64,
}

struct Entry {
    key: Key,
    thread: Arc<Thread>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// Reversed: the heap gives its greatest element first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key)
    }
}

/// How far behind the others a thread that slept may be: it is favoured, but cannot starve them.
const SLEEPER_BONUS_NANOS: u64 = 3_000_000;

/// Runnable threads that wait for the processor; the one that runs is not among them.
pub(crate) struct RunQueue {
    heap: BinaryHeap<Entry>,
    arrivals: u64,
    /// The virtual run time that the queue has reached: it never goes back.
    floor: u64,
}

impl RunQueue {
    pub(crate) const fn new() -> Self {
        Self { heap: BinaryHeap::new(), arrivals: 0, floor: 0 }
    }

    /// How many threads wait.
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    /// Elements that fit without an allocation.
    pub(crate) fn capacity(&self) -> usize {
        self.heap.capacity()
    }

    /// Takes over larger storage; what it held before is left in `other`.
    pub(crate) fn adopt_storage(&mut self, other: &mut Self) {
        if self.heap.capacity() < other.heap.capacity() {
            other.heap.append(&mut self.heap);
            core::mem::swap(&mut self.heap, &mut other.heap);
        }
    }

    /// An empty queue with room for so many threads.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { heap: BinaryHeap::with_capacity(capacity), ..Self::new() }
    }

    /// Enters a thread; one that comes from sleep does not keep more than a small advantage.
    pub(crate) fn enqueue(&mut self, thread: Arc<Thread>, policy: Policy, slept: bool) {
        if slept {
            thread.raise_virtual_time(self.floor.saturating_sub(SLEEPER_BONUS_NANOS));
        }
        self.arrivals += 1;
        let fair = matches!(policy, Policy::Fair(_) | Policy::Batch);
        let virtual_time = if fair { thread.virtual_time() } else { 0 };
        let key = Key { rank: policy.rank(), virtual_time, arrival: self.arrivals };
        self.heap.push(Entry { key, thread });
    }

    /// The virtual run time that the queue has reached.
    pub(crate) fn floor(&self) -> u64 {
        self.floor
    }

    /// Notes how far the thread that runs is: the queue has reached what all its threads have.
    pub(crate) fn advance(&mut self, running: u64) {
        let reached = self.first_virtual_time().map_or(running, |first| first.min(running));
        self.floor = self.floor.max(reached);
    }

    /// Takes a thread that may run on another processor; one of the next few, or none.
    pub(crate) fn give_away(&mut self, to: CpuId) -> Option<Arc<Thread>> {
        /// How many threads that are bound here are passed over.
        const PASSED: usize = 4;
        let mut passed: [Option<Entry>; PASSED] = [const { None }; PASSED];
        let mut found = None;
        for slot in &mut passed {
            let Some(entry) = self.heap.pop() else { break };
            if entry.thread.may_run_on(to) {
                found = Some(entry.thread);
                break;
            }
            *slot = Some(entry);
        }
        passed.into_iter().flatten().for_each(|entry| self.heap.push(entry));
        found
    }

    /// Takes a thread out; says whether it was there.
    pub(crate) fn remove(&mut self, thread: &Arc<Thread>) -> bool {
        let before = self.heap.len();
        self.heap.retain(|entry| !Arc::ptr_eq(&entry.thread, thread));
        self.heap.len() != before
    }

    /// Takes the thread that runs next.
    pub(crate) fn dequeue(&mut self) -> Option<Arc<Thread>> {
        let entry = self.heap.pop()?;
        self.floor = self.floor.max(entry.key.virtual_time);
        Some(entry.thread)
    }

    /// The virtual run time of the thread that runs next.
    pub(crate) fn first_virtual_time(&self) -> Option<u64> {
        self.heap.peek().map(|first| first.key.virtual_time)
    }

    /// Says whether the first thread in the queue should run instead of `current` (policy, virtual run time).
    pub(crate) fn should_replace(&self, policy: Policy, virtual_time: u64, margin_nanos: u64) -> bool {
        let Some(first) = self.heap.peek() else { return false };
        match first.key.rank.cmp(&policy.rank()) {
            Ordering::Less => true,
            Ordering::Equal => {
                matches!(policy, Policy::Fair(_) | Policy::Batch)
                    && first.key.virtual_time.saturating_add(margin_nanos) < virtual_time
            }
            Ordering::Greater => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;

    use super::RunQueue;
    use crate::policy::Policy;
    use crate::thread::Thread;

    fn thread(name: &str) -> Arc<Thread> {
        Thread::for_test(name)
    }

    #[test]
    fn threads_run_by_rank_then_virtual_time_then_arrival() {
        let mut queue = RunQueue::with_capacity(8);
        let late = thread("late");
        late.raise_virtual_time(100);
        queue.enqueue(late, Policy::NORMAL, false);
        queue.enqueue(thread("first"), Policy::NORMAL, false);
        queue.enqueue(thread("second"), Policy::NORMAL, false);
        queue.enqueue(thread("idle"), Policy::Batch, false);
        queue.enqueue(thread("urgent"), Policy::Fifo(10), false);
        let order: std::vec::Vec<_> = core::iter::from_fn(|| queue.dequeue()).map(|t| t.name()).collect();
        assert_eq!(order, ["urgent", "first", "second", "late", "idle"]);
    }

    #[test]
    fn a_thread_that_is_bound_stays_when_another_is_given_away() {
        let mut queue = RunQueue::with_capacity(8);
        let bound = thread("bound");
        bound.set_allowed(1);
        queue.enqueue(bound, Policy::NORMAL, false);
        queue.enqueue(thread("free"), Policy::NORMAL, false);
        let other = hal::CpuId::new(1);
        assert_eq!(queue.give_away(other).map(|thread| thread.name()).as_deref(), Some("free"));
        assert!(queue.give_away(other).is_none());
        assert_eq!(queue.dequeue().map(|thread| thread.name()).as_deref(), Some("bound"));
    }

    #[test]
    fn the_floor_follows_who_runs_alone_but_not_past_who_waits() {
        let mut queue = RunQueue::with_capacity(8);
        queue.advance(5_000);
        assert_eq!(queue.floor(), 5_000);
        let waiting = thread("waiting");
        waiting.raise_virtual_time(6_000);
        queue.enqueue(waiting, Policy::NORMAL, false);
        queue.advance(9_000);
        assert_eq!(queue.floor(), 6_000);
    }

    #[test]
    fn a_sleeper_gets_a_bonus_but_not_all_the_time_it_slept() {
        let mut queue = RunQueue::with_capacity(8);
        let runner = thread("runner");
        runner.raise_virtual_time(1_000_000_000);
        queue.enqueue(runner.clone(), Policy::NORMAL, false);
        queue.dequeue();
        let sleeper = thread("sleeper");
        queue.enqueue(sleeper.clone(), Policy::NORMAL, true);
        assert_eq!(sleeper.virtual_time(), 1_000_000_000 - super::SLEEPER_BONUS_NANOS);
    }
}
