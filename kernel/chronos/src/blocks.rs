//! A list in ascending order that stands behind a spinlock and may grow long: no piece of its storage is large, and taking an
//! element out moves few others.

use alloc::vec::Vec;
use core::mem::{self, ManuallyDrop};

use crate::growing;

/// Elements of a block; the first grows up to it.
const MOST: usize = 64;
/// Capacity that the first block begins with.
const FIRST: usize = 4;

/// What stands in the list in the order of its numbers.
pub(crate) trait Numbered {
    /// The number, larger than that of every element added before.
    fn number(&self) -> u64;
}

/// The list. The first block is there from the beginning, so that a short list is one vector.
pub(crate) struct Blocks<T> {
    first: ManuallyDrop<Vec<T>>,
    /// None of them is empty, but for one at the end that was just made.
    more: ManuallyDrop<Vec<Vec<T>>>,
}

impl<T> Drop for Blocks<T> {
    /// Every sleeping lock has such a list, and in most of them nobody ever waits: those cost a look.
    #[inline]
    fn drop(&mut self) {
        #[inline(never)]
        fn drop_storage<T>(blocks: &mut Blocks<T>) {
            drop(mem::take(&mut *blocks.first));
            drop(mem::take(&mut *blocks.more));
        }
        // The others come after the first one has grown.
        if self.first.capacity() > 0 {
            drop_storage(self);
        }
    }
}

/// A place in the list; stays right while elements are taken out at it.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    block: usize,
    index: usize,
}

/// Storage for one more element, allocated with the lock free.
pub(crate) struct Storage<T> {
    block: Vec<T>,
    more: Vec<Vec<T>>,
}

/// What [`Storage`] a list needs.
pub(crate) struct Need {
    block: usize,
    more: usize,
}

impl Need {
    /// Allocates it.
    pub fn meet<T>(self) -> Storage<T> {
        Storage { block: Vec::with_capacity(self.block), more: Vec::with_capacity(self.more) }
    }
}

impl<T: Numbered> Blocks<T> {
    pub const fn new() -> Self {
        Self { first: ManuallyDrop::new(Vec::new()), more: ManuallyDrop::new(Vec::new()) }
    }

    pub fn is_empty(&self) -> bool {
        self.first.is_empty() && self.more.iter().all(Vec::is_empty)
    }

    fn last(&mut self) -> &mut Vec<T> {
        self.more.last_mut().unwrap_or(&mut self.first)
    }

    /// What is needed before [`Blocks::push`]; `None` when there is room.
    pub fn need(&mut self) -> Option<Need> {
        let (blocks, room) = (self.more.len(), self.more.capacity());
        let last = self.last();
        if last.len() < last.capacity() {
            return None;
        }
        if blocks == 0 && last.capacity() < MOST {
            return Some(Need { block: (last.capacity() * 2).clamp(FIRST, MOST), more: 0 });
        }
        Some(Need { block: MOST, more: if blocks < room { 0 } else { (room * 2).max(FIRST) } })
    }

    /// Takes the storage over as far as it is still needed; what is left or was replaced stays in `storage`, to be dropped with
    /// the lock free.
    pub fn supply(&mut self, storage: &mut Storage<T>) {
        if self.need().is_none() {
            return;
        }
        if self.more.is_empty() && self.first.capacity() < MOST {
            return growing::swap_storage(&mut self.first, &mut storage.block);
        }
        growing::swap_storage(&mut self.more, &mut storage.more);
        if self.more.len() < self.more.capacity() && storage.block.capacity() >= MOST {
            self.more.push(mem::take(&mut storage.block));
        }
    }

    /// Adds an element, for which there is room.
    pub fn push(&mut self, element: T) {
        self.last().push(element);
    }

