//! One word for each frame: what it is used for, and how many owners a page has.
//!
//! Everything that hands out memory claims its frames here first, by compare-and-swap from [`UNUSED`]. So whatever the frame
//! allocator above proposes, no frame ever has two uses.

use core::sync::atomic::{AtomicU32, Ordering};

use super::{early, layout};
use crate::facts::Facts;
use crate::frames::{self, FrameNumber};
use crate::{MemoryKind, Once, PAGE_SIZE, warn};

/// Nobody uses it.
pub(super) const UNUSED: u32 = 0;
/// No memory, or firmware's.
const RESERVED: u32 = 0x1000_0000;
/// The boot loader's data.
const BOOT: u32 = 0x2000_0000;
/// The kernel's own: heap, stacks, its page tables.
pub(super) const KERNEL: u32 = 0x3000_0000;
/// The first word of a frame that holds objects of the heap; the low bits are the slab's order.
pub(super) const SLAB: u32 = 0x4000_0000;
/// A page table of a user space; the low bits count its entries.
pub(super) const TABLE: u32 = 0x5000_0000;
/// A data page; the low bits count its owners.
pub(super) const PAGE: u32 = 0x8000_0000;

struct Table {
    words: &'static [AtomicU32],
    usable: u64,
}

static TABLE_OF_FRAMES: Once<Table> = Once::new();

/// Makes the table: memory that is free, but for what bring-up has taken already.
pub(super) fn init(facts: &Facts) {
    let end = facts
        .regions()
        .iter()
        .filter(|region| region.kind != MemoryKind::Reserved)
        .map(|region| region.start.get().saturating_add(region.length))
        .max()
        .unwrap_or(0);
    let count = end.min(layout::DIRECT_MAP_SIZE) / PAGE_SIZE as u64;
    let bytes = count * size_of::<AtomicU32>() as u64;
    let start = early::take(bytes.div_ceil(PAGE_SIZE as u64));
    // SAFETY: the frames were just taken, zeroed, for good.
    let words = unsafe { core::slice::from_raw_parts(layout::direct::<AtomicU32>(start), count as usize) };
    let fill = |start: u64, end: u64, word: u32| {
        let first = (start / PAGE_SIZE as u64).min(count) as usize;
        let last = end.div_ceil(PAGE_SIZE as u64).min(count) as usize;
        words.get(first..last).into_iter().flatten().for_each(|slot| slot.store(word, Ordering::Relaxed));
    };
    fill(0, end, RESERVED);
    let mut usable = 0;
    early::free_ranges(facts, |start, end| {
        fill(start, end, UNUSED);
        usable += (end - start) / PAGE_SIZE as u64;
    });
    let (start, end) = early::taken();
    fill(start, end, KERNEL);
    if let Some((start, length)) = facts.initramfs {
        fill(start, start.saturating_add(length), BOOT);
        usable += length.div_ceil(PAGE_SIZE as u64);
    }
    let _ = TABLE_OF_FRAMES.set(Table { words, usable });
}

/// Frames of memory that the kernel may use, including those in use.
pub(super) fn usable() -> u64 {
    TABLE_OF_FRAMES.get().map_or(0, |table| table.usable)
}

/// The words of all frames.
#[inline]
pub(super) fn words() -> &'static [AtomicU32] {
    TABLE_OF_FRAMES.get().map_or(&[], |table| table.words)
}

/// The word of a frame.
///
/// # Safety
/// The frame was claimed (so the table has a word for it).
#[inline]
pub(super) unsafe fn word(frame: u64) -> &'static AtomicU32 {
    // SAFETY: the caller's contract; what was claimed lies within the table.
    unsafe { words().get_unchecked(frame as usize) }
}

