//! Serial ports: 16550 UARTs, driven by interrupts (National Semiconductor PC16550D data sheet).
//!
//! An interrupt moves bytes between the device and two rings. A thread per port takes what was received to the terminal's
//! line, where echo and signals happen. Transmission is pumped by the "transmitter empty" interrupt, which is enabled only
//! while there is something to send.

use core::sync::atomic::{AtomicBool, Ordering};

use abi::poll::PollEvents;
use abi::tty::{ControlFlags, Termios, modem};
use abi::{DeviceNumber, Errno, Mode};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::inode::FileKind;
use chroma::node::DeviceOpen;
use chroma::{FileOps, devfs};
use chronos::{Events, Policy, WaitKind, WaitQueue};
use hal::uart::Uart;
use hal::{Once, SpinLock};

use crate::lock_classes;
use crate::registry::{self, Driver as DeviceDriver};
use crate::tty::line::Condition;
use crate::tty::{self, Driver, Tty, settings};

const MAJOR: u16 = 4;
const FIRST_MINOR: u32 = 64;
/// Linux's speed of a port that nobody has set: 9600.
const B9600: ControlFlags = ControlFlags::from_bits_retain(0o15);

/// Bytes in a ring.
const RING: usize = 4096;
/// Bytes that the device's own queue takes.
const FIFO: usize = 16;

mod register {
    pub const DATA: u8 = 0;
    pub const INTERRUPT_ENABLE: u8 = 1;
    /// Writing.
    pub const FIFO_CONTROL: u8 = 2;
    /// Reading.
    pub const INTERRUPT_IDENTITY: u8 = 2;
    pub const LINE_CONTROL: u8 = 3;
    pub const MODEM_CONTROL: u8 = 4;
    pub const LINE_STATUS: u8 = 5;
    pub const MODEM_STATUS: u8 = 6;
}

const ON_RECEIVED: u8 = 1;
const ON_TRANSMITTER_EMPTY: u8 = 2;
const ON_LINE_STATUS: u8 = 4;

const DATA_READY: u8 = 1;
const DAMAGED: u8 = 4 | 8;
const BREAK: u8 = 16;
const TRANSMITTER_EMPTY: u8 = 32;
const ALL_SENT: u8 = 64;

/// FIFOs on and emptied, an interrupt at eight received bytes (or when the line falls silent).
const FIFO_SETUP: u8 = 0b1000_0111;
const EIGHT_BITS: u8 = 3;
const DIVISOR_ACCESS: u8 = 0x80;
const SEND_BREAK: u8 = 0x40;
const DTR: u8 = 1;
const RTS: u8 = 2;
/// On a PC this gate lets the port's interrupts through.
const OUT2: u8 = 8;

/// The rings and what the device was told; the interrupt handler uses it too.
struct State {
    sending: VecDeque<u8>,
    received: VecDeque<(u8, Condition)>,
    interrupts: u8,
    line_control: u8,
    stopped: bool,
}

/// A port.
struct Port {
    uart: Uart,
    state: SpinLock<State>,
    /// Woken when something was received, or the transmitter has room again.
    active: WaitQueue,
    /// There is room in the ring that writers and echo were not told of.
    has_room: AtomicBool,
}

const ACTIVE: Events = Events::from_bits_retain(PollEvents::READABLE.bits());

impl Port {
    fn new(uart: Uart) -> Arc<Port> {
        let state = State {
            // Reserved now: the interrupt handler must not allocate.
            sending: VecDeque::with_capacity(RING),
            received: VecDeque::with_capacity(RING),
            interrupts: ON_RECEIVED | ON_LINE_STATUS,
            line_control: EIGHT_BITS,
            stopped: false,
        };
        Arc::new(Port {
            uart,
            state: SpinLock::new(&lock_classes::PORT, state),
            active: WaitQueue::new(),
            has_room: AtomicBool::new(false),
        })
    }

    fn start(&self) {
        let uart = &self.uart;
        uart.write(register::INTERRUPT_ENABLE, 0);
        uart.write(register::FIFO_CONTROL, FIFO_SETUP);
        uart.write(register::LINE_CONTROL, EIGHT_BITS | DIVISOR_ACCESS);
        // 115200 bits a second; with the divisor accessible these two registers are its halves.
        uart.write(register::DATA, 1);
        uart.write(register::INTERRUPT_ENABLE, 0);
        uart.write(register::LINE_CONTROL, EIGHT_BITS);
        uart.write(register::MODEM_CONTROL, DTR | RTS | OUT2);
        let state = self.state.lock_irq();
        uart.write(register::INTERRUPT_ENABLE, state.interrupts);
    }

