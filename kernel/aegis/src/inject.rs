//! Charges that fail on request, to see what becomes of a call that gets no memory.
//!
//! Whoever keeps the programs [registers](register) a function that says of a charge of the current thread whether it counts,
//! and whether it is the one that is to fail. It is asked only while a thread counts ([`arm`], [`disarm`]): for all others a
//! charge costs one load more. The places that were asked are kept with how often they were, for [`each_point`].
//!
//! Charges made by the kernel's own threads or in interrupts do not count.

use core::panic::Location;
use core::sync::atomic::{AtomicU32, Ordering};

use abi::Errno;
use hal::{LockClass, Once, SpinLock};

/// What becomes of a charge: `None` when it does not count, else whether it fails.
pub type Decide = fn() -> Option<bool>;

static DECIDE: Once<Decide> = Once::new();
/// How many threads count their charges.
static ARMED: AtomicU32 = AtomicU32::new(0);

/// A place in the source where something is charged.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// Where it is.
    pub place: &'static Location<'static>,
    /// How many charges counted there.
    pub seen: u64,
    /// How many of them failed on request.
    pub failed: u64,
}

/// More places than there are; further ones are not noted.
const POINTS: usize = 256;

static CLASS: LockClass = LockClass::new("charge points", 58_002);
static SEEN: SpinLock<[Option<Point>; POINTS]> = SpinLock::new(&CLASS, [None; POINTS]);

/// Makes failing on request possible, once: before, no charge does.
pub fn register(decide: Decide) {
    let _ = DECIDE.set(decide);
}

/// Whether charges can be made to fail.
pub fn is_possible() -> bool {
    DECIDE.get().is_some()
}

/// A thread begins to count.
pub fn arm() {
    ARMED.fetch_add(1, Ordering::Relaxed);
}

/// A thread that began to count does so no longer.
pub fn disarm() {
    ARMED.fetch_sub(1, Ordering::Relaxed);
}

/// Whether the charge that the caller is about to make fails on request.
#[inline]
#[track_caller]
pub fn fails() -> bool {
    ARMED.load(Ordering::Relaxed) != 0 && decide(Location::caller())
}

/// A charge made below, where nothing is known of charges: frames for stacks and page tables, say.
///
/// # Errors
/// `ENOMEM`, on request.
#[inline]
#[track_caller]
pub fn point() -> Result<(), Errno> {
    if fails() { Err(Errno::ENOMEM) } else { Ok(()) }
}

#[cold]
fn decide(place: &'static Location<'static>) -> bool {
    if hal::preempt::in_interrupt() {
        return false;
    }
    let Some(fails) = DECIDE.get().and_then(|decide| decide()) else { return false };
    let mut points = SEEN.lock_irq();
    let slot = points.iter_mut().find(|slot| slot.is_none_or(|point| point.place == place));
    if let Some(slot) = slot {
        let point = slot.get_or_insert(Point { place, seen: 0, failed: 0 });
        point.seen += 1;
        point.failed += u64::from(fails);
    }
    fails
}

/// Gives the places that were asked so far, in the order in which they were first.
pub fn each_point(mut look: impl FnMut(&Point)) {
    for index in 0..POINTS {
        // One by one: who looks may need memory.
        let point = SEEN.lock_irq().get(index).copied().flatten();
        match point {
            Some(point) => look(&point),
            None => return,
        }
    }
}
