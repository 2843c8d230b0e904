//! How fast the time-stamp counter and the local timer run, measured against the PC's interval timer (Intel 8254).
//!
//! Its counter is read together with the two others at the beginning and the end of a window. What counts is that a reading
//! is quick, not when it happens: a processor that an emulator's host stops for a while in the middle of the window loses
//! nothing, and of several readings the quickest is used. One that it stops for longer than the timer can count measures again.

use super::super::features::cpuid;
use super::super::{apic::local, port};
use super::ticks;

/// Ticks of the interval timer in a second.
const PIT_HZ: u64 = 1_193_182;
const CHANNEL_2: u16 = 0x42;
const COMMAND: u16 = 0x43;
/// Bit 0 is channel 2's gate, bit 1 the speaker, bit 5 channel 2's output: set once it counted down to 0, after 55 ms.
const GATE: u16 = 0x61;
const COUNTED_DOWN: u8 = 1 << 5;
/// The window: 10 ms, within what the 16-bit counter can count.
const WINDOW: u16 = 11_932;
const READINGS: usize = 5;
const ATTEMPTS: usize = 20;

/// Rates in ticks per second.
pub(super) struct Rates {
    pub tsc_hz: u64,
    /// Of the counter that deadlines are given in.
    pub timer_hz: u64,
}

/// The counters at one moment.
#[derive(Clone, Copy)]
struct Reading {
    pit: u16,
    tsc: u64,
    timer: u32,
    /// Ticks of the time-stamp counter that it took.
    effort: u64,
}

fn read() -> Reading {
    let before = ticks();
    // SAFETY: the ports belong to the interval timer, which touches no memory. The command holds channel 2's counter as it is
    // at this moment, for the two reads.
    unsafe { port::write_u8(COMMAND, 0x80) };
    let held = ticks();
    let timer = local::timer_left();
    let effort = ticks() - before;
    // SAFETY: as above.
    let pit = unsafe { u16::from_le_bytes([port::read_u8(CHANNEL_2), port::read_u8(CHANNEL_2)]) };
    Reading { pit, tsc: before + (held - before) / 2, timer, effort }
}

/// The quickest of several readings.
fn best() -> Reading {
    let mut best = read();
    for _ in 1..READINGS {
        let next = read();
        if next.effort < best.effort {
            best = next;
        }
    }
    best
}

/// The readings at the beginning and the end of a window; `None` when the interval timer counted down meanwhile, so that its
/// reading says nothing.
fn window() -> Option<(Reading, Reading)> {
    local::start_timer(u32::MAX);
    // SAFETY: as in `read`: count down once from the highest number, with the speaker off.
    unsafe {
        port::write_u8(GATE, port::read_u8(GATE) & !2 | 1);
        port::write_u8(COMMAND, 0xb0);
        port::write_u8(CHANNEL_2, 0xff);
        port::write_u8(CHANNEL_2, 0xff);
    }
    let start = best();
    while start.pit.wrapping_sub(read().pit) < WINDOW {
        core::hint::spin_loop();
    }
    let end = best();
    local::start_timer(0);
    // SAFETY: as above.
    let counted_down = unsafe { port::read_u8(GATE) } & COUNTED_DOWN != 0;
    (!counted_down).then_some((start, end))
}

/// Measures for 10 ms.
#[expect(clippy::panic, reason = "bring-up: without a clock there is no kernel")]
pub(super) fn measure() -> Rates {
    let Some((start, end)) = (0..ATTEMPTS).find_map(|_| window()) else {
        panic!("the processor stands still for longer than the interval timer counts");
    };
    let window = u64::from(start.pit.wrapping_sub(end.pit)).max(1);
    let rate = |ticks: u64| (u128::from(ticks) * u128::from(PIT_HZ) / u128::from(window)) as u64;
    let measured = rate(end.tsc - start.tsc);
    let tsc_hz = named_by_processor().unwrap_or(measured).max(1);
    let timer_hz = if local::uses_tsc_deadline() {
        tsc_hz
    } else {
        rate(u64::from(start.timer.wrapping_sub(end.timer)))
    };
    Rates { tsc_hz, timer_hz }
}

/// The rate that the processor itself names (CPUID leaf 0x15), where it does.
fn named_by_processor() -> Option<u64> {
    let leaf = cpuid(0x15, 0);
    let (denominator, numerator, crystal) = (leaf.eax, leaf.ebx, leaf.ecx);
    (denominator != 0 && numerator != 0 && crystal != 0)
        .then(|| u64::from(crystal) * u64::from(numerator) / u64::from(denominator))
}
