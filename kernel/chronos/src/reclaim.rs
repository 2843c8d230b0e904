//! Dropping what was retired from `hal::Rcu` cells when nobody reads it any more.
//!
//! Dropping a value may sleep, so it is not done where the value is retired. Whoever retires much carries it out himself, on the
//! way back to his program ([`Work::RECLAIM`]). What is left is done by a thread, when the first of it is old, or when somebody
//! retires very much without going back. That thread has the highest priority: whatever kept it from running could fill the memory.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;

use hal::rcu::BATCH;
use hal::{NoMemory, Once, cpu};

use crate::Policy;
use crate::thread::{self, Work};
use crate::timer::{Timer, TimerHandler, sleep};
use crate::wait::{Events, WaitKind, WaitQueue};

/// How old a retired value gets if nobody carries it out before.
const PATIENCE: Duration = Duration::from_millis(20);
/// How long to wait for processors that read before they are asked again.
const MOMENT: Duration = Duration::from_millis(1);

static QUEUE: WaitQueue = WaitQueue::new();
static DUE: AtomicBool = AtomicBool::new(false);
static TIMER: Once<Timer> = Once::new();

struct Hooks;

impl hal::rcu::Hooks for Hooks {
    fn retired(&self, count: usize) {
        // With one processor nobody has to be waited for, and what is dropped soon is soon used again.
        let enough = if cpu::online() == 1 { BATCH } else { 16 * BATCH };
        if count < enough {
            ask_soon();
        } else if count.is_multiple_of((8 * enough / cpu::online()).max(enough)) {
            ask();
        } else if count.is_multiple_of(enough) {
            thread::with_current(|thread| thread.map(|thread| thread.note(Work::RECLAIM)));
        }
    }
}

fn ask_soon() {
    if let Some(timer) = TIMER.get()
        && !timer.is_set()
    {
        timer.set(hal::time::now() + PATIENCE);
    }
}

impl TimerHandler for Hooks {
    fn fire(&self) {
        ask();
    }
}

fn ask() {
    DUE.store(true, Ordering::Release);
    QUEUE.wake_all(Events::all());
}

/// Starts the thread that drops what was retired.
///
/// # Errors
/// [`NoMemory`] when there is none for its stack.
pub fn start_reclaiming() -> Result<(), NoMemory> {
    thread::spawn("reclaim", Policy::Fifo(99), || {
        loop {
            // Killable: nobody kills it, and it is not to be taken for stuck.
            let _ = QUEUE.wait(WaitKind::Killable, None, || DUE.swap(false, Ordering::Acquire).then_some(()));
            if !hal::rcu::collect() {
                let _ = sleep(WaitKind::Killable, hal::time::now() + MOMENT);
                if !hal::rcu::collect() {
                    ask_soon(); // what came meanwhile: each period interrupts the other processors
                }
            }
        }
    })?;
    let _ = TIMER.set(Timer::new(Arc::new(Hooks)));
    hal::rcu::register(&Hooks);
    Ok(())
}

/// Does what [`Work::RECLAIM`] asks for. May sleep.
pub fn carry_out() {
    if !hal::rcu::collect() {
        ask_soon(); // some processor reads
    }
}

/// Drops what has been retired up to now, for who needs the memory at once. Gives up after a tenth of a second. May sleep.
pub fn reclaim() {
    /// Who reads is done long before.
    const TRIES: u32 = 100;
    let (begun, _) = hal::rcu::periods();
    for _ in 0..TRIES {
        let nothing_waits = hal::rcu::collect();
        let (latest, ended) = hal::rcu::periods();
        // The next to begin has ended; or there was none, and those under way elsewhere have.
        if ended > begun || nothing_waits && ended == latest {
            return;
        }
        if sleep(WaitKind::Killable, hal::time::now() + MOMENT).is_err() {
            return;
        }
    }
}
