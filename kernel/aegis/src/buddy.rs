//! A buddy allocator over frame numbers: blocks of `2^order` frames, aligned to their size, split and joined.
//!
//! Free blocks of an order form a doubly linked list through arrays indexed by frame, so that a block's buddy can be taken out
//! of the middle in constant time. Nothing is allocated after creation.

use alloc::vec::Vec;

/// Blocks have at most `2^MAX_ORDER` frames (4 MiB).
pub(crate) const MAX_ORDER: u8 = 10;

const NONE: u32 = u32::MAX;
/// In `order`: not the first frame of a free block.
const NOT_FREE: u8 = u8::MAX;

#[derive(Clone, Copy)]
struct Link {
    previous: u32,
    next: u32,
}

/// Free blocks of a range of frames.
pub(crate) struct Buddy {
    /// The number of the first frame of the range, a multiple of the largest block's size.
    base: u64,
    links: Vec<Link>,
    order: Vec<u8>,
    heads: [u32; MAX_ORDER as usize + 1],
    free: u64,
}

impl Buddy {
    /// Covers `frames` frames from `base` (rounded down) on; none is free yet.
    pub(crate) fn new(base: u64, frames: u64) -> Self {
        let aligned = base & !((1 << MAX_ORDER) - 1);
        let frames = frames.saturating_add(base - aligned).min(u64::from(NONE)) as usize;
        Self {
            base: aligned,
            links: alloc::vec![Link { previous: NONE, next: NONE }; frames],
            order: alloc::vec![NOT_FREE; frames],
            heads: [NONE; MAX_ORDER as usize + 1],
            free: 0,
        }
    }

    /// A range that covers nothing.
    pub(crate) const fn empty() -> Self {
        Self { base: 0, links: Vec::new(), order: Vec::new(), heads: [NONE; MAX_ORDER as usize + 1], free: 0 }
    }

    /// Free frames.
    pub(crate) fn free_frames(&self) -> u64 {
        self.free
    }

    /// Says whether a frame lies in the range.
    pub(crate) fn covers(&self, frame: u64) -> bool {
        frame >= self.base && frame - self.base < self.order.len() as u64
    }

    /// Adds a range of free frames, as the largest blocks that fit.
    pub(crate) fn add_range(&mut self, mut frame: u64, mut count: u64) {
        while count > 0 {
            let alignment =
                if frame == 0 { MAX_ORDER } else { (frame.trailing_zeros() as u8).min(MAX_ORDER) };
            let order = alignment.min(count.ilog2() as u8);
            self.release(frame, order);
            frame += 1 << order;
            count -= 1 << order;
        }
    }

    /// Takes a block.
    pub(crate) fn take(&mut self, order: u8) -> Option<u64> {
        let found = (order..=MAX_ORDER).find(|&size| self.head(size) != NONE)?;
        let block = self.head(found);
        self.unlink(block, found);
        for size in (order..found).rev() {
            self.link(block + (1 << size), size);
        }
        self.free -= 1 << order;
        Some(self.base + u64::from(block))
    }

    /// Gives a block back and joins it with its buddy as long as that is free too. A block that is free already, or outside
    /// the range, is ignored.
    pub(crate) fn release(&mut self, frame: u64, order: u8) {
        if !self.covers(frame) || order > MAX_ORDER {
            return;
        }
        let mut block = (frame - self.base) as u32;
        if self.order_of(block) != NOT_FREE {
            return;
        }
        self.free += 1 << order;
        let mut size = order;
        while size < MAX_ORDER {
            let buddy = block ^ (1 << size);
            if self.order_of(buddy) != size {
                break;
            }
            self.unlink(buddy, size);
            block = block.min(buddy);
            size += 1;
        }
        self.link(block, size);
    }

    fn head(&self, order: u8) -> u32 {
        self.heads.get(usize::from(order)).copied().unwrap_or(NONE)
    }

    fn set_head(&mut self, order: u8, block: u32) {
        if let Some(head) = self.heads.get_mut(usize::from(order)) {
            *head = block;
        }
    }

    fn order_of(&self, block: u32) -> u8 {
        self.order.get(block as usize).copied().unwrap_or(NOT_FREE)
    }

    fn link(&mut self, block: u32, order: u8) {
        let next = self.head(order);
        if let Some(link) = self.links.get_mut(block as usize) {
            *link = Link { previous: NONE, next };
        }
        if let Some(link) = self.links.get_mut(next as usize) {
            link.previous = block;
        }
        self.set_head(order, block);
        if let Some(mark) = self.order.get_mut(block as usize) {
            *mark = order;
        }
    }

    fn unlink(&mut self, block: u32, order: u8) {
        let Some(&Link { previous, next }) = self.links.get(block as usize) else { return };
        match self.links.get_mut(previous as usize) {
            Some(link) => link.next = next,
            None => self.set_head(order, next),
        }
        if let Some(link) = self.links.get_mut(next as usize) {
            link.previous = previous;
        }
        if let Some(mark) = self.order.get_mut(block as usize) {
            *mark = NOT_FREE;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::vec::Vec;

    use proptest::prelude::{ProptestConfig, any, prop, proptest};

    use super::{Buddy, MAX_ORDER};

    #[test]
    fn what_was_split_is_joined_again() {
        let mut buddy = Buddy::new(0x1000, 1 << MAX_ORDER);
        buddy.add_range(0x1000, 1 << MAX_ORDER);
        let blocks: Vec<u64> = core::iter::from_fn(|| buddy.take(0)).collect();
        assert_eq!(blocks.len(), 1 << MAX_ORDER);
        assert_eq!(buddy.take(0), None);
        for block in blocks {
            buddy.release(block, 0);
        }
        assert_eq!(buddy.take(MAX_ORDER), Some(0x1000));
    }

    #[test]
    fn a_second_release_changes_nothing() {
        let mut buddy = Buddy::new(0, 16);
        buddy.add_range(0, 16);
        let frame = buddy.take(0).expect("there are 16");
        buddy.release(frame, 0);
        buddy.release(frame, 0);
        assert_eq!(buddy.free_frames(), 16);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn blocks_never_overlap_and_none_is_lost(
            first in 1_u64..2000,
            count in 1_u64..3000,
            steps in prop::collection::vec((any::<bool>(), 0_u8..6, any::<usize>()), 1..200),
        ) {
            let mut buddy = Buddy::new(first, count);
            buddy.add_range(first, count);
            let mut taken: BTreeMap<u64, u64> = BTreeMap::new();
            for (take, order, choice) in steps {
                if take {
                    let Some(frame) = buddy.take(order) else { continue };
                    let end = frame + (1 << order);
                    assert!(frame >= first && end <= first + count && frame % (1 << order) == 0);
                    assert!(taken.range(..end).next_back().is_none_or(|(_, &other)| other <= frame), "overlap");
                    taken.insert(frame, end);
                } else if !taken.is_empty() {
                    let (&frame, &end) = taken.iter().nth(choice % taken.len()).expect("in range");
                    taken.remove(&frame);
                    buddy.release(frame, (end - frame).ilog2() as u8);
                }
                let held: u64 = taken.iter().map(|(frame, end)| end - frame).sum();
                assert_eq!(buddy.free_frames() + held, count);
            }
        }
    }
}