    /// Serves the device; says whether it had anything. Runs in an interrupt.
    fn interrupt(&self) -> bool {
        /// The identity's lowest bit is set when nothing is pending.
        const NOTHING: u8 = 1;
        if self.uart.read(register::INTERRUPT_IDENTITY) & NOTHING != 0 {
            return false;
        }
        let mut wake = false;
        {
            let mut state = self.state.lock_irq();
            loop {
                let status = self.uart.read(register::LINE_STATUS);
                if status & DATA_READY == 0 {
                    break;
                }
                if state.received.len() >= RING {
                    // What is not read stays in the device, and holds the sender up, until there is room again.
                    self.listen(&mut state, false);
                    break;
                }
                let byte = self.uart.read(register::DATA);
                let condition = match status {
                    s if s & BREAK != 0 => Condition::Break,
                    s if s & DAMAGED != 0 => Condition::Damaged,
                    _ => Condition::Good,
                };
                state.received.push_back((byte, condition));
                wake = true;
            }
            wake |= self.pump(&mut state);
            // Reading it ends the interrupt of the modem lines, which nobody asked for.
            self.uart.read(register::MODEM_STATUS);
        }
        if wake {
            self.active.wake_all(ACTIVE);
        }
        true
    }

    /// Lets the device interrupt for what it received, or keep it.
    fn listen(&self, state: &mut State, on: bool) {
        state.interrupts = if on { state.interrupts | ON_RECEIVED } else { state.interrupts & !ON_RECEIVED };
        self.uart.write(register::INTERRUPT_ENABLE, state.interrupts);
    }

    /// Gives the device what it takes; says whether the ring has much room again.
    fn pump(&self, state: &mut State) -> bool {
        let before = state.sending.len();
        if !state.stopped && self.uart.read(register::LINE_STATUS) & TRANSMITTER_EMPTY != 0 {
            for _ in 0..FIFO {
                let Some(byte) = state.sending.pop_front() else { break };
                self.uart.write(register::DATA, byte);
            }
        }
        let busy = !state.sending.is_empty() && !state.stopped;
        let wanted = if busy {
            state.interrupts | ON_TRANSMITTER_EMPTY
        } else {
            state.interrupts & !ON_TRANSMITTER_EMPTY
        };
        if wanted != state.interrupts {
            state.interrupts = wanted;
            self.uart.write(register::INTERRUPT_ENABLE, wanted);
        }
        /// Writers are woken when this much is left to send: not for every byte.
        const LOW_WATER: usize = 256;
        let woken =
            before > LOW_WATER && state.sending.len() <= LOW_WATER || before > 0 && state.sending.is_empty();
        if woken {
            self.has_room.store(true, Ordering::Release);
        }
        woken
    }

    /// What the port's thread does: takes what was received to the terminal, and tells writers of room.
    fn serve(&self, tty: &Tty) {
        loop {
            let active = || {
                let received = !self.state.lock_irq().received.is_empty();
                (received || self.has_room.load(Ordering::Acquire)).then_some(())
            };
            // Nothing interrupts a kernel thread.
            let _ = self.active.wait(WaitKind::Uninterruptible, None, active);
            if self.has_room.swap(false, Ordering::AcqRel) {
                tty.continue_echo();
                tty.output_possible();
            }
            self.deliver(tty);
        }
    }

    fn deliver(&self, tty: &Tty) {
        loop {
            let mut chunk = [(0, Condition::Good); 64];
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
                if state.interrupts & ON_RECEIVED == 0 && state.received.len() <= RING / 2 {
                    self.listen(&mut state, true);
                }
            }
            if taken < count {
                tty.wait_for_room();
            }
        }
    }
}

/// The terminal's side of a port.
struct PortDriver {
    port: Arc<Port>,
}

impl Driver for PortDriver {
    fn write(&self, bytes: &[u8]) -> usize {
        let mut state = self.port.state.lock_irq();
        let count = bytes.len().min(RING.saturating_sub(state.sending.len()));
        state.sending.extend(bytes.iter().take(count));
        self.port.pump(&mut state);
        count
    }

