//! Frames that hold data, counted.

use core::num::NonZeroU32;
use core::sync::atomic::Ordering;

use super::frame_table::{self, PAGE, UNUSED};
use super::{layout, memory};
use crate::{FrameNumber, PAGE_SIZE};

/// A frame that holds data, counted: a clone is one more owner of the same frame, and the last owner gives it back.
///
/// Programs may write to it at any time, so its content is copied in and out, never referred to.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    /// Frame 0 is never given out.
    frame: NonZeroU32,
}

impl Page {
    /// A frame full of zeroes; `None` when there is none left. May be called anywhere.
    pub fn zeroed() -> Option<Self> {
        let page = Self::unfilled()?;
        // SAFETY: the frame was just claimed and nobody else knows of it.
        unsafe { frame_table::clear(page.frame()) };
        Some(page)
    }

    /// A frame with the same content; `None` when there is none left.
    pub fn duplicate(&self) -> Option<Self> {
        let copy = Self::unfilled()?;
        // SAFETY: two different frames, both claimed.
        unsafe { memory::copy(copy.start(), self.start(), PAGE_SIZE) };
        Some(copy)
    }

    /// A frame with any content, to be filled before anybody can see it.
    #[inline]
    fn unfilled() -> Option<Self> {
        let frame = frame_table::allocate(0, PAGE | 1)?;
        // SAFETY: a claimed frame is never frame 0, which is reserved, and the table of frames is shorter than 2^32.
        Some(Self { frame: unsafe { NonZeroU32::new_unchecked(frame as u32) } })
    }

    /// How many owners the frame has, page-table entries included.
    pub fn owners(&self) -> usize {
        (self.word().load(Ordering::Relaxed) & !PAGE) as usize
    }

    /// The frame's number: equal for equal frames.
    #[inline]
    pub fn number(&self) -> FrameNumber {
        FrameNumber::new(self.frame())
    }

    /// Copies into the page from `offset` on, up to the page's end; gives the bytes copied.
    pub fn copy_in(&self, offset: usize, bytes: &[u8]) -> usize {
        let (at, length) = self.part(offset, bytes.len());
        // SAFETY: within the frame, which is ours and which no reference points to.
        unsafe { memory::copy(at, bytes.as_ptr(), length) };
        length
    }

    /// Copies out of the page from `offset` on, up to the page's end; gives the bytes copied.
    pub fn copy_out(&self, offset: usize, buffer: &mut [u8]) -> usize {
        let (at, length) = self.part(offset, buffer.len());
        // SAFETY: within the frame, which is ours; `buffer` is no part of it, as no reference points to frames of pages.
        unsafe { memory::copy(buffer.as_mut_ptr(), at, length) };
        length
    }

    /// Fills `length` bytes from `offset` on with zeroes, up to the page's end.
    pub fn zero(&self, offset: usize, length: usize) {
        let (at, length) = self.part(offset, length);
        // SAFETY: as in `copy_in`.
        unsafe { memory::zero(at, length) };
    }

    /// Where the direct map shows a part of the page, cut at the page's end.
    #[inline]
    pub(super) fn part(&self, offset: usize, length: usize) -> (*mut u8, usize) {
        let offset = offset.min(PAGE_SIZE);
        (self.start().wrapping_add(offset), length.min(PAGE_SIZE - offset))
    }

    #[inline]
    fn start(&self) -> *mut u8 {
        layout::direct(self.physical())
    }

    /// The frame's physical address.
    #[inline]
    pub(super) fn physical(&self) -> u64 {
        self.frame() * PAGE_SIZE as u64
    }

    #[inline]
    fn frame(&self) -> u64 {
        u64::from(self.frame.get())
    }

    #[inline]
    fn word(&self) -> &'static core::sync::atomic::AtomicU32 {
        // SAFETY: the frame was claimed.
        unsafe { frame_table::word(self.frame()) }
    }

    /// Gives up the value but not the ownership, which passes to a page-table entry with this address.
    #[inline]
    pub(super) fn into_physical(self) -> u64 {
        let physical = self.physical();
        core::mem::forget(self);
        physical
    }

    /// Takes over the ownership that a page-table entry had.
    ///
    /// # Safety
    /// The address came from [`Page::into_physical`] (or an owner was counted for it), and this is done once for each.
    #[inline]
    pub(super) unsafe fn from_physical(physical: u64) -> Self {
        // SAFETY: as the caller says, a claimed frame, so not frame 0.
        Self { frame: unsafe { NonZeroU32::new_unchecked((physical / PAGE_SIZE as u64) as u32) } }
    }
}

/// Counts one more owner of the page at a physical address.
///
/// # Safety
/// Somebody owns the page for the duration of the call.
#[inline]
#[expect(
    clippy::panic,
    reason = "needs 8 GiB of entries for one page; going on would free it under its owners"
)]
pub(super) unsafe fn add_owner(physical: u64) {
    // SAFETY: the frame is claimed, as it has an owner.
    let before = unsafe { frame_table::word(physical / PAGE_SIZE as u64) }.fetch_add(1, Ordering::Relaxed);
    if before == u32::MAX {
        panic!("a page has too many owners");
    }
}

impl Clone for Page {
    #[inline]
    fn clone(&self) -> Self {
        // SAFETY: `self` owns the page.
        unsafe { add_owner(self.physical()) };
        Self { frame: self.frame }
    }
}

impl Drop for Page {
    #[inline]
    fn drop(&mut self) {
        let word = self.word();
        // A sole owner needs no locked instruction: nobody else has a count that could change.
        let sole = word.load(Ordering::Acquire) == PAGE | 1;
        if !sole && word.fetch_sub(1, Ordering::AcqRel) != PAGE | 1 {
            return;
        }
        word.store(UNUSED, Ordering::Release);
        frame_table::release(self.frame(), 0);
    }
}

/// Names every range of free frames (first, count), for the allocator that is about to be registered.
pub fn seed(range: impl FnMut(FrameNumber, u64)) {
    frame_table::unused_ranges(range);
}

/// How many frames of memory the machine has.
pub fn total() -> u64 {
    frame_table::usable()
}
