//! One port: its device, its rings, and the thread between them and the terminal.

use core::sync::atomic::{AtomicBool, Ordering};

use abi::poll::PollEvents;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use chronos::{Events, WaitKind, WaitQueue};
use hal::SpinLock;
use hal::uart::Uart;

use super::register::{self, FIFO, TRIGGER, identity, on, status};
use crate::lock_classes;
use crate::tty::Tty;
use crate::tty::line::Condition;

/// Bytes in a ring.
pub(super) const RING: usize = 4096;

/// The rings and what the device was told; the interrupt handler uses it too.
pub(super) struct State {
    pub sending: VecDeque<u8>,
    pub received: VecDeque<(u8, Condition)>,
    interrupts: u8,
    pub stopped: bool,
}

/// A port.
pub(super) struct Port {
    pub uart: Uart,
    pub state: SpinLock<State>,
    /// Where the port's thread waits for something to do.
    active: WaitQueue,
    /// There is room in the ring that writers and echo were not told of.
    has_room: AtomicBool,
    /// The line did not take all that was received: who reads from it has to tell.
    line_is_full: AtomicBool,
}

const ACTIVE: Events = Events::from_bits_retain(PollEvents::READABLE.bits());

impl Port {
    pub(super) fn new(uart: Uart) -> Arc<Port> {
        let state = State {
            // Reserved now: the interrupt handler must not allocate.
            sending: VecDeque::with_capacity(RING),
            received: VecDeque::with_capacity(RING),
            interrupts: on::RECEIVED | on::LINE_STATUS,
            stopped: false,
        };
        Arc::new(Port {
            uart,
            state: SpinLock::new(&lock_classes::PORT, state),
            active: WaitQueue::new(),
            has_room: AtomicBool::new(false),
            line_is_full: AtomicBool::new(false),
        })
    }

    pub(super) fn start(&self) {
        let uart = &self.uart;
        uart.write(register::INTERRUPT_ENABLE, 0);
        uart.write(register::FIFO_CONTROL, register::FIFO_SETUP);
        uart.write(register::LINE_CONTROL, register::EIGHT_BITS | register::DIVISOR_ACCESS);
        // 115200 bits a second; with the divisor accessible these two registers are its halves.
        uart.write(register::DATA, 1);
        uart.write(register::INTERRUPT_ENABLE, 0);
        uart.write(register::LINE_CONTROL, register::EIGHT_BITS);
        uart.write(register::MODEM_CONTROL, register::DTR | register::RTS | register::OUT2);
        let state = self.state.lock_irq();
        uart.write(register::INTERRUPT_ENABLE, state.interrupts);
    }

    /// Serves the device; says whether it had anything. Runs in an interrupt.
    pub(super) fn interrupt(&self) -> bool {
        let identity = self.uart.read(register::INTERRUPT_IDENTITY);
        if identity & identity::NOTHING != 0 {
            return false;
        }
        let wake = {
            let mut state = self.state.lock_irq();
            let (before, queued) = (state.received.len(), state.sending.len());
            self.take_received(&mut state, identity);
            self.pump(&mut state);
            self.note_room(queued, state.sending.len()) || state.received.len() > before
        };
        if wake {
            self.active.wake_all(ACTIVE);
        }
        true
    }

    /// Takes what the device received into the ring.
    fn take_received(&self, state: &mut State, identity: u8) {
        // So many need not be asked for one by one: reading a register is what takes the time.
        let mut sure = if identity & identity::KIND == identity::TRIGGER { TRIGGER } else { 0 };
        loop {
            let line = self.uart.read(register::LINE_STATUS);
            if line & status::DATA_READY == 0 {
                return;
            }
            let condition = match line {
                s if s & status::BREAK != 0 => Condition::Break,
                s if s & status::DAMAGED != 0 => Condition::Damaged,
                _ => Condition::Good,
            };
            let count = if line & status::SPECIAL == 0 { core::mem::take(&mut sure).max(1) } else { 1 };
            if state.received.len() + count > RING {
                // What is not read stays in the device, and holds the sender up, until there is room again.
                return self.enable(state, on::RECEIVED, false);
            }
            for _ in 0..count {
                state.received.push_back((self.uart.read(register::DATA), condition));
            }
        }
    }

