//! Terminals: a line discipline between a device and its readers and writers.
//!
//! [`Tty`] joins the [`line::Line`] (pure state, under a spinlock), a [`Driver`] (a serial port, the other side of a
//! pseudo-terminal), and the session that the terminal controls. Input arrives in [`Tty::receive`], in a thread. Signals are
//! sent, and sleepers woken, after the line's lock is released.

mod control;
mod file;
pub(crate) mod ioctl;
pub mod line;
pub mod settings;

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use abi::poll::PollEvents;
use abi::tty::{Termios, Winsize};
use abi::{DeviceNumber, Errno};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use chroma::file::Ioctl;
use chronos::{Events, Mutex, WaitQueue};
use hal::SpinLock;

use crate::job::{self, GroupId, SessionId};
use crate::lock_classes;
use line::{Condition, Effects, Flow, Line, Out};

pub use control::open_controlling;
pub use file::{OpenTty, open};

/// A terminal's device. Called with the line's spinlock held, so nothing here may sleep.
pub trait Driver: Send + Sync {
    /// Takes output; gives how many bytes it took (all, if [`Driver::room`] said so).
    fn write(&self, bytes: &[u8]) -> usize;

    /// How many bytes it would take now.
    fn room(&self) -> usize;

    /// How many bytes it took and has not given to the device (`TIOCOUTQ`).
    fn pending(&self) -> usize;

    /// Whether the device has sent all that it was given.
    fn all_sent(&self) -> bool {
        true
    }

    /// Throws away what it has not sent.
    fn flush_output(&self);

    /// Stops or continues sending (`^S`, `^Q`).
    fn set_stopped(&self, _stopped: bool) {}

    /// The settings changed.
    fn settings_changed(&self, _new: &Termios) {}

    /// Something a packet-mode master wants to know happened.
    fn packet_event(&self, _event: u8) {}

    /// Sends a byte ahead of what waits (`^S`, `^Q` to the other side).
    fn send_urgent(&self, byte: u8) {
        self.write(&[byte]);
    }

    /// Puts the line into the break condition, or out of it.
    fn set_break(&self, _on: bool) {}

    /// The modem lines, as `TIOCMGET` tells them; `None` if it has none.
    fn modem(&self) -> Option<u32> {
        None
    }

    /// Sets modem lines.
    fn set_modem(&self, _lines: u32) {}

    /// The first user came, or the last one went.
    fn in_use(&self, _used: bool) {}

    /// Somebody read from the line, which may take input again. Called in a thread, with no lock held: may sleep.
    fn input_possible(&self, _tty: &Tty) {}

    /// Answers a request that only some devices know. Unlike the others called with no lock held: may sleep.
    fn ioctl(&self, _call: &Ioctl<'_>) -> Result<i64, Errno> {
        Err(Errno::ENOTTY)
    }

    /// Whether it is the slave of a pseudo-terminal.
    fn is_pty(&self) -> bool {
        false
    }
}

/// The session that a terminal controls, and its foreground process group.
#[derive(Clone, Copy, Default)]
struct Control {
    session: Option<SessionId>,
    foreground: Option<GroupId>,
}

/// A terminal.
pub struct Tty {
    name: String,
    number: DeviceNumber,
    driver: Box<dyn Driver>,
    line: SpinLock<Line>,
    control: SpinLock<Control>,
    window: SpinLock<Winsize>,
    readable: Arc<WaitQueue>,
    writable: Arc<WaitQueue>,
    reading: Mutex<()>,
    writing: Mutex<()>,
    /// How often it was hung up: what was opened before the last time is dead.
    hang_ups: AtomicU32,
    users: AtomicU32,
    exclusive: AtomicBool,
    /// The other side of a pseudo-terminal is gone.
    cut_off: AtomicBool,
}

const READABLE: Events = Events::from_bits_retain(PollEvents::READABLE.bits());
const WRITABLE: Events = Events::from_bits_retain(PollEvents::WRITABLE.bits());

impl Tty {
    /// A terminal named `name` (below `/dev`) on a driver.
    pub fn new(name: String, number: DeviceNumber, driver: Box<dyn Driver>, termios: Termios) -> Arc<Tty> {
        Arc::new(Tty {
            name,
            number,
            driver,
            line: SpinLock::new(&lock_classes::LINE, Line::new(termios)),
            control: SpinLock::new(&lock_classes::CONTROL, Control::default()),
            window: SpinLock::new(&lock_classes::CONTROL, Winsize::default()),
            readable: Arc::new(WaitQueue::new()),
            writable: Arc::new(WaitQueue::new()),
            reading: Mutex::new(&lock_classes::READING, ()),
            writing: Mutex::new(&lock_classes::WRITING, ()),
            hang_ups: AtomicU32::new(0),
            users: AtomicU32::new(0),
            exclusive: AtomicBool::new(false),
            cut_off: AtomicBool::new(false),
        })
    }

    /// Its name below `/dev`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its device number, as `/proc/PID/stat` shows it.
    pub fn number(&self) -> DeviceNumber {
        self.number
    }