    fn room(&self) -> usize {
        RING.saturating_sub(self.port.state.lock_irq().sending.len())
    }

    fn pending(&self) -> usize {
        let left = self.port.state.lock_irq().sending.len();
        let sent = self.port.uart.read(register::LINE_STATUS) & ALL_SENT != 0;
        // The last bytes are in the device, which tells when it is done but not how many they are.
        if left == 0 && !sent { 0 } else { left }
    }

    fn flush_output(&self) {
        let mut state = self.port.state.lock_irq();
        state.sending.clear();
        self.port.pump(&mut state);
        self.port.has_room.store(true, Ordering::Release);
    }

    fn set_stopped(&self, stopped: bool) {
        let mut state = self.port.state.lock_irq();
        state.stopped = stopped;
        self.port.pump(&mut state);
    }

    fn send_urgent(&self, byte: u8) {
        let mut state = self.port.state.lock_irq();
        if state.sending.len() < RING {
            state.sending.push_front(byte);
        }
        self.port.pump(&mut state);
    }

    fn settings_changed(&self, _: &Termios) {
        // The line is virtual or short: every speed and frame is the fastest one, as the settings only describe it.
    }

    fn set_break(&self, on: bool) {
        let mut state = self.port.state.lock_irq();
        state.line_control = if on { EIGHT_BITS | SEND_BREAK } else { EIGHT_BITS };
        self.port.uart.write(register::LINE_CONTROL, state.line_control);
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
}

static TERMINALS: Once<Vec<Arc<Tty>>> = Once::new();

/// The terminal of serial port `index`.
pub fn terminal(index: usize) -> Option<&'static Arc<Tty>> {
    TERMINALS.get()?.get(index)
}

struct Serial;

impl DeviceDriver for Serial {
    fn open(&self, open: &DeviceOpen<'_>) -> Result<Box<dyn FileOps>, Errno> {
        let index = open.number.minor().checked_sub(FIRST_MINOR).ok_or(Errno::ENXIO)?;
        let tty = terminal(index as usize).ok_or(Errno::ENXIO)?;
        tty::open(tty, open.flags, open.cred, true)
    }
}

/// Finds the ports and gives each a terminal, a node, an interrupt and a thread.
pub(crate) fn start() -> Result<(), Errno> {
    let mut ports: Vec<Arc<Port>> = Vec::new();
    let mut terminals = Vec::new();
    for index in 0..hal::uart::count() {
        let Some(uart) = hal::uart::claim(index) else { continue };
        let port = Port::new(uart);
        let minor = FIRST_MINOR + index as u32;
        let number = DeviceNumber::new(MAJOR, minor);
        let name = alloc::format!("ttyS{index}");
        devfs::add(&name, FileKind::CharDevice, number, Mode(0o660))?;
        let termios = settings::initial(B9600 | ControlFlags::CLOCAL);
        let tty = Tty::new(name.clone(), number, Box::new(PortDriver { port: port.clone() }), termios);
        let (served, server) = (port.clone(), tty.clone());
        chronos::thread::spawn(&name, Policy::NORMAL, move || served.serve(&server))
            .map_err(|_| Errno::ENOMEM)?;
        terminals.push(tty);
        ports.push(port);
    }
    let found = ports.len();
    attach_interrupts(&ports);
    ports.iter().for_each(|port| port.start());
    // Only called once, at bring-up.
    let _ = TERMINALS.set(terminals);
    registry::register("ttyS", MAJOR, FIRST_MINOR, FIRST_MINOR + 3, &Serial);
    hal::info!("serial", "{found} ports");
    Ok(())
}

/// One handler a line: the first and third port share one, as do the others. The lines are edge-triggered, so the handler
/// goes round until no port has anything left.
fn attach_interrupts(ports: &[Arc<Port>]) {
    let mut lines: Vec<u8> = ports.iter().map(|port| port.uart.irq_line()).collect();
    lines.sort_unstable();
    lines.dedup();
    for line in lines {
        let sharers: Vec<_> = ports.iter().filter(|port| port.uart.irq_line() == line).cloned().collect();
        let handler = move || {
            // Every port is asked in each round; `any` would stop at the first that was busy.
            while sharers.iter().filter(|port| port.interrupt()).count() > 0 {}
        };
        if hal::irq::set_handler(line, Box::new(handler)).is_err() {
            hal::warn!("serial", "interrupt line {line} is not available");
        }
    }
}
