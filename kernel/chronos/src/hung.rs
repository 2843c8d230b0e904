//! Noticing a thread that is stuck: one that has been for long in a wait that nothing interrupts. It is reported once, with the
//! place where it waits.
//!
//! A thread of the kernel's own looks through all others a few times in the period; one that waits uninterruptibly and has
//! used no processor time since it was seen first has not run in between.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;

use hal::{NoMemory, SpinLock};

use crate::Policy;
use crate::registry;
use crate::thread::{self, Thread};
use crate::wait::{Events, WaitKind, WaitQueue};

/// Linux's.
const DEFAULT_SECONDS: u64 = 120;
/// How often in the period all threads are looked at.
const LOOKS: u32 = 4;

static SECONDS: AtomicU64 = AtomicU64::new(DEFAULT_SECONDS);
static CHANGED: AtomicBool = AtomicBool::new(false);
static QUEUE: WaitQueue = WaitQueue::new();

/// After how many seconds a thread counts as stuck; 0 if nobody looks.
pub fn hung_timeout() -> u64 {
    SECONDS.load(Ordering::Relaxed)
}

/// Sets after how many seconds a thread counts as stuck, from now on; 0 for never.
pub fn set_hung_timeout(seconds: u64) {
    SECONDS.store(seconds, Ordering::Relaxed);
    CHANGED.store(true, Ordering::Release);
    QUEUE.wake_all(Events::all());
}

/// Starts the thread that looks.
///
/// # Errors
/// [`NoMemory`] when there is none for its stack.
pub fn start_hung_watch() -> Result<(), NoMemory> {
    thread::spawn("hung-threads", Policy::NORMAL, || {
        loop {
            let period = Duration::from_secs(hung_timeout());
            let until = (!period.is_zero()).then(|| hal::time::now() + period / LOOKS);
            // Killable: nobody kills it, and it is not to be taken for stuck itself.
            let changed = || CHANGED.swap(false, Ordering::Acquire).then_some(());
            if QUEUE.wait(WaitKind::Killable, until, changed).is_err() && !period.is_zero() {
                look(period);
            }
        }
    })
    .map(drop)
}

/// Looks at all threads once.
fn look(period: Duration) {
    let now = hal::time::now().as_nanos();
    for place in 0.. {
        let Some(thread) = registry::get(place) else { return };
        let waits = thread.blocked() == Some(WaitKind::Uninterruptible);
        let used = if waits { thread.time().total().as_nanos() as u64 } else { 0 };
        if thread.stuck.look(waits, used, now, period) {
            report(&thread, period);
        }
    }
}

fn report(thread: &Arc<Thread>, period: Duration) {
    let seconds = period.as_secs();
    hal::err!("hung", "thread {} ({}) is blocked for more than {seconds} s", thread.name(), thread.id());
    if let Some(context) = thread.context() {
        context.callers(|caller| hal::err!("hung", "  {caller}"));
    }
}

/// What the watch knows of a thread.
pub(crate) struct Stuck {
    seen: SpinLock<Seen>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// The processor time that the thread had used when it was first seen waiting.
    used: u64,
    /// When that was, in nanoseconds since boot; 0 when it did not wait.
    since: u64,
    reported: bool,
}

static CLASS: hal::LockClass = hal::LockClass::new("what is known of a stuck thread", 863);

impl Stuck {
    pub(crate) const fn new() -> Self {
        Self { seen: SpinLock::new(&CLASS, Seen { used: 0, since: 0, reported: false }) }
    }

    /// Takes a look in; says whether the thread is to be reported.
    fn look(&self, waits: bool, used: u64, now: u64, period: Duration) -> bool {
        let mut seen = self.seen.lock();
        if !waits || seen.since == 0 || seen.used != used {
            *seen = Seen { used, since: if waits { now } else { 0 }, reported: false };
            return false;
        }
        let due = u128::from(now.saturating_sub(seen.since)) >= period.as_nanos();
        due && !core::mem::replace(&mut seen.reported, true)
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::Stuck;

    const SECOND: u64 = 1_000_000_000;
    const PERIOD: Duration = Duration::from_secs(10);

    fn look(stuck: &Stuck, waits: bool, used: u64, second: u64) -> bool {
        stuck.look(waits, used, second * SECOND, PERIOD)
    }

    #[test]
    fn a_thread_that_waits_for_the_whole_period_is_reported_once() {
        let stuck = Stuck::new();
        let reports = [1, 2, 3, 4, 5].map(|turn| look(&stuck, true, 5, turn * 5));
        assert_eq!(reports, [false, false, true, false, false]);
    }

    #[test]
    fn one_that_ran_in_between_is_not_stuck_and_may_be_reported_again() {
        let stuck = Stuck::new();
        assert!(!look(&stuck, true, 5, 1));
        assert!(!look(&stuck, true, 6, 12), "it ran, and waits again");
        assert!(look(&stuck, true, 6, 23));
        assert!(!look(&stuck, false, 6, 24));
        assert!(!look(&stuck, true, 6, 25));
        assert!(look(&stuck, true, 6, 36));
    }
}
