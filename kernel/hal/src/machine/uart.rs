//! Serial ports: which there are, and access to their registers.

use core::sync::atomic::{AtomicBool, Ordering};

use super::port;

/// Base port and interrupt line (ISA numbering) of the four that a PC may have.
const PORTS: [(u16, u8); 4] = [(0x3f8, 4), (0x2f8, 3), (0x3e8, 4), (0x2e8, 3)];
const SCRATCH: u8 = 7;

static TAKEN: [AtomicBool; 4] = [const { AtomicBool::new(false) }; 4];

/// A 16550 serial port, by its registers. The first one is the kernel's console too, which writes to it with interrupts off
/// when it is ready, and leaves its other registers alone.
pub struct Uart {
    index: usize,
}

impl Uart {
    /// The interrupt line (ISA numbering).
    pub fn irq_line(&self) -> u8 {
        PORTS[self.index].1
    }

    /// Reads one of the eight registers.
    #[inline]
    pub fn read(&self, register: u8) -> u8 {
        // SAFETY: the ports belong to the device, which touches no memory.
        unsafe { port::read_u8(PORTS[self.index].0 + u16::from(register & 7)) }
    }

    /// Writes one of the eight registers.
    #[inline]
    pub fn write(&self, register: u8, value: u8) {
        // SAFETY: as in `read`.
        unsafe { port::write_u8(PORTS[self.index].0 + u16::from(register & 7), value) };
    }

    /// Says whether a device keeps what is written to its scratch register.
    fn is_there(&self) -> bool {
        [0x5a, 0xa5].into_iter().all(|value| {
            self.write(SCRATCH, value);
            self.read(SCRATCH) == value
        })
    }
}

/// How many ports were found: they are numbered from 0 without gaps.
pub fn count() -> usize {
    (0..PORTS.len()).take_while(|&index| Uart { index }.is_there()).count()
}

/// Takes a port, once; `None` when there is no such port or it was taken.
pub fn claim(index: usize) -> Option<Uart> {
    let taken = TAKEN.get(index)?;
    let uart = Uart { index };
    (uart.is_there() && !taken.swap(true, Ordering::Relaxed)).then_some(uart)
}
