//! The POSIX timers of a process, by their numbers.
//!
//! The table stands behind a lock that interrupts take: room for one more is made [outside](Table::take_room) of it.

use alloc::vec::Vec;
use core::mem;

/// What has numbers, in their order.
pub(super) struct Table<T> {
    entries: Vec<(i32, T)>,
    next: i32,
}

impl<T> Table<T> {
    pub const fn new() -> Self {
        Self { entries: Vec::new(), next: 0 }
    }

    fn place(&self, number: i32) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&number, |(number, _)| *number)
    }

    /// The next number that is free: from 0 on, and again when there are no more.
    pub fn take_number(&mut self) -> i32 {
        loop {
            let number = self.next;
            self.next = number.wrapping_add(1).max(0);
            if self.place(number).is_err() {
                return number;
            }
        }
    }

    /// How much room is needed before the next one is added; 0 if there is some.
    pub fn wanted_room(&self) -> usize {
        let count = self.entries.len();
        if count < self.entries.capacity() { 0 } else { count.saturating_mul(2).max(4) }
    }

    /// Moves what there is into `room` if that is larger; what is no longer needed stays in it, to be dropped without the lock.
    pub fn take_room(&mut self, room: &mut Vec<(i32, T)>) {
        if room.capacity() > self.entries.capacity() {
            room.append(&mut self.entries);
            mem::swap(room, &mut self.entries);
        }
    }

    /// Adds one under a number that is free, if there is room; else gives it back.
    pub fn add(&mut self, number: i32, one: T) -> Result<(), T> {
        match self.place(number) {
            Err(place) if self.wanted_room() == 0 => {
                self.entries.insert(place, (number, one));
                Ok(())
            }
            _ => Err(one),
        }
    }

    pub fn get(&self, number: i32) -> Option<&T> {
        let place = self.place(number).ok()?;
        self.entries.get(place).map(|(_, one)| one)
    }

    /// Takes one out, to be dropped without the lock.
    pub fn remove(&mut self, number: i32) -> Option<T> {
        let place = self.place(number).ok()?;
        Some(self.entries.remove(place).1)
    }

    /// Takes all out, to be dropped without the lock.
    pub fn take_all(&mut self) -> impl Iterator<Item = T> + use<T> {
        mem::take(&mut self.entries).into_iter().map(|(_, one)| one)
    }
}

#[cfg(test)]
mod tests {
    use super::Table;
    use std::vec::Vec;

    fn add(table: &mut Table<&'static str>, one: &'static str) -> i32 {
        let wanted = table.wanted_room();
        if wanted > 0 {
            table.take_room(&mut Vec::with_capacity(wanted));
        }
        let number = table.take_number();
        table.add(number, one).unwrap();
        number
    }

    #[test]
    fn numbers_are_given_in_turn_and_not_at_once_again() {
        let mut table = Table::new();
        assert_eq!([add(&mut table, "a"), add(&mut table, "b"), add(&mut table, "c")], [0, 1, 2]);
        assert_eq!((table.remove(1), table.remove(1)), (Some("b"), None));
        assert_eq!((add(&mut table, "d"), table.get(3), table.get(1)), (3, Some(&"d"), None));
        assert_eq!(table.take_all().collect::<Vec<_>>(), ["a", "c", "d"]);
        assert_eq!(table.get(0), None);
    }

    #[test]
    fn when_the_numbers_are_used_up_a_free_one_is_found() {
        let mut table = Table::new();
        add(&mut table, "a");
        add(&mut table, "b");
        table.remove(1);
        table.next = i32::MAX;
        assert_eq!(add(&mut table, "c"), i32::MAX);
        assert_eq!(add(&mut table, "d"), 1);
        assert_eq!(
            [0, 1, i32::MAX].map(|number| table.get(number).copied()),
            [Some("a"), Some("d"), Some("c")]
        );
    }

    #[test]
    fn nothing_is_added_without_room() {
        let mut table = Table::new();
        assert_eq!(table.add(0, "a"), Err("a"));
        table.take_room(&mut Vec::with_capacity(1));
        assert_eq!(table.add(0, "a"), Ok(()));
        assert_eq!(table.add(1, "b"), Err("b"));
        let mut late = Vec::with_capacity(1);
        table.take_room(&mut late);
        assert_eq!((late.len(), table.get(0)), (0, Some(&"a")));
    }
}
