//! The terminal's side of a port.

use abi::tty::{Termios, modem};
use alloc::sync::Arc;

use super::port::{Port, RING};
use super::register::{self, DTR, EIGHT_BITS, OUT2, RTS, SEND_BREAK, status};
use crate::tty::{Driver, Tty};

pub(super) struct PortDriver {
    pub port: Arc<Port>,
}

impl Driver for PortDriver {
    fn write(&self, bytes: &[u8]) -> usize {
        self.port.send(|state| {
            let count = bytes.len().min(RING.saturating_sub(state.sending.len()));
            state.sending.extend(bytes.iter().take(count));
            count
        })
    }

    fn room(&self) -> usize {
        RING.saturating_sub(self.port.state.lock_irq().sending.len())
    }

    fn pending(&self) -> usize {
        self.port.state.lock_irq().sending.len()
    }

    fn all_sent(&self) -> bool {
        self.port.uart.read(register::LINE_STATUS) & status::ALL_SENT != 0
    }

    fn flush_output(&self) {
        self.port.send(|state| state.sending.clear());
    }

    fn set_stopped(&self, stopped: bool) {
        self.port.send(|state| state.stopped = stopped);
    }

    fn send_urgent(&self, byte: u8) {
        self.port.send(|state| {
            if state.sending.len() < RING {
                state.sending.push_front(byte);
            }
        });
    }

    fn settings_changed(&self, _: &Termios) {
        // The line is virtual or short: every speed and frame is the fastest one, as the settings only describe it.
    }

    fn set_break(&self, on: bool) {
        let control = if on { EIGHT_BITS | SEND_BREAK } else { EIGHT_BITS };
        self.port.uart.write(register::LINE_CONTROL, control);
    }

    fn modem(&self) -> Option<u32> {
        let control = self.port.uart.read(register::MODEM_CONTROL);
        let status = self.port.uart.read(register::MODEM_STATUS);
        let mut lines = 0;
        for (bit, line) in [(DTR, modem::TIOCM_DTR), (RTS, modem::TIOCM_RTS)] {
            lines |= if control & bit != 0 { line } else { 0 };
        }
        for (bit, line) in [
            (0x10, modem::TIOCM_CTS),
            (0x20, modem::TIOCM_DSR),
            (0x40, modem::TIOCM_RI),
            (0x80, modem::TIOCM_CAR),
        ] {
            lines |= if status & bit != 0 { line } else { 0 };
        }
        Some(lines)
    }

    fn set_modem(&self, lines: u32) {
        let mut control = OUT2;
        control |= if lines & modem::TIOCM_DTR != 0 { DTR } else { 0 };
        control |= if lines & modem::TIOCM_RTS != 0 { RTS } else { 0 };
        let _state = self.port.state.lock_irq();
        self.port.uart.write(register::MODEM_CONTROL, control);
    }

    fn input_possible(&self, _: &Tty) {
        self.port.line_has_room();
    }
}