    /// Lets the device interrupt for something, or not.
    fn enable(&self, state: &mut State, event: u8, wanted: bool) {
        let interrupts = if wanted { state.interrupts | event } else { state.interrupts & !event };
        if interrupts != state.interrupts {
            state.interrupts = interrupts;
            self.uart.write(register::INTERRUPT_ENABLE, interrupts);
        }
    }

    /// Changes what is to be sent, and sees to it that the device gets it.
    pub(super) fn send<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let (result, room) = {
            let mut state = self.state.lock_irq();
            let before = state.sending.len();
            let result = change(&mut state);
            // While the device announces its end by an interrupt, it has something to do.
            if state.interrupts & on::TRANSMITTER_EMPTY == 0 || state.stopped {
                self.pump(&mut state);
            }
            (result, self.note_room(before, state.sending.len()))
        };
        if room {
            self.active.wake_all(ACTIVE);
        }
        result
    }

    /// Gives the device what it takes.
    fn pump(&self, state: &mut State) {
        let ready = || self.uart.read(register::LINE_STATUS) & status::TRANSMITTER_EMPTY != 0;
        if !state.sending.is_empty() && !state.stopped && ready() {
            let count = state.sending.len().min(FIFO);
            for byte in state.sending.drain(..count) {
                self.uart.write(register::DATA, byte);
            }
        }
        let busy = !state.sending.is_empty() && !state.stopped;
        self.enable(state, on::TRANSMITTER_EMPTY, busy);
    }

    /// Notes that the ring got room if writers should know, and says so: not for every byte.
    fn note_room(&self, before: usize, now: usize) -> bool {
        /// They do when this much is left to send.
        const LOW_WATER: usize = 256;
        let much = before > LOW_WATER && now <= LOW_WATER || before > 0 && now == 0;
        if much {
            self.has_room.store(true, Ordering::Release);
        }
        much
    }

    /// Called when somebody read from the line.
    pub(super) fn line_has_room(&self) {
        if self.line_is_full.swap(false, Ordering::SeqCst) {
            self.active.wake_all(ACTIVE);
        }
    }

    /// What the port's thread does: takes what was received to the terminal, and tells writers of room. It waits for both
    /// at once: who has to read before there is room for input may be waiting to write.
    pub(super) fn serve(&self, tty: &Tty) {
        loop {
            let active = || {
                if self.has_room.load(Ordering::Acquire) {
                    return Some(());
                }
                if self.state.lock_irq().received.is_empty() {
                    return None;
                }
                // Noted before the line is asked: who reads from it in between tells, or is seen.
                self.line_is_full.store(true, Ordering::SeqCst);
                tty.has_input_room().then_some(())
            };
            // Nobody kills a kernel thread. It may wait for ever, which one that cannot be killed is not expected to.
            let _ = self.active.wait(WaitKind::Killable, None, active);
            self.tell_writers(tty);
            self.deliver(tty);
        }
    }

    /// Tells those who write to the terminal of room that they were not told of.
    pub(super) fn tell_writers(&self, tty: &Tty) {
        if self.has_room.swap(false, Ordering::AcqRel) {
            tty.continue_echo();
            tty.output_possible();
        }
    }

    /// Takes what was received to the terminal, as much as it takes.
    pub(super) fn deliver(&self, tty: &Tty) {
        loop {
            let mut chunk = [(0, Condition::Good); 256];
            let count = {
                let state = self.state.lock_irq();
                chunk.iter_mut().zip(state.received.iter()).map(|(place, byte)| *place = *byte).count()
            };
            if count == 0 {
                return;
            }
            let taken = tty.receive(chunk.get(..count).unwrap_or_default());
            {
                let mut state = self.state.lock_irq();
                state.received.drain(..taken);
                if state.received.len() <= RING / 2 {
                    self.enable(&mut state, on::RECEIVED, true);
                }
            }
            if taken < count {
                self.line_is_full.store(true, Ordering::SeqCst);
                return;
            }
        }
    }
}
