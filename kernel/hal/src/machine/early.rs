//! Memory before there is a table of frames: taken from one free range and never given back.

use super::layout;
use crate::facts::Facts;
use crate::{LockClass, MemoryKind, PAGE_SIZE, SpinLock};

/// What lies below is left to firmware and to the start of further processors.
const LOW_MEMORY: u64 = 1 << 20;
/// The boot page tables show physical memory up to here.
const BOOT_MAP_END: u64 = 1 << 32;

struct Range {
    next: u64,
    end: u64,
}

static CLASS: LockClass = LockClass::new("early memory", 1_000);
static RANGE: SpinLock<Range> = SpinLock::new(&CLASS, Range { next: 0, end: 0 });
static FIRST: crate::Once<u64> = crate::Once::new();

/// Chooses the largest free range that the boot page tables show.
pub(super) fn init(facts: &Facts) {
    let mut best = Range { next: 0, end: 0 };
    free_ranges(facts, |start, end| {
        let end = end.min(BOOT_MAP_END);
        if end > start && end - start > best.end - best.next {
            best = Range { next: start, end };
        }
    });
    let _ = FIRST.set(best.next);
    *RANGE.lock() = best;
}

/// Takes adjacent zeroed frames for good; gives their physical address.
#[expect(clippy::panic, reason = "bring-up: without memory for page tables there is no kernel")]
pub(super) fn take(frames: u64) -> u64 {
    let mut range = RANGE.lock();
    let start = range.next;
    let length = frames * PAGE_SIZE as u64;
    if range.end - start < length {
        panic!("the machine has too little memory");
    }
    range.next += length;
    // SAFETY: the range is free memory that only this module hands out, each byte once.
    unsafe { core::ptr::write_bytes(layout::direct::<u8>(start), 0, length as usize) };
    start
}

/// The part of the range that was handed out.
pub(super) fn taken() -> (u64, u64) {
    (FIRST.get().copied().unwrap_or(0), RANGE.lock().next)
}

/// Calls `each(start, end)` for each range of whole usable frames that neither the kernel's image nor the initramfs covers.
pub(super) fn free_ranges(facts: &Facts, mut each: impl FnMut(u64, u64)) {
    let image = layout::image();
    let initramfs = facts.initramfs.map_or((0, 0), |(start, length)| (start, start.saturating_add(length)));
    let mut holes = [(0, LOW_MEMORY), (image.text, image.end), initramfs];
    holes.sort_unstable();
    for region in facts.regions().iter().filter(|region| region.kind == MemoryKind::Usable) {
        let mut start = region.start.get().next_multiple_of(PAGE_SIZE as u64);
        let end = region.start.get().saturating_add(region.length).min(layout::DIRECT_MAP_SIZE)
            & !(PAGE_SIZE as u64 - 1);
        for (hole_start, hole_end) in holes {
            let hole_start = hole_start & !(PAGE_SIZE as u64 - 1);
            let hole_end = hole_end.next_multiple_of(PAGE_SIZE as u64);
            if hole_end <= start || hole_start >= end {
                continue;
            }
            if hole_start > start {
                each(start, hole_start);
            }
            start = hole_end;
        }
        if start < end {
            each(start, end);
        }
    }
}
