//! A processor's runnable threads, in the order in which they run.
//!
//! Real-time threads wait in a heap of their own, ordered by rank (see `Policy`), then by arrival; all others by virtual run
//! time, then by arrival. Real-time threads come first, unless they have used up [what they may have](crate::real_time). The
//! heaps' storage is grown when a thread is created, never under the queue's lock.

use alloc::collections::BinaryHeap;
use alloc::sync::Arc;
use core::cmp::Ordering;
use core::mem;

use hal::{CpuId, NoMemory};

use crate::policy::{FAIR_RANK, Policy};
use crate::thread::Thread;

/// A thread's place in the order; less is sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    rank: u8,
    virtual_time: u64,
    arrival: i64,
}

struct Entry {
    key: Key,
    thread: Arc<Thread>,
}

/// Why a thread is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It slept: it does not keep more than a small advantage.
    Sleep,
    /// Its turn is over.
    Turn,
    /// Another took its place: a real-time thread goes on before those of its rank.
    Preemption,
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
    real_time: BinaryHeap<Entry>,
    fair: BinaryHeap<Entry>,
    /// Real-time threads come after the others for a while.
    is_throttled: bool,
    arrivals: i64,
    /// The virtual run time that the queue has reached: it never goes back.
    floor: u64,
}

impl RunQueue {
    pub(crate) const fn new() -> Self {
        Self {
            real_time: BinaryHeap::new(),
            fair: BinaryHeap::new(),
            is_throttled: false,
            arrivals: 0,
            floor: 0,
        }
    }

    /// How many threads wait.
    pub(crate) fn len(&self) -> usize {
        self.real_time.len() + self.fair.len()
    }

    /// Elements that fit without an allocation.
    pub(crate) fn capacity(&self) -> usize {
        self.real_time.capacity().min(self.fair.capacity())
    }

    /// Takes over other storage, which has room for all that waits; its own is left in `other`.
    pub(crate) fn adopt_storage(&mut self, other: &mut Self) {
        let heaps = [(&mut self.real_time, &mut other.real_time), (&mut self.fair, &mut other.fair)];
        for (own, other) in heaps {
            // As vectors: heaps that are put together keep the storage of the fuller one.
            let (mut storage, mut old) = (mem::take(other).into_vec(), mem::take(own).into_vec());
            storage.append(&mut old);
            (*own, *other) = (storage.into(), old.into());
        }
    }

    /// An empty queue with room for so many threads.
    ///
    /// # Errors
    /// [`NoMemory`].
    pub(crate) fn with_capacity(capacity: usize) -> Result<Self, NoMemory> {
        let mut queue = Self::new();
        for heap in [&mut queue.real_time, &mut queue.fair] {
            heap.try_reserve_exact(capacity).map_err(|_| NoMemory)?;
        }
        Ok(queue)
    }

    /// Says whether real-time threads come after the others.
    pub(crate) fn is_throttled(&self) -> bool {
        self.is_throttled
    }

    /// Lets real-time threads come before or after the others.
    pub(crate) fn throttle(&mut self, is_throttled: bool) {
        self.is_throttled = is_throttled;
    }

    /// Enters a thread.
    pub(crate) fn enqueue(&mut self, thread: Arc<Thread>, policy: Policy, cause: Cause) {
        if cause == Cause::Sleep {
            thread.raise_virtual_time(self.floor.saturating_sub(SLEEPER_BONUS_NANOS));
        }
        self.arrivals += 1;
        let rank = policy.rank();
        if policy.is_real_time() {
            let arrival = if cause == Cause::Preemption { -self.arrivals } else { self.arrivals };
            self.real_time.push(Entry { key: Key { rank, virtual_time: 0, arrival }, thread });
        } else {
            let key = Key { rank, virtual_time: thread.virtual_time(), arrival: self.arrivals };
            self.fair.push(Entry { key, thread });
        }
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
        give_away(&mut self.real_time, to).or_else(|| give_away(&mut self.fair, to))
    }

