//! Which frames are free.
//!
//! Two zones: what old devices reach (below 16 MiB), and the rest, which is used first. Single frames pass through a cache per
//! processor. A [`reserve`] is kept for the kernel's own small allocations: programs and files get no frame when no more
//! is left ([`user_page`]), so that those do not fail; see [`charge`](crate::charge).

use core::sync::atomic::{AtomicU64, Ordering};

use hal::{FrameNumber, FrameSource, LockClass, Page, PerCpu, SpinLock, cpu};

use crate::buddy::{Buddy, MAX_ORDER};
use crate::{inject, page_cache};

/// The first frame above what ISA devices reach.
const LOW_END: u64 = 16 * 1024 * 1024 / hal::PAGE_SIZE as u64;

struct Zones {
    low: Buddy,
    normal: Buddy,
}

impl Zones {
    fn take(&mut self, order: u8) -> Option<u64> {
        self.normal.take(order).or_else(|| self.low.take(order))
    }

    fn release(&mut self, frame: u64, order: u8) {
        if self.low.covers(frame) {
            self.low.release(frame, order)
        } else {
            self.normal.release(frame, order)
        }
    }
}

/// Frames a processor keeps at hand.
const CACHE_SIZE: usize = 64;
/// How many move between the cache and the zones at a time.
const BATCH: usize = CACHE_SIZE / 2;

struct Cache {
    frames: [u32; CACHE_SIZE],
    length: usize,
}

impl Cache {
    fn pop(&mut self) -> Option<u64> {
        let index = self.length.checked_sub(1)?;
        self.length = index;
        self.frames.get(index).map(|&frame| u64::from(frame))
    }

    /// Puts a frame into the cache; gives it back when there is no room, or its number is too large.
    fn push(&mut self, frame: u64) -> Result<(), u64> {
        let Ok(number) = u32::try_from(frame) else { return Err(frame) };
        let slot = self.frames.get_mut(self.length).ok_or(frame)?;
        *slot = number;
        self.length += 1;
        Ok(())
    }
}

static ZONES_CLASS: LockClass = LockClass::new("frame zones", 58_001);
static CACHE_CLASS: LockClass = LockClass::new("frame cache", 58_000);
static ZONES: SpinLock<Zones> =
    SpinLock::new(&ZONES_CLASS, Zones { low: Buddy::empty(), normal: Buddy::empty() });
static CACHES: PerCpu<SpinLock<Cache>> = PerCpu::new(
    [const { SpinLock::new(&CACHE_CLASS, Cache { frames: [0; CACHE_SIZE], length: 0 }) }; cpu::MAX],
);

/// Frames handed out and not given back, subtracted from the total to know what is free without a lock.
static USED: AtomicU64 = AtomicU64::new(0);
static MANAGED: AtomicU64 = AtomicU64::new(0);

struct Source;

impl FrameSource for Source {
    fn propose(&self, order: u8) -> Option<FrameNumber> {
        let frame = if order == 0 {
            CACHES.with(|cache| take_one(&mut cache.lock_irq()))
        } else {
            ZONES.lock_irq().take(order)
        };
        if frame.is_some() {
            USED.fetch_add(1 << order, Ordering::Relaxed);
        }
        frame.map(FrameNumber::new)
    }

    fn release(&self, first: FrameNumber, order: u8) {
        USED.fetch_sub(1 << order, Ordering::Relaxed);
        if order == 0 {
            CACHES.with(|cache| give_one(&mut cache.lock_irq(), first.get()));
        } else {
            ZONES.lock_irq().release(first.get(), order);
        }
    }

    fn add(&self, frame: FrameNumber) {
        MANAGED.fetch_add(1, Ordering::Relaxed);
        ZONES.lock_irq().release(frame.get(), 0);
    }
}

fn take_one(cache: &mut Cache) -> Option<u64> {
    if let Some(frame) = cache.pop() {
        return Some(frame);
    }
    let mut zones = ZONES.lock_irq();
    for _ in 0..BATCH {
        let Some(frame) = zones.take(0) else { break };
        if let Err(frame) = cache.push(frame) {
            zones.release(frame, 0);
        }
    }
    cache.pop()
}

fn give_one(cache: &mut Cache, frame: u64) {
    let Err(frame) = cache.push(frame) else { return };
    let mut zones = ZONES.lock_irq();
    zones.release(frame, 0);
    for _ in 0..BATCH {
        if let Some(frame) = cache.pop() {
            zones.release(frame, 0);
        }
    }
}

static SOURCE: Source = Source;

/// Takes over the free memory that the boot left, and the duty to propose frames.
pub fn start() {
    let (mut first, mut end) = (u64::MAX, 0);
    hal::frames::seed(|range, count| {
        first = first.min(range.get());
        end = end.max(range.get().saturating_add(count));
    });
    if first >= end {
        return;
    }
    let mut low = if first < LOW_END { Buddy::new(first, end.min(LOW_END) - first) } else { Buddy::empty() };
    let mut normal = if end > LOW_END { Buddy::new(LOW_END, end - LOW_END) } else { Buddy::empty() };
    // Making them used up memory: what is free is asked for only now.
    let mut managed = 0;
    hal::frames::seed(|range, count| {
        let (start, end) = (range.get(), range.get().saturating_add(count));
        let middle = LOW_END.clamp(start, end);
        low.add_range(start, middle - start);
        normal.add_range(middle, end - middle);
        managed += count;
    });
    *ZONES.lock_irq() = Zones { low, normal };
    MANAGED.store(managed, Ordering::Relaxed);
    hal::frames::register(&SOURCE);
}

/// Frames of memory in use or free: all but what the kernel's image and the boot took.
#[inline]
pub fn managed() -> u64 {
    MANAGED.load(Ordering::Relaxed)
}

/// Free frames.
#[inline]
pub fn free() -> u64 {
    managed().saturating_sub(USED.load(Ordering::Relaxed))
}

/// Free frames below 16 MiB and above, without those that the processors keep at hand.
pub fn free_in_zones() -> (u64, u64) {
    let zones = ZONES.lock_irq();
    (zones.low.free_frames(), zones.normal.free_frames())
}

/// Frames that hold pages of files and of shared memory.
pub fn cached() -> u64 {
    page_cache::cached()
}

/// Free frames that programs do not get: a 64th of memory, 2 MiB at least.
#[inline]
pub fn reserve() -> u64 {
    (managed() / 64).max(512)
}

/// Whether more than the reserve is left.
#[inline]
pub fn has_for_programs() -> bool {
    free() > reserve() || managed() == 0
}

/// A page full of zeroes for a program or a file; `None` when only the reserve is left.
#[track_caller]
pub fn user_page() -> Option<Page> {
    if !has_for_programs() || inject::fails() {
        return None;
    }
    Page::zeroed()
}

/// A copy of a page for a program; `None` when only the reserve is left.
#[track_caller]
pub fn user_copy(of: &Page) -> Option<Page> {
    if !has_for_programs() || inject::fails() {
        return None;
    }
    of.duplicate()
}

/// The largest block that can be asked for, as an order.
pub const LARGEST_ORDER: u8 = MAX_ORDER;
