//! What a table has at its numbers, and which of them are free. All of it is used under the table's lock.

use abi::Errno;
use alloc::vec::Vec;

use super::FileCapability;
use super::known::Known;

/// Numbers of a [`Word`].
const WORD: usize = u64::BITS as usize;

/// What is known of so many numbers, a bit each.
#[derive(Clone, Copy, Default)]
struct Word {
    /// It is taken, or [reserved](super::FdTable::reserve): then its slot is empty.
    taken: u64,
    /// `exec` closes it, if it is taken.
    close_on_exec: u64,
}

/// All numbers of a table.
#[derive(Default)]
pub(super) struct Slots {
    /// As far as numbers were used: whoever looks at all of them looks at few. There is room for all of `words`.
    slots: Vec<Option<FileCapability>>,
    words: Vec<Word>,
    /// Every number below is taken.
    first_free: usize,
}

impl Slots {
    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<&FileCapability> {
        self.slots.get(index)?.as_ref()
    }

    /// All that is open.
    pub(super) fn all(&self) -> impl Iterator<Item = &FileCapability> {
        self.slots.iter().flatten()
    }

    /// All that is open, taken out.
    pub(super) fn into_open(self) -> impl Iterator<Item = FileCapability> {
        self.slots.into_iter().flatten()
    }

    /// How many numbers there is room for.
    #[inline]
    pub(super) fn size(&self) -> usize {
        self.words.len() * WORD
    }

    /// The numbers from this one on are free.
    pub(super) fn end(&self) -> usize {
        let last = self.words.iter().rposition(|word| word.taken != 0);
        last.and_then(|last| Some((last + 1) * WORD - self.words.get(last)?.taken.leading_zeros() as usize))
            .unwrap_or(0)
    }

    /// Makes room for the numbers below `end`. `ENOMEM`.
    pub(super) fn make_room(&mut self, end: usize) -> Result<(), Errno> {
        let size = end.next_power_of_two().max(WORD);
        if size > self.size() {
            let words = size / WORD;
            let (more_slots, more_words) = (size - self.slots.len(), words - self.words.len());
            aegis::charge::reserve(&mut self.slots, more_slots)?;
            aegis::charge::reserve(&mut self.words, more_words)?;
            self.words.resize(words, Word::default());
        }
        Ok(())
    }

    /// Fills empty slots with what those of another table hold, for whose [numbers](Slots::end) there is
    /// [room](Slots::make_room). What is reserved there is free here.
    pub(super) fn copy(&mut self, from: &Slots) {
        self.slots.extend(from.slots.iter().take(from.end()).cloned());
        for (to, from) in self.words.iter_mut().zip(&from.words) {
            to.close_on_exec = from.close_on_exec;
        }
        for index in 0..self.slots.len() {
            if self.get(index).is_some() {
                self.take(index);
            }
        }
    }

    fn lowest_free(&self, from: usize) -> usize {
        let start = from.max(self.first_free);
        let mut word = start / WORD;
        let mut mask = !0 << (start % WORD);
        while let Some(bits) = self.words.get(word) {
            let free = !bits.taken & mask;
            if free != 0 {
                return word * WORD + free.trailing_zeros() as usize;
            }
            word += 1;
            mask = !0;
        }
        start.max(word * WORD)
    }

    pub(super) fn next_taken(&self, from: usize) -> Option<usize> {
        let mut next = self.next_bit(from);
        while let Some(index) = next.filter(|index| self.get(*index).is_none()) {
            next = self.next_bit(index + 1); // reserved
        }
        next
    }

    fn next_bit(&self, from: usize) -> Option<usize> {
        let mut mask = !0 << (from % WORD);
        for (word, bits) in self.words.iter().enumerate().skip(from / WORD) {
            if bits.taken & mask != 0 {
                return Some(word * WORD + (bits.taken & mask).trailing_zeros() as usize);
            }
            mask = !0;
        }
        None
    }

    /// Whether somebody reserved a number, and has not used it yet.
    pub(super) fn is_reserved(&self, index: usize) -> bool {
        let is_taken = self.words.get(index / WORD).is_some_and(|word| word.taken >> (index % WORD) & 1 != 0);
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
        if let Some(word) = self.words.get_mut(index / WORD) {
            word.taken |= 1 << (index % WORD);
        }
        if index == self.first_free {
            self.first_free = index + 1;
        }
    }

    /// Marks a number as free.
    pub(super) fn free(&mut self, index: usize) {
        if let Some(word) = self.words.get_mut(index / WORD) {
            word.taken &= !(1 << (index % WORD));
        }
        self.first_free = self.first_free.min(index);
    }

    /// Makes a slot be there. `ENOMEM`.
    #[inline]
    pub(super) fn grow(&mut self, known: &Known, index: usize) -> Result<(), Errno> {
        if index >= self.slots.len() {
            self.make_room(index + 1)?;
            self.slots.resize_with(index + 1, || None);
        }
        known.make_room(self.size(), index)
    }

    /// Fills a slot that [is there](Slots::grow) and [taken](Slots::take). Gives what it held, to be dropped without the lock.
    pub(super) fn fill(
        &mut self,
        known: &Known,
        index: usize,
        capability: FileCapability,
        close_on_exec: bool,
    ) -> Option<FileCapability> {
        known.publish(index, &capability);
        self.set_close_on_exec(index, close_on_exec);
        self.slots.get_mut(index)?.replace(capability)
    }

    /// Whether `exec` closes what is at a number.
    pub(super) fn is_close_on_exec(&self, index: usize) -> bool {
        self.words.get(index / WORD).is_some_and(|word| word.close_on_exec >> (index % WORD) & 1 != 0)
    }

    /// Says whether `exec` closes it.
    #[inline]
    pub(super) fn set_close_on_exec(&mut self, index: usize, on: bool) {
        if let Some(word) = self.words.get_mut(index / WORD) {
            word.close_on_exec &= !(1 << (index % WORD));
            word.close_on_exec |= u64::from(on) << (index % WORD);
        }
    }

    /// Empties a slot and gives what it held, to be dropped without the lock.
    #[inline]
    pub(super) fn clear(&mut self, known: &Known, index: usize) -> Option<FileCapability> {
        let capability = self.slots.get_mut(index)?.take()?;
        known.retract(index);
        self.free(index);
        Some(capability)
    }
}
