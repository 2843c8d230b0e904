//! Bytes to the terminal.

use abi::tty::{InputFlags, OutputFlags};

use super::Line;

/// The most bytes that one byte becomes: a tab.
const MOST: usize = 8;
/// Bytes that are processed before they go to the driver.
const CAPACITY: usize = 256;

/// Processed output on its way to the driver.
pub struct Out {
    bytes: [u8; CAPACITY],
    len: usize,
}

impl Out {
    pub(in super::super) fn new() -> Out {
        Out { bytes: [0; CAPACITY], len: 0 }
    }

    /// What is there.
    pub(in super::super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    pub(in super::super) fn len(&self) -> usize {
        self.len
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
    }
}

impl Line {
    /// Processes bytes of a writer into `out` until it is full or `room` is used up; gives how many were taken.
    pub fn process(&mut self, bytes: &[u8], room: usize, out: &mut Out) -> usize {
        let limit = room.min(CAPACITY);
        if !self.has_output(OutputFlags::OPOST) {
            let count = bytes.len().min(limit);
            bytes.iter().take(count).for_each(|byte| out.push(*byte));
            return count;
        }
        let mut taken = 0;
        for byte in bytes {
            let needed = self.width(*byte);
            if out.len + needed > limit {
                break;
            }
            self.post_process(*byte, out);
            taken += 1;
        }
        taken
    }

    /// How many bytes one becomes at most.
    fn width(&self, byte: u8) -> usize {
        match byte {
            b'\n' => 2,
            b'\t' if self.expands_tabs() => MOST,
            _ => 1,
        }
    }

    fn expands_tabs(&self) -> bool {
        self.termios.c_oflag & OutputFlags::TABDLY.bits() == OutputFlags::XTABS.bits()
    }

    /// Does to one byte what `OPOST` asks for, and keeps track of the column.
    pub(super) fn post_process(&mut self, byte: u8, out: &mut Out) {
        match byte {
            b'\n' => {
                if self.has_output(OutputFlags::ONLRET) {
                    self.column = 0;
                }
                if self.has_output(OutputFlags::ONLCR) {
                    self.column = 0;
                    self.input_column = 0;
                    out.push(b'\r');
                } else {
                    self.input_column = self.column;
                }
                out.push(b'\n');
            }
            b'\r' => {
                if self.has_output(OutputFlags::ONOCR) && self.column == 0 {
                    return;
                }
                if self.has_output(OutputFlags::OCRNL) {
                    if self.has_output(OutputFlags::ONLRET) {
                        self.column = 0;
                        self.input_column = 0;
                    }
                    out.push(b'\n');
                    return;
                }
                self.column = 0;
                self.input_column = 0;
                out.push(b'\r');
            }
            b'\t' => {
                let spaces = 8 - self.column % 8;
                self.column += spaces;
                if self.expands_tabs() {
                    (0..spaces).for_each(|_| out.push(b' '));
                } else {
                    out.push(b'\t');
                }
            }
            b'\x08' => {
                self.column = self.column.saturating_sub(1);
                out.push(byte);
            }
            _ if byte.is_ascii_control() => out.push(byte),
            _ => {
                let upper = self.has_output(OutputFlags::OLCUC);
                out.push(if upper { byte.to_ascii_uppercase() } else { byte });
                if !(self.has_input(InputFlags::IUTF8) && byte & 0xc0 == 0x80) {
                    self.column += 1;
                }
            }
        }
    }
}
