//! Simulated frames.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::PAGE_SIZE;
use crate::frames::{self, FrameNumber};

/// Frames of the simulated memory.
const FRAMES: u64 = 1 << 20;

/// Frames that are in use, with a name for each that has no proposal behind it.
static CLAIMED: Mutex<BTreeMap<u64, ()>> = Mutex::new(BTreeMap::new());

struct Frame {
    number: FrameNumber,
    proposed: bool,
    bytes: Mutex<Box<[u8; PAGE_SIZE]>>,
}

impl Drop for Frame {
    fn drop(&mut self) {
        CLAIMED.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number.get());
        if let (true, Some(source)) = (self.proposed, frames::source()) {
            source.release(self.number, 0);
        }
    }
}

/// A frame that holds data, counted: a clone is one more owner of the same frame, and the last owner gives it back.
///
/// Programs may write to it at any time, so its content is copied in and out, never referred to.
#[derive(Clone)]
pub struct Page {
    frame: Arc<Frame>,
}

impl Page {
    /// A frame full of zeroes; `None` when there is none left.
    pub fn zeroed() -> Option<Self> {
        let (number, proposed) = match frames::source() {
            Some(source) => (claim(source.propose(0)?)?, true),
            None => (claim_any()?, false),
        };
        let bytes = Mutex::new(Box::new([0; PAGE_SIZE]));
        Some(Self { frame: Arc::new(Frame { number, proposed, bytes }) })
    }

    /// A frame with the same content; `None` when there is none left.
    pub fn duplicate(&self) -> Option<Self> {
        let copy = Self::zeroed()?;
        let content = self.bytes().clone();
        copy.copy_in(0, content.as_slice());
        Some(copy)
    }

    /// How many owners the frame has, page-table entries included.
    pub fn owners(&self) -> usize {
        Arc::strong_count(&self.frame)
    }

    /// The frame's number: equal for equal frames.
    pub fn number(&self) -> FrameNumber {
        self.frame.number
    }

    /// Copies into the page from `offset` on, up to the page's end; gives the bytes copied.
    pub fn copy_in(&self, offset: usize, bytes: &[u8]) -> usize {
        let offset = offset.min(PAGE_SIZE);
        let length = bytes.len().min(PAGE_SIZE - offset);
        self.bytes()[offset..offset + length].copy_from_slice(&bytes[..length]);
        length
    }

    /// Copies out of the page from `offset` on, up to the page's end; gives the bytes copied.
    pub fn copy_out(&self, offset: usize, buffer: &mut [u8]) -> usize {
        let offset = offset.min(PAGE_SIZE);
        let length = buffer.len().min(PAGE_SIZE - offset);
        buffer[..length].copy_from_slice(&self.bytes()[offset..offset + length]);
        length
    }

    /// Fills `length` bytes from `offset` on with zeroes, up to the page's end.
    pub fn zero(&self, offset: usize, length: usize) {
        let offset = offset.min(PAGE_SIZE);
        let end = offset + length.min(PAGE_SIZE - offset);
        self.bytes()[offset..end].fill(0);
    }

    fn bytes(&self) -> std::sync::MutexGuard<'_, Box<[u8; PAGE_SIZE]>> {
        self.frame.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a frame that an allocator proposed; `None`: the proposal was wrong.
fn claim(number: FrameNumber) -> Option<FrameNumber> {
    let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
    claimed.insert(number.get(), ()).is_none().then_some(number)
}

/// Takes a frame for a test that registered no allocator.
fn claim_any() -> Option<FrameNumber> {
    let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
    let next = claimed.last_key_value().map_or(1, |(&last, ())| last + 1);
    if next >= 2 * FRAMES {
        return None;
    }
    claimed.insert(next, ());
    Some(FrameNumber::new(next))
}

/// Names every range of free frames (first, count), for the allocator that is about to be registered.
pub fn seed(mut range: impl FnMut(FrameNumber, u64)) {
    range(FrameNumber::new(1), FRAMES - 1);
}

/// How many frames of memory the machine has.
pub fn total() -> u64 {
    FRAMES
}
