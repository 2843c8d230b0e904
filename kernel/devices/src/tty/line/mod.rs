//! The terminal line discipline N_TTY, as in Linux 6.1: what becomes of bytes between a terminal and its readers and writers.
//!
//! [`Line`] is pure state: bytes go in, an [`Effects`] tells what else is to happen (signals, flow control, wake-ups), and
//! the echo collects in a queue that the terminal passes on to its driver. It knows no locks, no processes and no device, so
//! its rules are tested as tables.

mod buffer;
mod echo;
mod erase;
mod input;
mod output;
#[cfg(test)]
mod tests;

use abi::Signal;
use abi::tty::{InputFlags, LocalFlags, OutputFlags, Termios, cc};
use alloc::collections::VecDeque;

use super::settings;
use buffer::Buffer;
pub(super) use output::Out;

/// How a byte arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// As it should.
    Good,
    /// As a break; its value is meaningless.
    Break,
    /// With a parity or framing error.
    Damaged,
}

/// What input makes happen outside of the line.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Signals for the foreground process group, at most one of each kind a batch matters.
    pub signals: [Option<Signal>; 4],
    /// What waits for output is to be thrown away (an interrupt without `NOFLSH`).
    pub flush_output: bool,
    /// Output is to stop (`^S`) or go on (`^Q`).
    pub flow: Option<Flow>,
    /// Readers have something new.
    pub wake_readers: bool,
    /// `IXOFF`: the other side is to be told to stop (true) or go on (false).
    pub tell_to_stop: Option<bool>,
}

/// Output flow control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Flow {
    Stop,
    Go,
}

impl Effects {
    fn signal(&mut self, signal: Signal) {
        if let Some(slot) = self.signals.iter_mut().find(|slot| slot.is_none() || **slot == Some(signal)) {
            *slot = Some(signal);
        }
    }
}

/// Bytes of echo that may wait for the driver; older ones are dropped beyond.
const ECHO_LIMIT: usize = 4096;

/// The state of a line.
pub struct Line {
    termios: Termios,
    input: Buffer,
    echo: VecDeque<u8>,
    /// The column that the cursor is in, by all output that was processed.
    column: usize,
    /// The column in which the input line being edited begins.
    input_column: usize,
    /// The next byte is taken literally (`^V`).
    literal_next: bool,
    /// `ECHOPRT`: erased characters are being printed between slashes.
    erasing: bool,
    /// Output is stopped by `^S`.
    stopped: bool,
    /// Output is stopped by `TCXONC`: only that starts it again.
    held: bool,
    /// The other side was told to stop (`IXOFF`).
    told_to_stop: bool,
}

impl Line {
    /// A line with these settings.
    pub fn new(termios: Termios) -> Line {
        Line {
            termios,
            input: Buffer::new(),
            echo: VecDeque::with_capacity(ECHO_LIMIT),
            column: 0,
            input_column: 0,
            literal_next: false,
            erasing: false,
            stopped: false,
            held: false,
            told_to_stop: false,
        }
    }

    /// The settings.
    pub fn termios(&self) -> &Termios {
        &self.termios
    }

    fn has_input(&self, flag: InputFlags) -> bool {
        self.termios.c_iflag & flag.bits() != 0
    }

    fn has_output(&self, flag: OutputFlags) -> bool {
        self.termios.c_oflag & flag.bits() != 0
    }

    pub(super) fn has_local(&self, flag: LocalFlags) -> bool {
        self.termios.c_lflag & flag.bits() != 0
    }

    /// Whether lines are read whole.
    pub fn is_canonical(&self) -> bool {
        self.has_local(LocalFlags::ICANON)
    }

    /// Whether `byte` is the control character at `index`, which must be enabled.
    fn is_control(&self, byte: u8, index: usize) -> bool {
        settings::control(&self.termios, index) == Some(byte)
    }

    /// As [`Line::is_control`] for one that also needs `IEXTEN`.
    fn is_extended(&self, byte: u8, index: usize) -> bool {
        self.has_local(LocalFlags::IEXTEN) && self.is_control(byte, index)
    }

    /// `VMIN`.
    pub fn minimum(&self) -> usize {
        self.termios.c_cc.get(cc::VMIN).copied().map_or(0, usize::from)
    }

    /// `VTIME`, in tenths of a second.
    pub fn tenths(&self) -> u64 {
        self.termios.c_cc.get(cc::VTIME).copied().map_or(0, u64::from)
    }

    /// Whether output is stopped.
    pub fn is_stopped(&self) -> bool {
        self.stopped || self.held
    }

    /// `TCXONC`: holds output or lets it go on, whatever `^S` and `^Q` say.
    pub fn hold(&mut self, on: bool) {
        self.held = on;
        if !on {
            self.stopped = false;
        }
    }

    /// Changes the settings. Between canonical and raw mode what was typed stays: what is there becomes one line, or is
    /// readable at once.
    pub fn set_termios(&mut self, new: Termios, effects: &mut Effects) {
        let old = core::mem::replace(&mut self.termios, new);
        let switches = LocalFlags::ICANON.bits() | LocalFlags::EXTPROC.bits();
        if (old.c_lflag ^ new.c_lflag) & switches != 0 {
            self.input.change_mode(self.is_canonical());
            self.erasing = false;
            self.literal_next = false;
        }
        if old.c_iflag & !new.c_iflag & InputFlags::IXON.bits() != 0 && self.stopped && !self.held {
            self.stopped = false;
            effects.flow = Some(Flow::Go);
        }
        effects.wake_readers = true;
    }

    /// `TCFLSH` of input.
    pub fn flush_input(&mut self, effects: &mut Effects) {
        self.input.clear();
        self.erasing = false;
        self.literal_next = false;
        self.check_room(effects);
    }

    /// Whether a reader who wants `amount` bytes (any number, in canonical mode) need not wait.
    pub fn is_readable(&self, amount: usize) -> bool {
        if self.is_canonical() && !self.has_local(LocalFlags::EXTPROC) {
            self.input.has_line()
        } else {
            self.input.len() >= amount.max(1)
        }
    }

    /// How many bytes `FIONREAD` tells.
    pub fn readable_bytes(&self) -> usize {
        if self.is_canonical() && !self.has_local(LocalFlags::EXTPROC) {
            self.input.line_bytes()
        } else {
            self.input.len()
        }
    }

    /// Takes input for a reader: all that fits, or one line at most in canonical mode. Gives the count, and whether that
    /// ended a line.
    pub fn take(&mut self, into: &mut [u8], effects: &mut Effects) -> (usize, bool) {
        let taken = if self.is_canonical() && !self.has_local(LocalFlags::EXTPROC) {
            self.input.take_line(into)
        } else {
            (self.input.take(into), false)
        };
        self.check_room(effects);
        taken
    }

    /// `IXOFF`: tells the other side to stop when little room is left, to go on when there is enough again.
    fn check_room(&mut self, effects: &mut Effects) {
        /// Bytes of room below which the other side is told to stop.
        const LOW: usize = 128;
        if !self.has_input(InputFlags::IXOFF) {
            return;
        }
        let low = self.input.room() < LOW;
        if low != self.told_to_stop {
            self.told_to_stop = low;
            effects.tell_to_stop = Some(low);
        }
    }

    /// Takes echo for the driver.
    pub fn take_echo(&mut self, room: usize, mut give: impl FnMut(u8)) -> usize {
        let count = self.echo.len().min(room);
        self.echo.drain(..count).for_each(&mut give);
        count
    }

    /// Whether echo waits for the driver.
    pub fn has_echo(&self) -> bool {
        !self.echo.is_empty()
    }
}
