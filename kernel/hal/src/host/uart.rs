//! Serial ports: the simulated machine has none.

/// A 16550 serial port, by its registers.
pub struct Uart;

impl Uart {
    /// The interrupt line (ISA numbering).
    pub fn irq_line(&self) -> u8 {
        0
    }

    /// Reads one of the eight registers.
    pub fn read(&self, _register: u8) -> u8 {
        0
    }

    /// Writes one of the eight registers.
    pub fn write(&self, _register: u8, _value: u8) {}
}

/// How many ports were found.
pub fn count() -> usize {
    0
}

/// Takes a port, once; `None` when there is no such port or it was taken.
pub fn claim(_index: usize) -> Option<Uart> {
    None
}
