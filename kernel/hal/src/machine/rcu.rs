//! Who reads without a lock, and when everybody who did has finished.
//!
//! Each processor counts the sections that it is in. Another one asks by setting [`WANTED`] in its word and interrupting it. The
//! interrupt finds the count at 0 nearly always, and takes the bit away; if not, it stays, and any later interrupt looks again.
//! A processor that waits for an interrupt says so in the same word, and is left alone.

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};

use super::area::{self, MAX};
use crate::CpuId;

/// The processor does nothing but wait for an interrupt (or has not been started).
const IDLE: u32 = 1;
/// Somebody wants to know that the processor was seen outside of every section.
const WANTED: u32 = 2;

/// The processors with this number or a higher one have never run.
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// What a processor and those who ask it tell each other.
pub(super) struct State(AtomicU32);

impl State {
    /// A processor that does not run yet.
    pub(super) const fn new() -> Self {
        Self(AtomicU32::new(IDLE))
    }
}

/// Begins a section.
#[inline]
pub(crate) fn enter() {
    area::section_enter();
}

/// Ends a section.
#[inline]
pub(crate) fn leave() {
    area::section_leave(super::reschedule);
}

/// Says whether the code that runs is in a section.
#[inline]
pub(crate) fn reading() -> bool {
    area::in_section()
}

/// Tells who asked that this processor is in no section. Called where it cannot change to another; with interrupts off, or from
/// a thread: an interrupt in between ends its sections before it returns.
fn pass() {
    let state = &area::current().rcu.0;
    if !reading() {
        // Both ways: what was read before is read when somebody sees the bit gone, and what is read from now on is what those
        // who asked have left. It clears `IDLE` too: before the first read.
        state.swap(0, Ordering::SeqCst);
    }
}

/// The first thing in every interrupt.
#[inline]
pub(super) fn interrupted() {
    if area::current().rcu.0.load(Ordering::Relaxed) != 0 {
        pass();
    }
}

/// The processor begins to run.
pub(super) fn started() {
    STARTED.fetch_max(area::id() as usize + 1, Ordering::SeqCst);
    pass();
}

/// The processor is about to wait for an interrupt. Interrupts are off.
pub(super) fn begin_idle() {
    if !reading() {
        area::current().rcu.0.fetch_or(IDLE, Ordering::SeqCst);
    }
}

/// It waits no longer. Interrupts are off.
pub(super) fn end_idle() {
    interrupted();
}

/// Nobody has registered who collects: too early, it has time until somebody does.
pub(crate) fn without_hooks() {}

/// A time in which every processor is seen outside of every section.
pub(crate) struct Period {
    /// The processors that have not been seen so, a bit each.
    waiting: u64,
}

const _: () = assert!(MAX <= u64::BITS as usize);

impl Period {
    /// Begins one: asks every processor.
    pub(crate) fn begin() -> Self {
        // What was taken out of its cell before is out for who is found idle or not started now, and reads later.
        fence(Ordering::SeqCst);
        let mut waiting = 0;
        for index in 0..STARTED.load(Ordering::SeqCst) {
            if let Some(area) = area::of(index)
                && area.rcu.0.fetch_or(WANTED, Ordering::SeqCst) & IDLE == 0
            {
                waiting |= 1 << index;
            }
        }
        Self { waiting }
    }

    /// Says whether all have been seen; asks those again that have not.
    pub(crate) fn is_over(&mut self) -> bool {
        let _here = crate::preempt::disable();
        pass();
        for index in 0..u64::BITS as usize - self.waiting.leading_zeros() as usize {
            if self.waiting >> index & 1 == 0 {
                continue;
            }
            let Some(area) = area::of(index) else { continue };
            let state = area.rcu.0.load(Ordering::SeqCst);
            if state & IDLE != 0 || state & WANTED == 0 {
                self.waiting &= !(1 << index);
            } else if index != area::id() as usize {
                super::sched::send_reschedule(CpuId::new(index as u32));
            }
        }
        self.waiting == 0
    }
}
