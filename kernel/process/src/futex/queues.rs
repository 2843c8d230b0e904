//! Who waits at which word: a hash table of buckets.
//!
//! An entry is a thread with the key of the word and a bit set. A thread that is moved to another word (`FUTEX_REQUEUE`) moves
//! between buckets, so each waiter knows the bucket that holds it; that changes only with both buckets locked.

use crate::lock_classes;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chronos::Waiter;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use hal::SpinLock;

/// What identifies a word in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A word of one address space: the space's identity, the address.
    Private(usize, u64),
    /// A word of a memory object: the object's identity, the byte offset.
    Shared(usize, u64),
}

const BUCKETS: usize = 256;

impl Key {
    fn bucket(self) -> usize {
        let (object, place) = match self {
            Self::Private(object, place) | Self::Shared(object, place) => (object as u64, place),
        };
        // Fibonacci hashing: the high bits of the product depend on all bits of the key.
        let hash = (object ^ (place >> 2)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (hash >> 56) as usize % BUCKETS
    }
}

/// A waiting thread.
pub struct Sleeper {
    /// What wakes the thread.
    pub waiter: Arc<Waiter>,
    woken: AtomicBool,
    bucket: AtomicUsize,
}

impl Sleeper {
    /// The current thread, to wait at `key`.
    pub fn new(key: Key) -> Arc<Self> {
        Arc::new(Self {
            waiter: Waiter::new(),
            woken: AtomicBool::new(false),
            bucket: AtomicUsize::new(key.bucket()),
        })
    }

    /// Whether somebody woke it through the queues.
    pub fn is_woken(&self) -> bool {
        self.woken.load(Ordering::Acquire)
    }
}

struct Entry {
    key: Key,
    bits: u32,
    sleeper: Arc<Sleeper>,
}

struct Bucket {
    /// Threads in the bucket or about to enter: lets a wake-up that concerns nobody skip the lock.
    count: AtomicUsize,
    entries: SpinLock<Vec<Entry>>,
}

impl Bucket {
    const fn new() -> Self {
        Self { count: AtomicUsize::new(0), entries: SpinLock::new(&lock_classes::FUTEX, Vec::new()) }
    }
}

/// The table.
pub struct Queues {
    buckets: [Bucket; BUCKETS],
}

/// What [`Queues::enter`] needs to know of the word.
pub enum Check {
    /// It has the expected value.
    Same,
    /// It has not.
    Differs,
    /// It cannot be read without sleeping.
    Unreadable,
}

impl Default for Queues {
    fn default() -> Self {
        Self::new()
    }
}

impl Queues {
    /// Nobody waits.
    pub const fn new() -> Self {
        Self { buckets: [const { Bucket::new() }; BUCKETS] }
    }

    fn bucket(&self, index: usize) -> &Bucket {
        let [first, ..] = &self.buckets;
        self.buckets.get(index).unwrap_or(first)
    }

    /// Queues a thread if `check`, which runs under the bucket's lock, finds the word unchanged. Gives what it found; `None` when
    /// there was no memory for the entry.
    pub fn enter(
        &self,
        key: Key,
        bits: u32,
        sleeper: &Arc<Sleeper>,
        check: impl FnOnce() -> Check,
    ) -> Option<Check> {
        let bucket = self.bucket(key.bucket());
        bucket.count.fetch_add(1, Ordering::SeqCst);
        let mut entries = bucket.entries.lock();
        let found = if aegis::charge::reserve(&mut *entries, 1).is_ok() { Some(check()) } else { None };
        if let Some(Check::Same) = found {
            entries.push(Entry { key, bits, sleeper: sleeper.clone() });
        } else {
            bucket.count.fetch_sub(1, Ordering::Relaxed);
        }
        found
    }

    /// Takes a thread off the queue it is on; says whether it was still there.
    pub fn leave(&self, sleeper: &Arc<Sleeper>) -> bool {
        loop {
            let index = sleeper.bucket.load(Ordering::Acquire);
            if index == IN_BETWEEN {
                core::hint::spin_loop(); // another processor is moving it, with preemption off
                continue;
            }
            let bucket = self.bucket(index);
            let mut entries = bucket.entries.lock();
            if sleeper.bucket.load(Ordering::Acquire) != index {
                continue; // it was moved to another word just now
            }
            let found = entries.iter().position(|entry| Arc::ptr_eq(&entry.sleeper, sleeper));
            if let Some(place) = found {
                entries.remove(place);
                bucket.count.fetch_sub(1, Ordering::Relaxed);
            }
            return found.is_some();
        }
    }

