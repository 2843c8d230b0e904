//! Frames of physical memory: who proposes them.
//!
//! hal claims a frame by compare-and-swap on its metadata word; the frame allocator above only *proposes* which. A wrong
//! proposal (a frame that is in use, or no memory at all) is refused and never aliased.

use crate::once::Once;

pub use crate::arch::page::{seed, total};

/// The number of a frame: its physical address divided by the page size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameNumber(u64);

impl FrameNumber {
    /// A frame by its number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Chooses frames. Called with preemption off, possibly with interrupts off; must not sleep and must not allocate.
pub trait FrameSource: Sync {
    /// Proposes `2^order` adjacent free frames, aligned to their number; `None` when there are none.
    fn propose(&self, order: u8) -> Option<FrameNumber>;

    /// Takes back frames that are no longer used.
    fn release(&self, first: FrameNumber, order: u8);

    /// Takes over a frame that was in use since the boot and that was never proposed.
    fn add(&self, frame: FrameNumber);
}

static SOURCE: Once<&'static dyn FrameSource> = Once::new();

/// Registers the frame allocator, once; a second call changes nothing. Until then frames come from a bring-up allocator
/// that never takes any back.
pub fn register(source: &'static dyn FrameSource) {
    let _ = SOURCE.set(source);
}

/// The registered frame allocator.
#[inline]
pub(crate) fn source() -> Option<&'static dyn FrameSource> {
    SOURCE.get().copied()
}