    /// The session it controls.
    pub fn session(&self) -> Option<SessionId> {
        self.control.lock().session
    }

    /// Its foreground process group.
    pub fn foreground(&self) -> Option<GroupId> {
        self.control.lock().foreground
    }

    /// Takes input from the device; gives how many bytes it took. Fewer than all means that there is no room until a reader
    /// comes, which [`Driver::input_possible`] tells. Sends signals.
    pub fn receive(&self, bytes: &[(u8, Condition)]) -> usize {
        self.receive_each(bytes.iter().copied())
    }

    /// As [`Tty::receive`] for bytes without damage.
    pub fn receive_bytes(&self, bytes: &[u8]) -> usize {
        self.receive_each(bytes.iter().map(|byte| (*byte, Condition::Good)))
    }

    fn receive_each(&self, bytes: impl Iterator<Item = (u8, Condition)>) -> usize {
        let mut effects = Effects::default();
        let mut taken = 0;
        {
            let mut line = self.line.lock();
            for (byte, condition) in bytes {
                if line.room() == 0 {
                    break;
                }
                line.receive(byte, condition, &mut effects);
                taken += 1;
                if core::mem::take(&mut effects.flush_output) {
                    self.driver.flush_output();
                    self.output_possible();
                    self.driver.packet_event(ioctl::PACKET_FLUSH_READ | ioctl::PACKET_FLUSH_WRITE);
                }
            }
            self.apply_flow(&line, &mut effects);
            self.send_echo(&mut line);
        }
        self.finish(&effects);
        taken
    }

    /// Starts and stops the driver as the line says.
    fn apply_flow(&self, line: &Line, effects: &mut Effects) {
        if let Some(flow) = effects.flow.take() {
            self.driver.set_stopped(line.is_stopped());
            self.driver.packet_event(match flow {
                Flow::Stop => ioctl::PACKET_STOP,
                Flow::Go => ioctl::PACKET_START,
            });
            if flow == Flow::Go {
                self.output_possible();
            }
        }
        if let Some(stop) = effects.tell_to_stop.take()
            && let Some(byte) = settings::flow_character(line.termios(), stop)
        {
            self.driver.send_urgent(byte);
        }
    }

    /// Passes echo on, as far as the driver takes it.
    fn send_echo(&self, line: &mut Line) {
        while line.has_echo() {
            let room = self.driver.room().min(256);
            if room == 0 {
                return;
            }
            let mut chunk = [0; 256];
            let mut places = chunk.iter_mut();
            let count = line.take_echo(room, |byte| {
                if let Some(place) = places.next() {
                    *place = byte;
                }
            });
            self.driver.write(chunk.get(..count).unwrap_or_default());
        }
    }

    /// Does what may not be done under the line's lock.
    fn finish(&self, effects: &Effects) {
        for signal in effects.signals.iter().flatten() {
            if let (Some(job_control), Some(group)) = (job::control(), self.foreground()) {
                job_control.signal_group(group, *signal);
            }
        }
        if effects.wake_readers {
            self.readable.wake_all(READABLE);
        }
    }

    /// Called by the driver when it can take output again, with no lock held; may be called in an interrupt.
    pub fn output_possible(&self) {
        self.writable.wake_all(WRITABLE);
    }

    /// Called by the driver's thread after [`Tty::output_possible`]: passes on echo that found no room.
    pub fn continue_echo(&self) {
        let mut line = self.line.lock();
        if line.has_echo() {
            self.send_echo(&mut line);
        }
    }

    /// Whether the line takes input.
    pub fn has_input_room(&self) -> bool {
        self.line.lock().room() > 0
    }

    /// A reader took input.
    fn input_taken(&self, effects: &mut Effects) {
        {
            let line = self.line.lock();
            self.apply_flow(&line, effects);
        }
        self.driver.input_possible(self);
    }

    /// The other side of a pseudo-terminal went, or came.
    pub(crate) fn set_cut_off(&self, on: bool) {
        self.cut_off.store(on, Ordering::Release);
        if on {
            self.readable.wake_all(Events::all());
            self.writable.wake_all(Events::all());
        }
    }

    /// The settings.
    pub fn termios(&self) -> Termios {
        *self.line.lock().termios()
    }

    /// The size of its window.
    pub fn window(&self) -> Winsize {
        *self.window.lock()
    }

    /// Changes the size; a real change is a `SIGWINCH` to the foreground.
    pub fn set_window(&self, new: Winsize) {
        let old = core::mem::replace(&mut *self.window.lock(), new);
        if old != new
            && let (Some(job_control), Some(group)) = (job::control(), self.foreground())
        {
            job_control.signal_group(group, abi::Signal::SIGWINCH);
        }
    }

    /// Processes output of a writer as far as there is room; gives how many bytes went.
    fn output(&self, bytes: &[u8]) -> usize {
        let mut line = self.line.lock();
        self.send_echo(&mut line);
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            let mut out = Out::new();
            let taken = line.process(rest, self.driver.room(), &mut out);
            if out.len() > 0 {
                self.driver.write(out.bytes());
            }
            done += taken;
            if taken == 0 {
                break;
            }
        }
        done
    }
}