    /// Takes a thread out; says whether it was there.
    pub(crate) fn remove(&mut self, thread: &Arc<Thread>) -> bool {
        let before = self.len();
        for heap in [&mut self.real_time, &mut self.fair] {
            heap.retain(|entry| !Arc::ptr_eq(&entry.thread, thread));
        }
        self.len() != before
    }

    /// Takes the thread that runs next.
    pub(crate) fn dequeue(&mut self) -> Option<Arc<Thread>> {
        if !self.is_throttled && !self.real_time.is_empty() {
            return self.real_time.pop().map(|entry| entry.thread);
        }
        let Some(entry) = self.fair.pop() else { return self.real_time.pop().map(|entry| entry.thread) };
        self.floor = self.floor.max(entry.key.virtual_time);
        Some(entry.thread)
    }

    fn first(&self) -> Option<&Entry> {
        match self.is_throttled {
            false => self.real_time.peek().or_else(|| self.fair.peek()),
            true => self.fair.peek().or_else(|| self.real_time.peek()),
        }
    }

    /// The virtual run time of the fair thread that runs next.
    pub(crate) fn first_virtual_time(&self) -> Option<u64> {
        self.fair.peek().map(|first| first.key.virtual_time)
    }

    /// A rank's place among the others at present.
    fn place(&self, rank: u8) -> u8 {
        if self.is_throttled && rank < FAIR_RANK { rank + FAIR_RANK + 1 } else { rank }
    }

    /// Says whether the first thread in the queue should run instead of `current` (policy, virtual run time).
    pub(crate) fn should_replace(&self, policy: Policy, virtual_time: u64, margin_nanos: u64) -> bool {
        let Some(first) = self.first() else { return false };
        match self.place(first.key.rank).cmp(&self.place(policy.rank())) {
            Ordering::Less => true,
            Ordering::Equal => {
                !policy.is_real_time() && first.key.virtual_time.saturating_add(margin_nanos) < virtual_time
            }
            Ordering::Greater => false,
        }
    }

    /// Says whether the first thread in the queue has this real-time policy's rank: at the end of a turn it is its turn.
    pub(crate) fn has_peer(&self, policy: Policy) -> bool {
        self.real_time.peek().is_some_and(|first| first.key.rank == policy.rank())
    }
}

