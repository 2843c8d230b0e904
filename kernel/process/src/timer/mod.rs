//! Timers of processes: `setitimer`, `alarm`, POSIX timers, and the limit of processor time.
//!
//! Real time comes from a timer of chronos. Processor time has no event of its own; what waits for it is looked at when it
//! could be reached at the earliest (processor time passes at most as fast as real time, for each thread), so nothing ticks
//! for processes that have no such timer. All handlers run in the timer interrupt: they allocate nothing.

pub mod clock;
pub mod interval;
pub mod posix;
mod table;

pub use clock::{Clock, Share};
pub use interval::{Interval, Kind};
pub use posix::{Notify, PosixSetting};

use crate::lock_classes;
use crate::process::Process;
use alloc::sync::{Arc, Weak};
use core::time::Duration;
use hal::{Instant, Once, SpinLock};
use table::Table;

/// The timers of a process.
pub(crate) struct Timers {
    state: SpinLock<State>,
    /// Fires for `ITIMER_REAL`; made when first needed.
    real: Once<chronos::Timer>,
    /// Fires when a timer or limit of processor time could be reached.
    processor: Once<chronos::Timer>,
}

/// What is under the lock.
struct State {
    intervals: [interval::Armed; 3],
    posix: Table<Arc<posix::PosixTimer>>,
    /// The processor time at which the limit's next signal is due.
    limit: Option<Duration>,
}

/// When an interval timer fires next at the earliest whose last signal was not taken yet: nobody would notice, and a program
/// could keep the processor busy with interrupts only.
fn unseen() -> Instant {
    const PAUSE: Duration = Duration::from_millis(10);
    chronos::clock::now().saturating_add(PAUSE)
}

/// When so much processor time can have passed at the earliest, for so many threads.
fn earliest(time: Duration, threads: usize) -> Instant {
    /// Looked at no more often than this.
    const STEP: Duration = Duration::from_millis(4);
    let threads = u32::try_from(threads.max(1)).unwrap_or(u32::MAX);
    chronos::clock::now().saturating_add((time / threads).max(STEP))
}

impl Timers {
    pub fn new() -> Self {
        let state = State { intervals: [interval::Armed::OFF; 3], posix: Table::new(), limit: None };
        Self { state: SpinLock::new(&lock_classes::TIMERS, state), real: Once::new(), processor: Once::new() }
    }
}

/// At a process's end: nothing fires any more.
pub(crate) fn stop_all(process: &Process) {
    for timer in [process.timers.real.get(), process.timers.processor.get()].into_iter().flatten() {
        timer.cancel();
    }
    posix::delete_all(process);
}

/// A timer of chronos, made when it is first needed; without memory it would not be there, and nothing would fire.
fn timer_of(
    cell: &Once<chronos::Timer>,
    handler: impl FnOnce() -> Arc<dyn chronos::TimerHandler>,
) -> Option<&chronos::Timer> {
    if cell.get().is_none() {
        let _ = cell.set(chronos::Timer::new(handler())); // another thread was faster: its timer is as good
    }
    cell.get()
}

/// The processor time of a process: in its programs, and in all. No allocation: the timer interrupt asks.
pub(crate) fn processor_time(process: &Process) -> (Duration, Duration) {
    let own = process.accounts.lock_irq().own;
    let (mut user, mut total) = (own.user, own.total());
    let signals = process.signals.lock_irq();
    for thread in &signals.threads {
        if let Some(task) = thread.task() {
            let time = task.time();
            user = user.saturating_add(time.split().0);
            total = total.saturating_add(time.total());
        }
    }
    (user, total)
}

/// A handler for a process's timer.
struct ForProcess {
    process: Weak<Process>,
    fire: fn(&Arc<Process>),
}

impl chronos::TimerHandler for ForProcess {
    fn fire(&self) {
        if let Some(process) = self.process.upgrade() {
            (self.fire)(&process);
        }
    }
}