/// Claims `2^order` adjacent frames for a use; gives the first. The content is what was there before.
pub(super) fn allocate(order: u8, claim: u32) -> Option<u64> {
    let guard = crate::preempt::disable();
    let proposed = match frames::source() {
        Some(source) => source.propose(order)?.get(),
        None => bring_up_proposal(order)?,
    };
    let claimed = claim_all(proposed, order, claim);
    drop(guard);
    if !claimed {
        warn!("frames", "{} frames from {proposed:#x} were proposed, but are not free", 1_u64 << order);
        return None;
    }
    Some(proposed)
}

#[inline]
fn claim_all(first: u64, order: u8, claim: u32) -> bool {
    let Some(last) = first.checked_add(1 << order) else { return false };
    let Some(words) = words().get(first as usize..last as usize) else { return false };
    for (index, word) in words.iter().enumerate() {
        if word.compare_exchange(UNUSED, claim, Ordering::Acquire, Ordering::Relaxed).is_err() {
            words[..index].iter().for_each(|word| word.store(UNUSED, Ordering::Release));
            return false;
        }
    }
    true
}

/// Gives frames back.
///
/// # Safety
/// `allocate` gave them with this order, and nothing refers to them any more.
pub(super) unsafe fn free(first: u64, order: u8) {
    for frame in first..first + (1 << order) {
        // SAFETY: the frames were claimed.
        unsafe { word(frame) }.store(UNUSED, Ordering::Release);
    }
    release(first, order);
}

/// Tells the frame allocator that frames are free, whose words say so already.
#[inline]
pub(super) fn release(first: u64, order: u8) {
    if let Some(source) = frames::source() {
        let _guard = crate::preempt::disable();
        source.release(FrameNumber::new(first), order);
    }
}

/// Fills a frame with zeroes.
///
/// # Safety
/// The caller claimed the frame, and no Rust reference points into it.
#[inline]
pub(super) unsafe fn clear(frame: u64) {
    // SAFETY: the caller's contract.
    unsafe { super::memory::zero(layout::direct(frame * PAGE_SIZE as u64), PAGE_SIZE) };
}

/// Marks the boot loader's frames that hold these bytes as free.
pub(crate) fn release_boot(bytes: &'static [u8]) {
    let start = bytes.as_ptr() as u64 - layout::DIRECT_MAP;
    let first = start / PAGE_SIZE as u64;
    let last = (start + bytes.len() as u64).div_ceil(PAGE_SIZE as u64);
    for frame in first..last {
        let Some(word) = words().get(frame as usize) else { return };
        let freed = word.compare_exchange(BOOT, UNUSED, Ordering::Release, Ordering::Relaxed).is_ok();
        if freed && let Some(source) = crate::frames::source() {
            source.add(FrameNumber::new(frame));
        }
    }
}

/// Calls `range(first, count)` for each run of unused frames.
pub(super) fn unused_ranges(mut range: impl FnMut(FrameNumber, u64)) {
    let mut first = None;
    for (frame, word) in words().iter().enumerate() {
        let unused = word.load(Ordering::Relaxed) == UNUSED;
        match (unused, first) {
            (true, None) => first = Some(frame as u64),
            (false, Some(start)) => {
                range(FrameNumber::new(start), frame as u64 - start);
                first = None;
            }
            _ => {}
        }
    }
    if let Some(start) = first {
        range(FrameNumber::new(start), words().len() as u64 - start);
    }
}

/// Finds unused frames by looking, for the time before a frame allocator is registered.
fn bring_up_proposal(order: u8) -> Option<u64> {
    static HINT: AtomicU32 = AtomicU32::new(0);
    let size = 1_usize << order;
    let start = (HINT.load(Ordering::Relaxed) as usize).next_multiple_of(size);
    let found = (start..words().len()).step_by(size).find(|&first| {
        words()
            .get(first..first + size)
            .is_some_and(|words| words.iter().all(|word| word.load(Ordering::Relaxed) == UNUSED))
    })?;
    HINT.store(found as u32, Ordering::Relaxed);
    Some(found as u64)
}
