//! The thread of the terminal on the screen, and what it shares with those who write.

use core::time::Duration;

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::Errno;
use abi::poll::PollEvents;
use chroma::file::Ioctl;
use chronos::{Events, Instant, WaitKind, WaitQueue};
use hal::SpinLock;

use super::ioctl;
use super::last_words;
use super::log::LogReader;
use super::paint::{Canvas, Painter};
use super::terminal::Console;
use crate::keyboard::Keyboard;
use crate::lock_classes;
use crate::tty::{Driver, Tty};

/// Bytes that wait for the thread.
const RING: usize = 4096;
/// Bytes that it takes at once.
const CHUNK: usize = 512;
/// How long the screen may be behind while output goes on.
const FRAME: Duration = Duration::from_millis(20);
/// How often the log is looked at: it wakes nobody, as it is written to anywhere.
const LOOK_AT_LOG: Duration = Duration::from_millis(100);

struct Output {
    ring: VecDeque<u8>,
    /// Taken from the ring, and not shown yet.
    in_hand: usize,
    stopped: bool,
}

/// What the thread, writers and the keyboard share.
pub(super) struct Station {
    output: SpinLock<Output>,
    active: WaitQueue,
}

const ACTIVE: Events = Events::from_bits_retain(PollEvents::READABLE.bits());

impl Station {
    pub(super) fn new() -> Arc<Station> {
        let output = Output { ring: VecDeque::with_capacity(RING), in_hand: 0, stopped: false };
        Arc::new(Station { output: SpinLock::new(&lock_classes::OUTPUT, output), active: WaitQueue::new() })
    }

    /// Has the thread look for something to do. May be called in an interrupt.
    pub(super) fn wake(&self) {
        self.active.wake_all(ACTIVE);
    }

    fn has_output(&self) -> bool {
        let output = self.output.lock();
        !output.ring.is_empty() && !output.stopped
    }

    /// Takes output out of the ring.
    fn take(&self, chunk: &mut Vec<u8>) {
        let mut output = self.output.lock();
        chunk.clear();
        if !output.stopped {
            let count = output.ring.len().min(CHUNK);
            chunk.extend(output.ring.drain(..count));
        }
        output.in_hand = chunk.len();
    }

    /// What was taken is on the screen, as far as anybody can tell.
    fn finish(&self) {
        self.output.lock().in_hand = 0;
    }

    /// What the thread does.
    pub(super) fn serve(&self, tty: &Tty, canvas: Arc<Canvas>, keyboard: Option<Keyboard>, shows_log: bool) {
        let (columns, rows) = canvas.size();
        let mut console = Console::new(columns, rows);
        let mut painter = Painter::new(canvas);
        let mut log = shows_log.then(LogReader::new);
        let mut keyboard = keyboard;
        let mut chunk = Vec::with_capacity(CHUNK);
        let mut painted = chronos::clock::now();
        loop {
            if let Some(log) = &mut log {
                log.read(|line| console.terminal.log(line));
            }
            if let Some(keyboard) = &mut keyboard {
                // What finds no room in the line is lost, as on Linux.
                keyboard.read(console.terminal.modes(), |bytes| {
                    tty.receive_bytes(bytes);
                });
            }
            self.take(&mut chunk);
            console.feed(&chunk);
            console.terminal.take_answers(|bytes| {
                tty.receive_bytes(bytes);
            });
            self.finish();
            if !chunk.is_empty() {
                tty.continue_echo();
                tty.output_possible();
            }
            let now = chronos::clock::now();
            let more = self.has_output();
            if !more || now >= painted + FRAME {
                painter.paint(&mut console.terminal);
                last_words::follow(console.terminal.cursor_row());
                painted = now;
            }
            if !more {
                self.wait(keyboard.as_ref(), log.is_some().then(|| now + LOOK_AT_LOG));
            }
        }
    }

    fn wait(&self, keyboard: Option<&Keyboard>, deadline: Option<Instant>) {
        let active = || (self.has_output() || keyboard.is_some_and(Keyboard::has_bytes)).then_some(());
        // Nobody kills a kernel thread, and it may wait for ever; the deadline is there to look at the log.
        let _ = self.active.wait(WaitKind::Killable, deadline, active);
    }
}

/// The terminal's side.
pub(super) struct StationDriver {
    pub station: Arc<Station>,
}

impl Driver for StationDriver {
    fn write(&self, bytes: &[u8]) -> usize {
        let count = {
            let mut output = self.station.output.lock();
            let count = bytes.len().min(RING.saturating_sub(output.ring.len()));
            output.ring.extend(bytes.iter().take(count));
            count
        };
        self.station.wake();
        count
    }

    fn room(&self) -> usize {
        RING.saturating_sub(self.station.output.lock().ring.len())
    }

    fn pending(&self) -> usize {
        let output = self.station.output.lock();
        output.ring.len() + output.in_hand
    }

    fn flush_output(&self) {
        self.station.output.lock().ring.clear();
    }

    fn set_stopped(&self, stopped: bool) {
        self.station.output.lock().stopped = stopped;
        self.station.wake();
    }

    fn ioctl(&self, call: &Ioctl<'_>) -> Result<i64, Errno> {
        ioctl::answer(call)
    }
}
