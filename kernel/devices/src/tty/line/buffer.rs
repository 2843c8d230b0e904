//! The input of a line: a ring of bytes, with marks where lines end.

use alloc::boxed::Box;

/// Bytes of input that are kept.
pub(super) const SIZE: usize = 4096;
const WORDS: usize = SIZE / 64;

/// The byte that stands for an end-of-file mark; a marked one is never given to a reader.
const END_OF_FILE: u8 = 0;

/// Positions count bytes ever written; `tail <= line_end <= head`.
pub(super) struct Buffer {
    bytes: Box<[u8; SIZE]>,
    /// Whether the byte at a place ends a line.
    marks: [u64; WORDS],
    head: usize,
    tail: usize,
    /// Behind the last whole line.
    line_end: usize,
    /// The line that waits was made one by a change of mode: its last byte counts even if it looks like a mark.
    pushed: bool,
}

impl Buffer {
    pub(super) fn new() -> Buffer {
        Buffer { bytes: Box::new([0; SIZE]), marks: [0; WORDS], head: 0, tail: 0, line_end: 0, pushed: false }
    }

    pub(super) fn len(&self) -> usize {
        self.head - self.tail
    }

    pub(super) fn room(&self) -> usize {
        SIZE - self.len()
    }

    pub(super) fn has_line(&self) -> bool {
        self.line_end != self.tail
    }

    /// Bytes in whole lines, end-of-file marks not counted.
    pub(super) fn line_bytes(&self) -> usize {
        (self.tail..self.line_end).filter(|at| !(self.is_marked(*at) && self.at(*at) == END_OF_FILE)).count()
    }

    pub(super) fn clear(&mut self) {
        self.marks = [0; WORDS];
        (self.head, self.tail, self.line_end, self.pushed) = (0, 0, 0, false);
    }

    fn at(&self, position: usize) -> u8 {
        self.bytes.get(position % SIZE).copied().unwrap_or(0)
    }

    fn is_marked(&self, position: usize) -> bool {
        let place = position % SIZE;
        self.marks.get(place / 64).is_some_and(|word| word & 1 << (place % 64) != 0)
    }

    fn set_mark(&mut self, position: usize, on: bool) {
        let place = position % SIZE;
        if let Some(word) = self.marks.get_mut(place / 64) {
            let bit = 1 << (place % 64);
            *word = if on { *word | bit } else { *word & !bit };
        }
    }

    /// Adds a byte; the caller has seen that there is room.
    pub(super) fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.head % SIZE) {
            *place = byte;
        }
        self.set_mark(self.head, false);
        self.head += 1;
    }

    /// Adds the byte that ends a line.
    pub(super) fn push_line_end(&mut self, byte: u8) {
        self.push(byte);
        self.set_mark(self.head - 1, true);
        self.line_end = self.head;
    }

    /// Adds an end-of-file mark.
    pub(super) fn push_end_of_file(&mut self) {
        self.push_line_end(END_OF_FILE);
    }

    /// Bytes of the line being typed.
    pub(super) fn unfinished(&self) -> impl DoubleEndedIterator<Item = u8> {
        (self.line_end..self.head).map(|position| self.at(position))
    }

    pub(super) fn unfinished_len(&self) -> usize {
        self.head - self.line_end
    }

    /// Takes the last bytes of the line being typed away.
    pub(super) fn pop(&mut self, count: usize) {
        self.head -= count.min(self.unfinished_len());
    }

    /// From raw to canonical mode: what is there becomes a line. The other way: it is readable as it is.
    pub(super) fn change_mode(&mut self, canonical: bool) {
        self.marks = [0; WORDS];
        self.pushed = canonical && self.len() > 0;
        if self.pushed {
            self.set_mark(self.head - 1, true);
            self.line_end = self.head;
        } else {
            self.line_end = self.tail;
        }
    }

    pub(super) fn take(&mut self, into: &mut [u8]) -> usize {
        let count = into.len().min(self.len());
        for (place, position) in into.iter_mut().zip(self.tail..self.tail + count) {
            *place = self.at(position);
        }
        self.tail += count;
        // In raw mode no lines are counted.
        self.line_end = self.line_end.max(self.tail);
        count
    }

    /// Takes a line, or as much of it as fits; says whether its end was reached. An end-of-file mark needs no room, so one
    /// that comes right behind what fitted is taken along.
    pub(super) fn take_line(&mut self, into: &mut [u8]) -> (usize, bool) {
        let mut count = 0;
        while self.tail < self.line_end {
            let ends = self.is_marked(self.tail);
            let byte = self.at(self.tail);
            if ends && byte == END_OF_FILE && !self.pushed {
                self.set_mark(self.tail, false);
                self.tail += 1;
                return (count, true);
            }
            let Some(place) = into.get_mut(count) else { return (count, false) };
            *place = byte;
            count += 1;
            self.tail += 1;
            if ends {
                self.set_mark(self.tail - 1, false);
                self.pushed = false;
                return (count, true);
            }
        }
        (count, false)
    }
}
