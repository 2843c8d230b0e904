//! What is in a queue, and who stands in line for it: which of them is next.

use crate::ipc::share_of_memory;
use abi::Errno;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::sync::atomic::{AtomicU64, Ordering};

/// What a message takes beside its text.
const MESSAGE_BYTES: usize = 256;

/// What all messages take, in bytes.
static HELD: AtomicU64 = AtomicU64::new(0);

/// A message.
#[derive(Debug)]
pub struct Message {
    priority: u32,
    text: Vec<u8>,
}

impl Message {
    /// A message of so many bytes, all 0 yet.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new(priority: u32, length: usize) -> Result<Self, Errno> {
        aegis::charge::admit(MESSAGE_BYTES)?;
        let mut text = Vec::new();
        aegis::charge::reserve_exact(&mut text, length)?;
        text.resize(length, 0);
        let message = Self { priority, text }; // whose end takes the bytes back
        HELD.fetch_add(message.held(), Ordering::Relaxed);
        if HELD.load(Ordering::Relaxed) > share_of_memory() { Err(Errno::ENOMEM) } else { Ok(message) }
    }

    fn held(&self) -> u64 {
        (MESSAGE_BYTES + self.text.len()) as u64
    }

    /// Its priority: the highest comes first.
    pub fn priority(&self) -> u32 {
        self.priority
    }

    /// Its text.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Its text, to be filled in.
    pub fn text_mut(&mut self) -> &mut [u8] {
        &mut self.text
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        HELD.fetch_sub(self.held(), Ordering::Relaxed);
    }
}

/// The messages of a queue.
#[derive(Default)]
pub(super) struct Messages {
    by_turn: BTreeMap<(Reverse<u32>, u64), Message>,
    next: u64,
    bytes: u64,
}

impl Messages {
    pub fn count(&self) -> u64 {
        self.by_turn.len() as u64
    }

    /// How long their texts are together.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn add(&mut self, message: Message) {
        self.bytes += message.text.len() as u64;
        self.by_turn.insert((Reverse(message.priority), self.next), message);
        self.next += 1;
    }

    /// The one of the highest priority; of equal ones the oldest.
    pub fn take(&mut self) -> Option<Message> {
        let (_, message) = self.by_turn.pop_first()?;
        self.bytes -= message.text.len() as u64;
        Some(message)
    }
}

/// A place in a line: lower numbers come first, and of equal ones who came first.
pub(super) type Turn = (i32, u64);

/// Who waits for one side of a queue. Each thread stands in one line at most: that is part of what a thread is charged.
pub(super) struct Line<T> {
    waiting: BTreeMap<Turn, T>,
    next: u64,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), next: 0 }
    }
}

impl<T> Line<T> {
    /// Enters; `rank` is lower for who is more urgent.
    pub fn enter(&mut self, rank: i32, who: T) -> Turn {
        let turn = (rank, self.next);
        self.next += 1;
        self.waiting.insert(turn, who);
        turn
    }

    /// Takes out who is next.
    pub fn serve(&mut self) -> Option<(Turn, T)> {
        self.waiting.pop_first()
    }

    /// Leaves the line; nothing if it was served.
    pub fn leave(&mut self, turn: Turn) -> Option<T> {
        self.waiting.remove(&turn)
    }
}

#[cfg(test)]
mod tests {
    use super::{HELD, Line, Message, Messages};
    use core::sync::atomic::Ordering;

    fn message(priority: u32, length: usize) -> Message {
        let message = Message { priority, text: std::vec![0; length] };
        HELD.fetch_add(message.held(), Ordering::Relaxed);
        message
    }

    #[test]
    fn the_highest_priority_comes_first_and_of_equal_ones_the_oldest() {
        let mut messages = Messages::default();
        for (priority, length) in [(5, 1), (7, 2), (5, 3), (7, 4), (0, 5)] {
            messages.add(message(priority, length));
        }
        assert_eq!((messages.count(), messages.bytes()), (5, 15));
        let lengths = core::iter::from_fn(|| messages.take().map(|message| message.text().len()));
        assert_eq!(lengths.collect::<std::vec::Vec<_>>(), [2, 4, 1, 3, 5]);
        assert_eq!((messages.count(), messages.bytes(), HELD.load(Ordering::Relaxed)), (0, 0, 0));
    }

    #[test]
    fn who_is_more_urgent_is_served_first_and_who_left_is_not() {
        let mut line = Line::default();
        let turns = [120, 120, 50, 60, 50].map(|rank| line.enter(rank, rank + 1));
        assert_eq!(line.leave(turns[2]), Some(51));
        assert_eq!(line.leave(turns[2]), None);
        let served = core::iter::from_fn(|| line.serve().map(|(turn, _)| turn));
        assert_eq!(served.collect::<std::vec::Vec<_>>(), [turns[4], turns[3], turns[0], turns[1]]);
        assert_eq!(line.leave(turns[0]), None);
    }
}
