//! Bytes from the terminal.

use abi::Signal;
use abi::tty::{InputFlags, LocalFlags, cc};

use super::{Condition, Effects, Flow, Line};

/// What `PARMRK` puts before a damaged byte, and doubles where it came by itself.
const MARK: u8 = 0xff;

impl Line {
    /// How many bytes can be taken now. With a full buffer and no whole line in it, one: each further byte replaces the
    /// last, so that the line can still be ended.
    pub fn room(&self) -> usize {
        let room = self.input.room();
        let room = if self.has_input(InputFlags::PARMRK) { room.div_ceil(3) } else { room };
        match room.saturating_sub(1) {
            0 => usize::from(self.is_canonical() && !self.input.has_line()),
            room => room,
        }
    }

    /// Takes a byte from the terminal; the caller has asked [`Line::room`].
    pub fn receive(&mut self, byte: u8, condition: Condition, effects: &mut Effects) {
        if self.input.room() == 0 {
            self.input.pop(1);
        }
        match condition {
            Condition::Good => self.receive_good(byte, effects),
            Condition::Break => self.receive_break(effects),
            Condition::Damaged => self.receive_damaged(byte),
        }
        if !self.is_canonical() {
            effects.wake_readers = true;
        }
        self.check_room(effects);
    }

    fn receive_break(&mut self, effects: &mut Effects) {
        if self.has_input(InputFlags::IGNBRK) {
            return;
        }
        if self.has_input(InputFlags::BRKINT) {
            self.interrupt(Signal::SIGINT, effects);
            return;
        }
        if self.has_input(InputFlags::PARMRK) {
            self.input.push(MARK);
            self.input.push(0);
        }
        self.input.push(0);
    }

    fn receive_damaged(&mut self, byte: u8) {
        if self.has_input(InputFlags::INPCK) {
            if self.has_input(InputFlags::IGNPAR) {
                return;
            }
            if self.has_input(InputFlags::PARMRK) {
                self.input.push(MARK);
                self.input.push(0);
                self.input.push(byte);
            } else {
                self.input.push(0);
            }
        } else {
            let mut effects = Effects::default();
            self.receive_good(byte, &mut effects);
        }
    }

    fn receive_good(&mut self, byte: u8, effects: &mut Effects) {
        let mut byte = byte;
        if self.has_input(InputFlags::ISTRIP) {
            byte &= 0x7f;
        }
        if self.has_input(InputFlags::IUCLC) && self.has_local(LocalFlags::IEXTEN) {
            byte = byte.to_ascii_lowercase();
        }
        if self.has_local(LocalFlags::EXTPROC) {
            self.input.push(byte);
            return;
        }
        if core::mem::take(&mut self.literal_next) {
            self.receive_plain(byte);
            return;
        }
        if self.receive_flow_control(byte, effects) || self.receive_signal(byte, effects) {
            return;
        }
        if self.stopped && !self.held && self.has_any() {
            self.go(effects);
        }
        match byte {
            b'\r' if self.has_input(InputFlags::IGNCR) => return,
            b'\r' if self.has_input(InputFlags::ICRNL) => byte = b'\n',
            b'\n' if self.has_input(InputFlags::INLCR) => byte = b'\r',
            _ => {}
        }
        if self.is_canonical() && self.receive_canonical(byte, effects) {
            return;
        }
        self.receive_plain(byte);
    }

    fn has_any(&self) -> bool {
        self.has_input(InputFlags::IXON) && self.has_input(InputFlags::IXANY)
    }

    fn go(&mut self, effects: &mut Effects) {
        self.stopped = false;
        effects.flow = Some(Flow::Go);
    }

    fn receive_flow_control(&mut self, byte: u8, effects: &mut Effects) -> bool {
        if !self.has_input(InputFlags::IXON) {
            return false;
        }
        if self.is_control(byte, cc::VSTART) {
            if !self.held {
                self.go(effects);
            }
            return true;
        }
        if self.is_control(byte, cc::VSTOP) {
            self.stopped = true;
            effects.flow = Some(Flow::Stop);
            return true;
        }
        false
    }

    fn receive_signal(&mut self, byte: u8, effects: &mut Effects) -> bool {
        if !self.has_local(LocalFlags::ISIG) {
            return false;
        }
        let signals =
            [(cc::VINTR, Signal::SIGINT), (cc::VQUIT, Signal::SIGQUIT), (cc::VSUSP, Signal::SIGTSTP)];
        let Some((_, signal)) = signals.into_iter().find(|(index, _)| self.is_control(byte, *index)) else {
            return false;
        };
        self.interrupt(signal, effects);
        if self.has_input(InputFlags::IXON) && !self.held {
            self.go(effects);
        }
        if self.has_local(LocalFlags::ECHO) {
            self.echo_char(byte);
        }
        true
    }

    /// A signal for the foreground; without `NOFLSH` all that was typed or waits for output is thrown away.
    fn interrupt(&mut self, signal: Signal, effects: &mut Effects) {
        effects.signal(signal);
        if !self.has_local(LocalFlags::NOFLSH) {
            self.echo.clear();
            self.input.clear();
            self.erasing = false;
            self.literal_next = false;
            effects.flush_output = true;
        }
    }

    /// What canonical mode does with special bytes; false for ordinary ones.
    fn receive_canonical(&mut self, byte: u8, effects: &mut Effects) -> bool {
        let echo = self.has_local(LocalFlags::ECHO);
        let erases = self.is_control(byte, cc::VERASE)
            || self.is_control(byte, cc::VKILL)
            || self.is_extended(byte, cc::VWERASE);
        if erases {
            self.erase(byte);
            return true;
        }
        if self.is_extended(byte, cc::VLNEXT) {
            self.literal_next = true;
            if echo {
                self.finish_erasing();
                if self.has_local(LocalFlags::ECHOCTL) {
                    self.echo_raw(b'^');
                    self.echo_raw(b'\x08');
                }
            }
            return true;
        }
        if echo && self.is_extended(byte, cc::VREPRINT) {
            self.reprint(byte);
            return true;
        }
        if byte == b'\n' {
            if echo || self.has_local(LocalFlags::ECHONL) {
                self.echo_raw(b'\n');
            }
            self.end_line(byte, effects);
            return true;
        }
        if self.is_control(byte, cc::VEOF) {
            self.input.push_end_of_file();
            effects.wake_readers = true;
            return true;
        }
        if self.is_control(byte, cc::VEOL) || self.is_extended(byte, cc::VEOL2) {
            if echo {
                self.note_input_column();
                self.echo_char(byte);
            }
            if self.has_input(InputFlags::PARMRK) && byte == MARK {
                self.input.push(byte);
            }
            self.end_line(byte, effects);
            return true;
        }
        false
    }

    fn end_line(&mut self, byte: u8, effects: &mut Effects) {
        self.input.push_line_end(byte);
        effects.wake_readers = true;
    }

    /// A byte that means only itself.
    fn receive_plain(&mut self, byte: u8) {
        if self.has_local(LocalFlags::ECHO) {
            self.finish_erasing();
            if byte == b'\n' {
                self.echo_raw(b'\n');
            } else {
                self.note_input_column();
                self.echo_char(byte);
            }
        }
        if self.has_input(InputFlags::PARMRK) && byte == MARK {
            self.input.push(byte);
        }
        self.input.push(byte);
    }
}
