//! Comparing the time-stamp counters of two processors: both read in turns; a reading that is less than the other's before it
//! shows that one is behind. All of the kernel's time is the counter's, so such a processor cannot take part.

use core::sync::atomic::{AtomicU64, Ordering};

use super::super::time::{now_nanos, ticks};

/// Readings of each processor at most.
const ROUNDS: u64 = 200;
/// How long they may take: an emulator may run one processor after the other.
const LIMIT_NANOS: u64 = 5_000_000;

/// Whose turn it is: even numbers are the old processor's, odd ones the new one's.
static TURN: AtomicU64 = AtomicU64::new(0);
/// The turn after the last.
const END: u64 = u64::MAX;
/// The last reading.
static LAST: AtomicU64 = AtomicU64::new(0);
/// By how much a reading was less than the one before, at most.
static BEHIND: AtomicU64 = AtomicU64::new(0);

fn read() {
    let last = LAST.load(Ordering::Relaxed);
    let now = ticks();
    BEHIND.fetch_max(last.saturating_sub(now), Ordering::Relaxed);
    LAST.store(now, Ordering::Relaxed);
}

fn wait_for(turn: u64) -> u64 {
    loop {
        let present = TURN.load(Ordering::Acquire);
        if present == turn || present == END {
            return present;
        }
        core::hint::spin_loop();
    }
}

/// Compares with the processor that is being started; says whether the counters agree.
pub(super) fn compare_with_new() -> bool {
    let limit = now_nanos() + LIMIT_NANOS;
    for round in 0..ROUNDS {
        read();
        TURN.store(2 * round + 1, Ordering::Release);
        wait_for(2 * round + 2);
        if now_nanos() > limit {
            break;
        }
    }
    TURN.store(END, Ordering::Release);
    BEHIND.load(Ordering::Relaxed) == 0
}

/// The same on the processor that is being started; says whether it may take part.
pub(super) fn compare_as_new() -> bool {
    let mut turn = 1;
    while wait_for(turn) != END {
        read();
        TURN.store(turn + 1, Ordering::Release);
        turn += 2;
    }
    BEHIND.load(Ordering::Relaxed) == 0
}

/// Prepares for the next processor, which does not run yet.
pub(super) fn reset() {
    LAST.store(0, Ordering::Relaxed);
    BEHIND.store(0, Ordering::Relaxed);
    TURN.store(0, Ordering::Release);
}