    /// Where the elements with larger numbers begin.
    #[inline]
    pub fn after(&self, number: u64) -> Place {
        let below = |element: &T| element.number() <= number;
        if self.more.is_empty() {
            let index = match self.first.as_slice() {
                [] => 0,
                [only] => usize::from(below(only)), // as nearly always
                several => several.partition_point(below),
            };
            return Place { block: 0, index };
        }
        // One without elements stands at the end, or is the first.
        let is_below = |block: &Vec<T>| block.last().is_some_and(below);
        let in_first = self.first.last().is_some_and(|last| !below(last));
        let block = if in_first { 0 } else { 1 + self.more.partition_point(is_below) };
        Place { block, index: self.block(block).map_or(0, |block| block.partition_point(below)) }
    }

    /// The element with this number.
    pub fn find(&self, number: u64) -> Option<Place> {
        let mut place = self.after(number.checked_sub(1)?);
        (self.get(&mut place)?.number() == number).then_some(place)
    }

    fn block(&self, number: usize) -> Option<&Vec<T>> {
        match number.checked_sub(1) {
            None => Some(&self.first),
            Some(index) => self.more.get(index),
        }
    }

    /// The element at a place, or behind it when that is the end of a block.
    pub fn get(&self, place: &mut Place) -> Option<&T> {
        loop {
            let block = self.block(place.block)?;
            if let Some(element) = block.get(place.index) {
                return Some(element);
            }
            *place = Place { block: place.block + 1, index: 0 };
        }
    }

    fn block_mut(&mut self, number: usize) -> Option<&mut Vec<T>> {
        match number.checked_sub(1) {
            None => Some(&mut self.first),
            Some(index) => self.more.get_mut(index),
        }
    }

    /// Takes out the element at a place that [`Blocks::get`] or [`Blocks::find`] gave; the place is that of the next one then.
    #[inline]
    pub fn remove(&mut self, place: &mut Place) -> Option<T> {
        if self.more.is_empty() {
            return match self.first.len().checked_sub(place.index)? {
                0 => None,
                1 if place.block == 0 => self.first.pop(), // as nearly always
                _ => (place.block == 0).then(|| self.first.remove(place.index)),
            };
        }
        self.remove_and_join(place)
    }

    fn remove_and_join(&mut self, place: &mut Place) -> Option<T> {
        let block = self.block_mut(place.block)?;
        if place.index >= block.len() {
            return None;
        }
        let element = block.remove(place.index);
        if block.is_empty()
            && let Some(index) = place.block.checked_sub(1)
        {
            self.more.remove(index);
            return Some(element);
        }
        if !self.join(place.block)
            && let Some(before) = place.block.checked_sub(1)
        {
            let length = self.block(before).map_or(0, Vec::len);
            if self.join(before) {
                *place = Place { block: before, index: length + place.index };
            }
        }
        Some(element)
    }

    /// Lets the block behind a block move into it when both are nearly empty, so that few elements never hold many blocks.
    fn join(&mut self, number: usize) -> bool {
        let Some(behind) = self.more.get(number).map(Vec::len) else { return false };
        let Some(block) = self.block(number) else { return false };
        if block.len() + behind > MOST / 4 {
            return false;
        }
        let mut moved = self.more.remove(number);
        if let Some(block) = self.block_mut(number) {
            block.append(&mut moved);
        }
        true
    }
}

