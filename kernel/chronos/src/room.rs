//! Room for every thread that there is: in each processor's queue, and in the list of all threads.
//!
//! Threads are counted from before they are made, and room is made then, when that may still fail. What was made for very many
//! is given back by [`trim`].

use core::sync::atomic::{AtomicUsize, Ordering};

use hal::{CpuId, NoMemory, SpinLock, cpu};

use crate::registry;
use crate::run_queue::RunQueue;
use crate::scheduler::{PROCESSORS, Processor};

/// Threads that there are, or are about to be.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// Room that is there before any.
const FIRST: usize = 16;

/// So many times the room that is needed is too much.
const TOO_MUCH: usize = 4;

/// A thread, as far as it is counted.
pub(crate) struct Counted(());

impl Counted {
    /// One more, with room for it.
    ///
    /// # Errors
    /// [`NoMemory`].
    pub fn new() -> Result<Self, NoMemory> {
        let counted = Self::booted();
        let threads = THREADS.load(Ordering::Relaxed);
        registry::make_room(threads)?;
        for queue in queues() {
            if !has_room(&queue.lock_irq().queue, threads) {
                replace(queue)?;
            }
        }
        Ok(counted)
    }

    /// One that runs already, at the boot.
    pub fn booted() -> Self {
        THREADS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        THREADS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether so many threads fit, and one more: the one that runs is entered again before the next is taken.
fn has_room(queue: &RunQueue, threads: usize) -> bool {
    queue.capacity() > threads
}

fn queues() -> impl Iterator<Item = &'static SpinLock<Processor>> {
    (0..cpu::online()).map(|number| PROCESSORS.of(CpuId::new(number as u32)))
}

/// An empty queue with room for twice the threads.
///
/// # Errors
/// [`NoMemory`].
pub(crate) fn queue() -> Result<RunQueue, NoMemory> {
    RunQueue::with_capacity(THREADS.load(Ordering::Relaxed).saturating_mul(2) + FIRST)
}

/// Gives a processor's queue other storage.
fn replace(processor: &SpinLock<Processor>) -> Result<(), NoMemory> {
    loop {
        let mut other = queue()?;
        let mut processor = processor.lock_irq();
        // Counted with the lock held: whoever comes later looks at what is there then.
        if has_room(&other, THREADS.load(Ordering::Relaxed)) {
            processor.queue.adopt_storage(&mut other);
            drop(processor);
            return Ok(()); // what is dropped now, with the lock free, is the storage that was replaced
        }
    }
}

/// Gives memory back that was there for many more threads than there are. May not be called with a lock held.
pub fn trim() {
    for processor in queues() {
        let capacity = processor.lock_irq().queue.capacity();
        if capacity > TOO_MUCH * (THREADS.load(Ordering::Relaxed) + FIRST) {
            let _ = replace(processor); // without memory for a smaller one the larger one stays
        }
    }
}