    /// Wakes up to `count` threads that wait at `key` for one of `bits`, oldest first; gives the number woken.
    pub fn wake(&self, key: Key, count: usize, bits: u32) -> usize {
        let bucket = self.bucket(key.bucket());
        // Pairs with the waiter's count: it is raised before the word is read, we were called after the word was written.
        fence(Ordering::SeqCst);
        if bucket.count.load(Ordering::Relaxed) == 0 {
            return 0;
        }
        let mut entries = bucket.entries.lock();
        take(bucket, &mut entries, count, |entry| entry.key == key && entry.bits & bits != 0)
    }

    /// Wakes up to `wake` threads at `from` and moves up to `requeue` others to `to`; `check` runs under the locks and says
    /// whether to do so. Gives the numbers woken and moved; `None` when there was no memory.
    pub fn requeue<R>(
        &self,
        (from, to): (Key, Key),
        (wake, requeue): (usize, usize),
        check: impl FnOnce() -> Result<(), R>,
    ) -> Option<Result<(usize, usize), R>> {
        let (source, target) = (from.bucket(), to.bucket());
        if source == target {
            let bucket = self.bucket(source);
            let mut entries = bucket.entries.lock();
            if let Err(refusal) = check() {
                return Some(Err(refusal));
            }
            let woken = take(bucket, &mut entries, wake, |entry| entry.key == from);
            let waiting = entries.iter_mut().filter(|entry| entry.key == from).take(requeue);
            let moved = waiting.map(|entry| entry.key = to).count();
            return Some(Ok((woken, moved)));
        }
        // Two locks of one class are never held together: the entries are moved in two steps. A thread that wants to leave
        // in between finds that it is being moved, and waits for that; so this must not be preempted.
        let _preemption_off = hal::preempt::disable();
        let first = self.bucket(source);
        let second = self.bucket(target);
        let mut moving = Vec::new();
        let woken = {
            let mut entries = first.entries.lock();
            if let Err(refusal) = check() {
                return Some(Err(refusal));
            }
            aegis::charge::reserve(&mut moving, entries.len().min(requeue)).ok()?;
            let woken = take(first, &mut entries, wake, |entry| entry.key == from);
            let mut index = 0;
            while moving.len() < requeue
                && let Some(entry) = entries.get(index)
            {
                if entry.key == from {
                    second.count.fetch_add(1, Ordering::SeqCst);
                    first.count.fetch_sub(1, Ordering::Relaxed);
                    entry.sleeper.bucket.store(IN_BETWEEN, Ordering::Release);
                    moving.push(entries.remove(index));
                } else {
                    index += 1;
                }
            }
            woken
        };
        let moved = moving.len();
        let mut entries = second.entries.lock();
        for mut entry in moving {
            entry.key = to;
            let sleeper = entry.sleeper.clone();
            if aegis::charge::reserve(&mut *entries, 1).is_ok() {
                entries.push(entry);
            } else {
                second.count.fetch_sub(1, Ordering::Relaxed);
                wake_sleeper(&sleeper);
            }
            sleeper.bucket.store(target, Ordering::Release);
        }
        Some(Ok((woken, moved)))
    }
}

/// No bucket: the entry is being moved.
const IN_BETWEEN: usize = usize::MAX;

fn wake_sleeper(sleeper: &Sleeper) {
    sleeper.woken.store(true, Ordering::Release);
    sleeper.waiter.wake_thread();
}

fn take(
    bucket: &Bucket,
    entries: &mut Vec<Entry>,
    count: usize,
    mut wanted: impl FnMut(&Entry) -> bool,
) -> usize {
    let mut woken = 0;
    let mut index = 0;
    while woken < count
        && let Some(entry) = entries.get(index)
    {
        if wanted(entry) {
            wake_sleeper(&entry.sleeper);
            entries.remove(index);
            bucket.count.fetch_sub(1, Ordering::Relaxed);
            woken += 1;
        } else {
            index += 1;
        }
    }
    woken
}