impl Place {
    /// The place of the next element.
    pub fn next(self) -> Self {
        Self { index: self.index + 1, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::{Blocks, MOST, Numbered};
    use alloc::vec::Vec;
    use core::cell::Cell;

    impl Numbered for u64 {
        fn number(&self) -> u64 {
            *self
        }
    }

    fn list(numbers: core::ops::RangeInclusive<u64>) -> Blocks<u64> {
        let mut list = Blocks::new();
        for number in numbers {
            while let Some(need) = list.need() {
                list.supply(&mut need.meet());
            }
            list.push(number);
        }
        list
    }

    fn all(list: &Blocks<u64>) -> Vec<u64> {
        let mut place = list.after(0);
        core::iter::from_fn(|| {
            let element = list.get(&mut place).copied();
            place = place.next();
            element
        })
        .collect()
    }

    #[test]
    fn elements_stay_in_order_over_many_blocks() {
        let list = list(1..=1000);
        assert_eq!(all(&list), (1..=1000).collect::<Vec<_>>());
        assert!(list.first.capacity() <= MOST && list.more.iter().all(|block| block.capacity() <= MOST));
    }

    #[test]
    fn an_element_is_found_until_it_is_taken_out() {
        let mut list = list(1..=500);
        for number in (1..=500).filter(|number| number % 3 != 0) {
            let mut place = list.find(number).unwrap();
            assert_eq!(list.remove(&mut place), Some(number));
            assert!(list.find(number).is_none());
        }
        assert_eq!(all(&list), (1..=500).filter(|number| number % 3 == 0).collect::<Vec<_>>());
    }

    #[test]
    fn taking_out_at_a_place_goes_on_with_the_next() {
        let mut list = list(1..=300);
        let mut place = list.after(100);
        let mut seen = Vec::new();
        while let Some(&element) = list.get(&mut place) {
            seen.push(element);
            if element % 2 == 0 {
                list.remove(&mut place);
            } else {
                place = place.next();
            }
        }
        assert_eq!(seen, (101..=300).collect::<Vec<_>>());
    }

    #[test]
    fn a_block_without_elements_goes() {
        let mut list = list(1..=300);
        for number in 69..=132 {
            let mut place = list.find(number).unwrap();
            assert_eq!(list.remove(&mut place), Some(number));
        }
        assert!(list.more.iter().all(|block| !block.is_empty()));
        assert_eq!(all(&list).len(), 236);
        assert!([1, 68, 133, 300].iter().all(|&number| list.find(number).is_some()));
    }

    #[test]
    fn few_elements_hold_few_blocks() {
        let mut list = list(1..=6400);
        for number in (1..=6400).filter(|number| number % 64 != 0) {
            let mut place = list.find(number).unwrap();
            list.remove(&mut place);
        }
        assert_eq!(all(&list).len(), 100);
        assert!(list.more.len() < 30, "{}", list.more.len());
        for number in (1..=100).map(|number| number * 64) {
            let mut place = list.find(number).unwrap();
            list.remove(&mut place);
        }
        assert!(list.is_empty());
    }

    #[test]
    fn a_block_that_was_just_made_hides_nothing() {
        let mut list = list(1..=(2 * MOST) as u64);
        let mut storage = list.need().unwrap().meet();
        list.supply(&mut storage);
        assert_eq!(list.more.last().map(Vec::len), Some(0));
        assert!((1..=(2 * MOST) as u64).all(|number| list.find(number).is_some()));
        assert!(!list.is_empty());
    }

    #[test]
    fn elements_that_are_left_are_dropped_with_the_list() {
        struct Counted<'a>(u64, &'a Cell<u64>);
        impl Numbered for Counted<'_> {
            fn number(&self) -> u64 {
                self.0
            }
        }
        impl Drop for Counted<'_> {
            fn drop(&mut self) {
                self.1.set(self.1.get() + 1);
            }
        }
        for length in [0, 1, 5, 200] {
            let ends = Cell::new(0);
            let mut list = Blocks::new();
            for number in 1..=length {
                while let Some(need) = list.need() {
                    list.supply(&mut need.meet());
                }
                list.push(Counted(number, &ends));
            }
            assert_eq!(ends.get(), 0);
            drop(list);
            assert_eq!(ends.get(), length);
        }
    }

    #[test]
    fn storage_that_came_too_late_is_left_over() {
        let mut list = list(1..=4);
        let (mut one, mut other) = (list.need().unwrap().meet(), list.need().unwrap().meet());
        list.supply(&mut one);
        list.push(5);
        list.supply(&mut other);
        assert_eq!(all(&list), [1, 2, 3, 4, 5]);
        assert_eq!(other.block.len(), 0);
    }
}
