//! Pseudo-terminals: a terminal whose device is a program.
//!
//! A [`Pty`] is the pair. Its slave is an ordinary [`Tty`] on a [`Slave`] driver; what is written there, processed, waits in a
//! ring for the master. What the master writes is the slave's input; as much as a line can't take yet waits as well, as in
//! Linux's flip buffers.

mod devpts;
mod master;
#[cfg(test)]
mod tests;

use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use abi::DeviceNumber;
use abi::poll::PollEvents;
use abi::tty::ControlFlags;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use chronos::{Events, Mutex, WaitQueue};
use hal::{Once, SpinLock};

use crate::lock_classes;
use crate::tty::{Driver, Tty, settings};

pub(crate) use devpts::{DevPts, Ptmx};

/// The major of slaves.
const MAJOR: u16 = 136;
/// Bytes that wait for the master.
const OUTPUT_LIMIT: usize = 16 * 1024;
/// What a pair takes of the kernel's memory beside the bytes that wait: two lines' buffers, inodes, queues.
const PAIR_BYTES: usize = 16 * 1024;
/// Bytes that wait for the slave's line.
const INPUT_LIMIT: usize = 64 * 1024;

const READABLE: Events = Events::from_bits_retain(PollEvents::READABLE.bits());
const WRITABLE: Events = Events::from_bits_retain(PollEvents::WRITABLE.bits());
const PRIORITY: Events = Events::from_bits_retain(PollEvents::READABLE.union(PollEvents::PRI).bits());

/// What master and slave share.
struct Shared {
    output: SpinLock<VecDeque<u8>>,
    input: SpinLock<VecDeque<u8>>,
    /// Held by who moves input to the line, so that it stays in order.
    feeding: Mutex<()>,
    /// Where the master waits, for reading and writing.
    master: Arc<WaitQueue>,
    master_open: AtomicBool,
    /// The slave was opened, and nobody has it open any more.
    slave_closed: AtomicBool,
    locked: AtomicBool,
    stopped: AtomicBool,
    packet_mode: AtomicBool,
    packet_events: AtomicU8,
}

/// A pair.
pub(crate) struct Pty {
    index: u32,
    shared: Arc<Shared>,
    slave: Once<Arc<Tty>>,
}

impl Pty {
    /// A pair. `ENOMEM`.
    fn new(index: u32) -> Result<Arc<Pty>, abi::Errno> {
        aegis::charge::admit(PAIR_BYTES)?;
        let mut output = VecDeque::new();
        aegis::charge::reserve_exact(&mut output, OUTPUT_LIMIT)?;
        let shared = Arc::new(Shared {
            output: SpinLock::new(&lock_classes::OUTPUT, output),
            input: SpinLock::new(&lock_classes::OUTPUT, VecDeque::new()),
            feeding: Mutex::new(&lock_classes::FEEDING, ()),
            master: Arc::new(WaitQueue::new()),
            master_open: AtomicBool::new(true),
            slave_closed: AtomicBool::new(false),
            locked: AtomicBool::new(true),
            stopped: AtomicBool::new(false),
            packet_mode: AtomicBool::new(false),
            packet_events: AtomicU8::new(0),
        });
        let number = DeviceNumber::new(MAJOR, index);
        let mut termios = settings::initial(ControlFlags::B38400);
        termios.c_cflag &= !ControlFlags::HUPCL.bits();
        let driver = Box::new(Slave { shared: shared.clone() });
        let tty = Tty::new(alloc::format!("pts/{index}"), number, driver, termios);
        let pty = Pty { index, shared, slave: Once::new() };
        // Fresh, so nobody else can have set it.
        let _ = pty.slave.set(tty);
        Ok(Arc::new(pty))
    }

    fn slave(&self) -> Result<&Arc<Tty>, abi::Errno> {
        self.slave.get().ok_or(abi::Errno::EIO)
    }
}

impl Shared {
    /// Moves waiting input to the line, as far as it takes it.
    fn feed(&self, tty: &Tty) {
        let _feeding = self.feeding.lock();
        loop {
            let mut chunk = [0; 256];
            let count = {
                let input = self.input.lock();
                chunk.iter_mut().zip(input.iter()).map(|(place, byte)| *place = *byte).count()
            };
            if count == 0 {
                return;
            }
            let taken = tty.receive_bytes(chunk.get(..count).unwrap_or_default());
            self.input.lock().drain(..taken);
            if taken > 0 {
                self.master.wake_all(WRITABLE);
            }
            if taken < count {
                return;
            }
        }
    }

    fn input_room(&self) -> usize {
        INPUT_LIMIT.saturating_sub(self.input.lock().len())
    }
}

/// The slave's device: the master.
struct Slave {
    shared: Arc<Shared>,
}

impl Driver for Slave {
    fn write(&self, bytes: &[u8]) -> usize {
        let shared = &self.shared;
        let count = {
            let mut output = shared.output.lock();
            // Room for all that may be there was made at first: what is not taken here is lost.
            let count = bytes.len().min(OUTPUT_LIMIT.saturating_sub(output.len()));
            output.extend(bytes.iter().take(count));
            count
        };
        if count > 0 {
            shared.master.wake_all(READABLE);
        }
        count
    }

    fn room(&self) -> usize {
        if self.shared.stopped.load(Ordering::Acquire) {
            return 0;
        }
        OUTPUT_LIMIT.saturating_sub(self.shared.output.lock().len())
    }

    fn pending(&self) -> usize {
        // What was given to the master counts as sent.
        0
    }

    fn flush_output(&self) {
        self.shared.output.lock().clear();
    }

    fn set_stopped(&self, stopped: bool) {
        self.shared.stopped.store(stopped, Ordering::Release);
    }

    fn packet_event(&self, event: u8) {
        let shared = &self.shared;
        if event == 0 || !shared.packet_mode.load(Ordering::Acquire) {
            return;
        }
        /// Pairs of which only the later one counts: stop and start, flow control by ^S and not.
        const OPPOSITES: [(u8, u8); 4] = [(4, 8), (8, 4), (16, 32), (32, 16)];
        let cancelled = OPPOSITES.iter().filter(|(on, _)| event & on != 0).fold(0, |all, (_, off)| all | off);
        let update = |now: u8| Some(now & !cancelled | event);
        let _ = shared.packet_events.fetch_update(Ordering::AcqRel, Ordering::Acquire, update);
        shared.master.wake_all(PRIORITY);
    }

    fn in_use(&self, used: bool) {
        self.shared.slave_closed.store(!used, Ordering::Release);
        if !used {
            self.shared.master.wake_all(Events::all());
        }
    }

    fn input_possible(&self, tty: &Tty) {
        if !self.shared.input.lock().is_empty() {
            self.shared.feed(tty);
        }
    }

    fn is_pty(&self) -> bool {
        true
    }
}
