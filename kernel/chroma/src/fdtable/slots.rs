//! What a table has at its numbers, and which of them are free. All of it is used under the table's lock.

use abi::Errno;
use alloc::vec::Vec;

use super::FileCapability;
use super::known::Known;

/// What is at a number.
#[derive(Clone)]
pub(super) struct Slot {
    pub(super) capability: FileCapability,
    pub(super) close_on_exec: bool,
}

/// All numbers of a table.
#[derive(Default)]
pub(super) struct Slots {
    pub(super) slots: Vec<Option<Slot>>,
    /// A bit for each slot that is taken, or [reserved](super::FdTable::reserve): then it is empty.
    taken: Vec<u64>,
    /// Every number below is taken.
    first_free: usize,
}

impl Slots {
    /// Those of a table that has these. `ENOMEM`.
    pub(super) fn of(slots: Vec<Option<Slot>>) -> Result<Slots, Errno> {
        let mut taken = Vec::new();
        aegis::charge::reserve(&mut taken, slots.len().div_ceil(64))?;
        taken.extend(
            slots
                .chunks(64)
                .map(|slots| slots.iter().rev().fold(0, |word, slot| word << 1 | u64::from(slot.is_some()))),
        );
        Ok(Slots { slots, taken, first_free: 0 })
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<&Slot> {
        self.slots.get(index)?.as_ref()
    }

    fn lowest_free(&self, from: usize) -> usize {
        let start = from.max(self.first_free);
        let mut word = start / 64;
        let mut mask = !0 << (start % 64);
        while let Some(bits) = self.taken.get(word) {
            let free = !bits & mask;
            if free != 0 {
                return word * 64 + free.trailing_zeros() as usize;
            }
            word += 1;
            mask = !0;
        }
        start.max(word * 64)
    }

    pub(super) fn next_taken(&self, from: usize) -> Option<usize> {
        let mut next = self.next_bit(from);
        while let Some(index) = next.filter(|index| self.get(*index).is_none()) {
            next = self.next_bit(index + 1); // reserved
        }
        next
    }

    fn next_bit(&self, from: usize) -> Option<usize> {
        let mut mask = !0 << (from % 64);
        for (word, bits) in self.taken.iter().enumerate().skip(from / 64) {
            if bits & mask != 0 {
                return Some(word * 64 + (bits & mask).trailing_zeros() as usize);
            }
            mask = !0;
        }
        None
    }

    /// Whether somebody reserved a number, and has not used it yet.
    pub(super) fn is_reserved(&self, index: usize) -> bool {
        let is_taken = self.taken.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 != 0);
        is_taken && self.get(index).is_none()
    }

    /// The lowest free number from `from` on, whose slot is there. `EMFILE` if that is not below `limit`.
    pub(super) fn make_free(&mut self, known: &Known, from: usize, limit: usize) -> Result<usize, Errno> {
        let index = self.lowest_free(from);
        if index >= limit || i32::try_from(index).is_err() {
            return Err(Errno::EMFILE);
        }
        self.grow(known, index)?;
        Ok(index)
    }

    /// Marks a number as taken.
    pub(super) fn take(&mut self, index: usize) {
        if let Some(bits) = self.taken.get_mut(index / 64) {
            *bits |= 1 << (index % 64);
        }
        if index == self.first_free {
            self.first_free = index + 1;
        }
    }

    /// Marks a number as free.
    pub(super) fn free(&mut self, index: usize) {
        if let Some(bits) = self.taken.get_mut(index / 64) {
            *bits &= !(1 << (index % 64));
        }
        self.first_free = self.first_free.min(index);
    }

    /// Makes a slot be there.
    pub(super) fn grow(&mut self, known: &Known, index: usize) -> Result<(), Errno> {
        if index >= self.slots.len() {
            let len = (index + 1).next_power_of_two().max(64);
            let more = len - self.slots.len();
            aegis::charge::reserve(&mut self.slots, more)?;
            aegis::charge::reserve(&mut self.taken, more / 64)?;
            self.slots.resize_with(len, || None);
            self.taken.resize(len / 64, 0);
        }
        known.make_room(self.slots.len(), index)
    }

    /// Fills a slot that [is there](Slots::grow) and gives what it held, to be dropped without the lock.
    pub(super) fn set(&mut self, known: &Known, index: usize, slot: Slot) -> Option<Slot> {
        self.take(index);
        known.publish(index, Some(&slot.capability));
        self.slots.get_mut(index)?.replace(slot)
    }

    /// Empties a slot and gives what it held, to be dropped without the lock.
    pub(super) fn clear(&mut self, known: &Known, index: usize) -> Option<Slot> {
        let slot = self.slots.get_mut(index)?.take()?;
        known.publish(index, None);
        self.free(index);
        Some(slot)
    }
}