fn give_away(heap: &mut BinaryHeap<Entry>, to: CpuId) -> Option<Arc<Thread>> {
    /// How many threads that are bound here are passed over.
    const PASSED: usize = 4;
    let mut passed: [Option<Entry>; PASSED] = [const { None }; PASSED];
    let mut found = None;
    for slot in &mut passed {
        let Some(entry) = heap.pop() else { break };
        if entry.thread.may_run_on(to) {
            found = Some(entry.thread);
            break;
        }
        *slot = Some(entry);
    }
    passed.into_iter().flatten().for_each(|entry| heap.push(entry));
    found
}

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;

    use super::{Cause, RunQueue};
    use crate::policy::Policy;
    use crate::thread::Thread;

    fn thread(name: &str) -> Arc<Thread> {
        Thread::for_test(name)
    }

    #[test]
    fn threads_run_by_rank_then_virtual_time_then_arrival() {
        let mut queue = RunQueue::with_capacity(8).unwrap();
        let late = thread("late");
        late.raise_virtual_time(100);
        queue.enqueue(late, Policy::NORMAL, Cause::Turn);
        queue.enqueue(thread("first"), Policy::NORMAL, Cause::Turn);
        queue.enqueue(thread("second"), Policy::NORMAL, Cause::Turn);
        queue.enqueue(thread("urgent"), Policy::Fifo(10), Cause::Turn);
        let order: std::vec::Vec<_> = core::iter::from_fn(|| queue.dequeue()).map(|t| t.name()).collect();
        assert_eq!(order, ["urgent", "first", "second", "late"]);
    }

    #[test]
    fn those_who_wait_are_kept_with_other_storage_larger_or_smaller() {
        let mut queue = RunQueue::with_capacity(2).unwrap();
        queue.enqueue(thread("first"), Policy::NORMAL, Cause::Turn);
        queue.enqueue(thread("second"), Policy::NORMAL, Cause::Turn);
        for capacity in [64, 4] {
            let mut other = RunQueue::with_capacity(capacity).unwrap();
            queue.adopt_storage(&mut other);
            assert_eq!((queue.capacity(), other.len()), (capacity, 0));
        }
        let order: std::vec::Vec<_> = core::iter::from_fn(|| queue.dequeue()).map(|t| t.name()).collect();
        assert_eq!(order, ["first", "second"]);
    }

    #[test]
    fn a_thread_that_is_bound_stays_when_another_is_given_away() {
        let mut queue = RunQueue::with_capacity(8).unwrap();
        let bound = thread("bound");
        bound.set_allowed(1);
        queue.enqueue(bound, Policy::NORMAL, Cause::Turn);
        queue.enqueue(thread("free"), Policy::NORMAL, Cause::Turn);
        let other = hal::CpuId::new(1);
        assert_eq!(queue.give_away(other).map(|thread| thread.name()).as_deref(), Some("free"));
        assert!(queue.give_away(other).is_none());
        assert_eq!(queue.dequeue().map(|thread| thread.name()).as_deref(), Some("bound"));
    }

    #[test]
    fn the_floor_follows_who_runs_alone_but_not_past_who_waits() {
        let mut queue = RunQueue::with_capacity(8).unwrap();
        queue.advance(5_000);
        assert_eq!(queue.floor(), 5_000);
        let waiting = thread("waiting");
        waiting.raise_virtual_time(6_000);
        queue.enqueue(waiting, Policy::NORMAL, Cause::Turn);
        queue.advance(9_000);
        assert_eq!(queue.floor(), 6_000);
    }

    #[test]
    fn a_sleeper_gets_a_bonus_but_not_all_the_time_it_slept() {
        let mut queue = RunQueue::with_capacity(8).unwrap();
        let runner = thread("runner");
        runner.raise_virtual_time(1_000_000_000);
        queue.enqueue(runner.clone(), Policy::NORMAL, Cause::Turn);
        queue.dequeue();
        let sleeper = thread("sleeper");
        queue.enqueue(sleeper.clone(), Policy::NORMAL, Cause::Sleep);
        assert_eq!(sleeper.virtual_time(), 1_000_000_000 - super::SLEEPER_BONUS_NANOS);
    }

    fn order(queue: &mut RunQueue) -> std::vec::Vec<std::string::String> {
        core::iter::from_fn(|| queue.dequeue()).map(|thread| thread.name()).collect()
    }

    #[test]
    fn a_preempted_real_time_thread_goes_on_before_those_of_its_rank() {
        let mut queue = RunQueue::with_capacity(8).unwrap();
        queue.enqueue(thread("first"), Policy::RoundRobin(5), Cause::Sleep);
        queue.enqueue(thread("second"), Policy::Fifo(5), Cause::Sleep);
        queue.enqueue(thread("preempted"), Policy::Fifo(5), Cause::Preemption);
        queue.enqueue(thread("at its end"), Policy::Fifo(5), Cause::Turn);
        assert!(queue.has_peer(Policy::RoundRobin(5)) && !queue.has_peer(Policy::RoundRobin(4)));
        assert_eq!(order(&mut queue), ["preempted", "first", "second", "at its end"]);
    }

    #[test]
    fn real_time_threads_that_are_throttled_come_last() {
        let mut queue = RunQueue::with_capacity(8).unwrap();
        queue.throttle(true);
        queue.enqueue(thread("urgent"), Policy::Fifo(99), Cause::Sleep);
        assert!(!queue.should_replace(Policy::NORMAL, 0, 0));
        queue.enqueue(thread("ordinary"), Policy::NORMAL, Cause::Sleep);
        assert!(queue.should_replace(Policy::Fifo(99), 0, 0));
        queue.throttle(false);
        assert!(queue.should_replace(Policy::NORMAL, 0, 0));
        assert!(!queue.should_replace(Policy::Fifo(99), 0, 0));
        queue.throttle(true);
        assert_eq!(order(&mut queue), ["ordinary", "urgent"]);
    }
}
