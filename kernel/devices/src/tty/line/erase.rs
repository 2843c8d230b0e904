//! Erasing of what was typed: a character, a word, the line.

use abi::tty::{InputFlags, LocalFlags, cc};

use super::Line;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Character,
    Word,
    Line,
}

/// Whether a byte is inside of a UTF-8 sequence.
fn continues(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// Whether a byte belongs to a word: letters (Latin-1's too, as in Linux's own table), digits, the underscore.
fn is_in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || (byte >= 0xc0 && byte != 0xd7 && byte != 0xf7)
}

impl Line {
    /// Serves `VERASE`, `VWERASE` or `VKILL`.
    pub(super) fn erase(&mut self, byte: u8) {
        if self.input.unfinished_len() == 0 {
            return;
        }
        let extent = if self.is_control(byte, cc::VERASE) {
            Extent::Character
        } else if self.is_extended(byte, cc::VWERASE) {
            Extent::Word
        } else {
            Extent::Line
        };
        if extent == Extent::Line && !self.kills_visibly(byte) {
            return;
        }
        let mut in_word = false;
        while let Some((last, len)) = self.last_character() {
            if extent == Extent::Word {
                if is_in_word(last) {
                    in_word = true;
                } else if in_word {
                    break;
                }
            }
            self.erase_last(last, len, extent, byte);
            if extent == Extent::Character {
                break;
            }
        }
        if self.input.unfinished_len() == 0 && self.has_local(LocalFlags::ECHO) {
            self.finish_erasing();
        }
    }

    /// Kills the line at once where it is not to be wiped out character by character; true if it is.
    fn kills_visibly(&mut self, byte: u8) -> bool {
        let all = LocalFlags::ECHOK | LocalFlags::ECHOKE | LocalFlags::ECHOE;
        let echo = self.has_local(LocalFlags::ECHO);
        if echo && self.termios.c_lflag & all.bits() == all.bits() {
            return true;
        }
        let len = self.input.unfinished_len();
        self.input.pop(len);
        if echo {
            self.finish_erasing();
            self.echo_char(byte);
            if self.has_local(LocalFlags::ECHOK) {
                self.echo_raw(b'\n');
            }
        }
        false
    }

    /// The first byte and the length of the last character of the line; `None` at its start, or within a sequence that has
    /// no start.
    fn last_character(&self) -> Option<(u8, usize)> {
        let utf8 = self.has_input(InputFlags::IUTF8);
        for (index, byte) in self.input.unfinished().rev().enumerate() {
            if !(utf8 && continues(byte)) {
                return Some((byte, index + 1));
            }
        }
        None
    }

    fn erase_last(&mut self, first: u8, len: usize, extent: Extent, byte: u8) {
        if !self.has_local(LocalFlags::ECHO) {
            self.input.pop(len);
            return;
        }
        if self.has_local(LocalFlags::ECHOPRT) {
            if !self.erasing {
                self.echo_raw(b'\\');
                self.erasing = true;
            }
            self.echo_char(first);
            let total = self.input.unfinished_len();
            for index in total - len + 1..total {
                let rest = self.input.unfinished().nth(index);
                rest.into_iter().for_each(|byte| self.queue_echo(&[byte]));
            }
            self.input.pop(len);
            return;
        }
        self.input.pop(len);
        if extent == Extent::Character && !self.has_local(LocalFlags::ECHOE) {
            self.echo_char(byte);
        } else if first == b'\t' {
            self.erase_tab();
        } else {
            let control = first.is_ascii_control();
            let echoctl = self.has_local(LocalFlags::ECHOCTL);
            let wipes = usize::from(control && echoctl) + usize::from(!control || echoctl);
            for _ in 0..wipes {
                for byte in *b"\x08 \x08" {
                    self.echo_raw(byte);
                }
            }
        }
    }

    /// Moves back over a tab: to the column that what is left of the line ends in.
    fn erase_tab(&mut self) {
        let mut width = 0;
        let mut after_tab = false;
        for byte in self.input.unfinished().rev() {
            if byte == b'\t' {
                after_tab = true;
                break;
            }
            if byte.is_ascii_control() {
                width += if self.has_local(LocalFlags::ECHOCTL) { 2 } else { 0 };
            } else if !(self.has_input(InputFlags::IUTF8) && continues(byte)) {
                width += 1;
            }
        }
        if !after_tab {
            width += self.input_column;
        }
        for _ in 0..8 - width % 8 {
            self.queue_echo(b"\x08");
            self.column = self.column.saturating_sub(1);
        }
    }
}
