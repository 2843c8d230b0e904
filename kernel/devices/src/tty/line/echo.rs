//! What the terminal shows of what is typed.

use abi::tty::{LocalFlags, OutputFlags};

use super::{ECHO_LIMIT, Line, Out};

/// How a control character shows with `ECHOCTL`: `^` and the letter 64 above it (`^?` for delete).
pub(super) fn caret(byte: u8) -> [u8; 2] {
    [b'^', byte ^ 0o100]
}

impl Line {
    /// Echoes a byte as output would show it.
    pub(super) fn echo_raw(&mut self, byte: u8) {
        if !self.has_output(OutputFlags::OPOST) {
            self.queue_echo(&[byte]);
            return;
        }
        let mut out = Out::new();
        self.post_process(byte, &mut out);
        self.queue_echo(out.bytes());
    }

    /// Echoes a byte, a control character as `^X` with `ECHOCTL`.
    pub(super) fn echo_char(&mut self, byte: u8) {
        if self.has_local(LocalFlags::ECHOCTL) && byte.is_ascii_control() && byte != b'\t' {
            self.column += 2;
            self.queue_echo(&caret(byte));
        } else {
            self.echo_raw(byte);
        }
    }

    pub(super) fn queue_echo(&mut self, bytes: &[u8]) {
        // Within what the line made room for at first.
        let extra = (self.echo.len() + bytes.len()).saturating_sub(ECHO_LIMIT);
        self.echo.drain(..extra.min(self.echo.len()));
        self.echo.extend(bytes);
    }

    /// At the first byte of a line: remembers where it begins, for erasing tabs.
    pub(super) fn note_input_column(&mut self) {
        if self.input.unfinished_len() == 0 {
            self.input_column = self.column;
        }
    }

    /// Shows the line being typed again, on a new line.
    pub(super) fn reprint(&mut self, byte: u8) {
        self.finish_erasing();
        self.echo_char(byte);
        self.echo_raw(b'\n');
        for index in 0..self.input.unfinished_len() {
            let byte = self.input.unfinished().nth(index);
            byte.into_iter().for_each(|byte| self.echo_char(byte));
        }
    }

    /// `ECHOPRT`: closes the part between slashes.
    pub(super) fn finish_erasing(&mut self) {
        if core::mem::take(&mut self.erasing) {
            self.echo_raw(b'/');
        }
    }
}
