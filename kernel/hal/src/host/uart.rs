//! Serial ports: the simulated machine has none of its own; a test makes one, and plays its other end.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const FIFO: usize = 16;
const TRIGGER: usize = 14;

/// What a 16550 with its queues on has in it.
#[derive(Default)]
struct Device {
    received: VecDeque<u8>,
    sending: VecDeque<u8>,
    enabled: u8,
    registers: [u8; 8],
    transmitter_interrupt: bool,
}

/// A 16550 serial port, by its registers.
#[derive(Clone)]
pub struct Uart {
    device: Arc<Mutex<Device>>,
}

impl Uart {
    fn device(&self) -> MutexGuard<'_, Device> {
        self.device.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The interrupt line (ISA numbering).
    pub fn irq_line(&self) -> u8 {
        4
    }

    /// Reads one of the eight registers.
    pub fn read(&self, register: u8) -> u8 {
        let mut device = self.device();
        match register {
            0 => device.received.pop_front().unwrap_or(0),
            1 => device.enabled,
            2 => device.identity(),
            5 => {
                let sent = if device.sending.is_empty() { 0x60 } else { 0 };
                sent | u8::from(!device.received.is_empty())
            }
            _ => device.registers.get(usize::from(register)).copied().unwrap_or(0),
        }
    }

    /// Writes one of the eight registers.
    pub fn write(&self, register: u8, value: u8) {
        let mut device = self.device();
        let divisor = device.registers[3] & 0x80 != 0;
        match register {
            0 | 1 if divisor => {}
            0 => {
                assert!(device.sending.len() < FIFO, "the transmitter overflows");
                device.sending.push_back(value);
                device.transmitter_interrupt = false;
            }
            1 => {
                device.transmitter_interrupt |= value & !device.enabled & 2 != 0 && device.sending.is_empty();
                device.enabled = value;
            }
            _ => {
                if let Some(place) = device.registers.get_mut(usize::from(register)) {
                    *place = value;
                }
            }
        }
    }
}

impl Device {
    /// What interrupts, by priority: reading it ends the transmitter's.
    fn identity(&mut self) -> u8 {
        let receives = self.enabled & 1 != 0 && !self.received.is_empty();
        match () {
            () if receives && self.received.len() >= TRIGGER => 0xc4,
            () if receives => 0xcc,
            () if self.enabled & 2 != 0 && core::mem::take(&mut self.transmitter_interrupt) => 0xc2,
            () => 0xc1,
        }
    }
}

/// The other end of a simulated port.
pub struct FarEnd(Uart);

impl FarEnd {
    /// Sends what the device has room for; says how many bytes that was.
    pub fn send(&self, bytes: &[u8]) -> usize {
        let mut device = self.0.device();
        let count = bytes.len().min(FIFO - device.received.len());
        device.received.extend(&bytes[..count]);
        count
    }

    /// Takes what the device sends.
    pub fn receive(&self) -> Vec<u8> {
        let mut device = self.0.device();
        device.transmitter_interrupt |= !device.sending.is_empty();
        device.sending.drain(..).collect()
    }
}

/// A port and its other end.
pub(super) fn pair() -> (Uart, FarEnd) {
    let uart = Uart { device: Arc::default() };
    (uart.clone(), FarEnd(uart))
}

/// How many ports were found.
pub fn count() -> usize {
    0
}

/// Takes a port, once; `None` when there is no such port or it was taken.
pub fn claim(_index: usize) -> Option<Uart> {
    None
}
