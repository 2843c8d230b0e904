//! Time: the time-stamp counter for reading it, the local APIC's timer for being woken.

mod calibrate;
mod rtc;

use core::arch::x86_64::_rdtsc;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use super::register::{self, Msr};
use super::{apic::local, area};
use crate::time::Instant;

/// The counter at [`Instant::BOOT`].
static BASE: AtomicU64 = AtomicU64::new(0);
/// Nanoseconds in a tick, times 2^32.
static NANOS_PER_TICK: AtomicU64 = AtomicU64::new(0);
static KHZ: AtomicU64 = AtomicU64::new(0);
/// Ticks of the counter that deadlines are given in (the timer's or the time-stamp counter's) in a nanosecond, times 2^32.
static TIMER_TICKS_PER_NANO: AtomicU64 = AtomicU64::new(0);
static WALL_AT_BOOT: AtomicU64 = AtomicU64::new(0);

/// The deadline of each processor.
static DEADLINES: [AtomicU64; area::MAX] = [const { AtomicU64::new(u64::MAX) }; area::MAX];

/// The time-stamp counter.
#[inline]
pub(super) fn ticks() -> u64 {
    // SAFETY: reading it has no effect.
    unsafe { _rdtsc() }
}

/// A product, divided by 2^32.
#[inline]
fn scale(value: u64, factor: u64) -> u64 {
    ((u128::from(value) * u128::from(factor)) >> 32) as u64
}

/// Starts the clock. The local APIC is up.
pub(super) fn init() {
    let base = ticks();
    let rates = calibrate::measure();
    BASE.store(base, Ordering::Relaxed);
    KHZ.store(rates.tsc_hz / 1000, Ordering::Relaxed);
    NANOS_PER_TICK.store(per(1_000_000_000, rates.tsc_hz), Ordering::Relaxed);
    TIMER_TICKS_PER_NANO.store(per(rates.timer_hz, 1_000_000_000), Ordering::Relaxed);
    let wall = rtc::read().saturating_sub(Duration::from_nanos(now_nanos()));
    WALL_AT_BOOT.store(wall.as_nanos() as u64, Ordering::Relaxed);
    crate::info!(
        "time",
        "time-stamp counter {}.{:03} MHz, timer {}.{:03} MHz",
        rates.tsc_hz / 1_000_000,
        rates.tsc_hz / 1000 % 1000,
        rates.timer_hz / 1_000_000,
        rates.timer_hz / 1000 % 1000
    );
}

/// A quotient, times 2^32.
fn per(value: u64, unit: u64) -> u64 {
    ((u128::from(value) << 32) / u128::from(unit.max(1))) as u64
}

/// How ticks of the time-stamp counter become nanoseconds since boot: the counter at boot, and nanoseconds in a tick times 2^32.
pub(crate) fn conversion() -> (u64, u64) {
    (BASE.load(Ordering::Relaxed), NANOS_PER_TICK.load(Ordering::Relaxed))
}

#[inline]
pub(crate) fn now_nanos() -> u64 {
    scale(ticks().wrapping_sub(BASE.load(Ordering::Relaxed)), NANOS_PER_TICK.load(Ordering::Relaxed))
}

/// Asks for one call of the scheduler's `timer` at this point in time on this processor, in place of an earlier wish; at once
/// if it has passed.
pub fn set_deadline(deadline: Option<Instant>) {
    let guard = crate::preempt::disable();
    let nanos = deadline.map_or(u64::MAX, Instant::as_nanos);
    DEADLINES[area::id() as usize].store(nanos, Ordering::Relaxed);
    arm(nanos);
    drop(guard);
}

/// Sets the timer of this processor.
fn arm(deadline: u64) {
    let wait = (deadline != u64::MAX).then(|| deadline.saturating_sub(now_nanos()));
    let wanted = wait.map(|nanos| scale(nanos, TIMER_TICKS_PER_NANO.load(Ordering::Relaxed)));
    if local::uses_tsc_deadline() {
        register::write_msr(
            Msr::TscDeadline,
            wanted.map_or(0, |wanted| ticks().saturating_add(wanted).max(1)),
        );
    } else {
        // A deadline further off than the timer can count is set again when it has counted that far.
        local::start_timer(wanted.map_or(0, |wanted| u32::try_from(wanted).unwrap_or(u32::MAX).max(1)));
    }
}

/// The timer has interrupted a program, or the kernel. Called with interrupts off.
pub(super) fn deadline_passed(in_program: bool) {
    let slot = &DEADLINES[area::id() as usize];
    let deadline = slot.load(Ordering::Relaxed);
    if deadline == u64::MAX {
        return;
    }
    if now_nanos() < deadline {
        return arm(deadline);
    }
    slot.store(u64::MAX, Ordering::Relaxed);
    if let Some(hooks) = crate::sched::hooks() {
        hooks.timer(in_program);
    }
}

/// The wall clock at [`Instant::BOOT`]: time since the epoch.
pub fn wall_at_boot() -> Duration {
    Duration::from_nanos(WALL_AT_BOOT.load(Ordering::Relaxed))
}

/// The rate of the processor's time-stamp counter.
pub fn tsc_khz() -> u64 {
    KHZ.load(Ordering::Relaxed)
}
