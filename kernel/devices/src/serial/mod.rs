//! Serial ports: 16550 UARTs, driven by interrupts.
//!
//! An interrupt moves bytes between the device and two rings ([`port`]). A thread per port takes what was received to the
//! terminal's line, where echo and signals happen. Transmission is pumped by the "transmitter empty" interrupt, which is
//! enabled only while there is something to send.

mod driver;
mod port;
mod register;
#[cfg(test)]
mod tests;

use abi::tty::ControlFlags;
use abi::{DeviceNumber, Errno, Mode};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::inode::FileKind;
use chroma::node::DeviceOpen;
use chroma::{FileOps, devfs};
use chronos::Policy;
use hal::Once;

use crate::registry::{self, Driver as DeviceDriver};
use crate::tty::{self, Tty, settings};
use driver::PortDriver;
use port::Port;

const MAJOR: u16 = 4;
const FIRST_MINOR: u32 = 64;
/// Linux's speed of a port that nobody has set: 9600.
const B9600: ControlFlags = ControlFlags::from_bits_retain(0o15);

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
