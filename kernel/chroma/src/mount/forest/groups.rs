//! The numbers of peer groups: the smallest one that is free, from 1 on.

use abi::Errno;
use alloc::vec::Vec;

/// Which numbers are taken, a bit each.
pub(super) struct Groups {
    words: Vec<u64>,
    /// All words before this one are full.
    full: usize,
}

impl Groups {
    pub(super) const fn new() -> Groups {
        Groups { words: Vec::new(), full: 0 }
    }

    /// Takes a number. `ENOMEM`.
    pub(super) fn take(&mut self) -> Result<u32, Errno> {
        while self.words.get(self.full) == Some(&u64::MAX) {
            self.full += 1;
        }
        if self.full == self.words.len() {
            aegis::charge::reserve(&mut self.words, 1)?;
            self.words.push(0);
        }
        let word = self.words.get_mut(self.full).ok_or(Errno::ENOMEM)?;
        let bit = word.trailing_ones();
        *word |= 1 << bit;
        u32::try_from(self.full * 64 + 1).map(|first| first + bit).map_err(|_| Errno::ENOMEM)
    }

    /// Gives one back.
    pub(super) fn give_back(&mut self, number: u32) {
        let Some(index) = number.checked_sub(1) else { return };
        let (word, bit) = ((index / 64) as usize, index % 64);
        if let Some(taken) = self.words.get_mut(word) {
            *taken &= !(1 << bit);
            self.full = self.full.min(word);
        }
        while self.words.last() == Some(&0) {
            self.words.pop();
        }
        if self.words.is_empty() {
            *self = Groups::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Groups;

    #[test]
    fn the_smallest_free_number_is_given_out() {
        let mut groups = Groups::new();
        for expected in 1..=200 {
            assert_eq!(groups.take(), Ok(expected));
        }
        for number in [150, 3, 64] {
            groups.give_back(number);
        }
        for expected in [3, 64, 150, 201] {
            assert_eq!(groups.take(), Ok(expected));
        }
        for number in 1..=201 {
            groups.give_back(number);
        }
        assert_eq!(groups.words.capacity(), 0);
        assert_eq!(groups.take(), Ok(1));
    }
}
