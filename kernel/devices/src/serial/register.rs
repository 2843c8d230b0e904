//! The registers of a 16550 and what their bits mean (National Semiconductor PC16550D data sheet, section 8).

/// Received bytes on reading, bytes to send on writing.
pub const DATA: u8 = 0;
/// Which events interrupt.
pub const INTERRUPT_ENABLE: u8 = 1;
/// Writing.
pub const FIFO_CONTROL: u8 = 2;
/// Reading.
pub const INTERRUPT_IDENTITY: u8 = 2;
/// The frame of a byte, the break condition, and what the first two registers are.
pub const LINE_CONTROL: u8 = 3;
/// Outgoing modem lines.
pub const MODEM_CONTROL: u8 = 4;
/// What was received, and what can be sent.
pub const LINE_STATUS: u8 = 5;
/// Incoming modem lines.
pub const MODEM_STATUS: u8 = 6;

/// Interrupts to enable.
pub mod on {
    pub const RECEIVED: u8 = 1;
    pub const TRANSMITTER_EMPTY: u8 = 2;
    pub const LINE_STATUS: u8 = 4;
}

/// Interrupts that are pending.
pub mod identity {
    /// None is.
    pub const NOTHING: u8 = 1;
    /// The bits that say which is.
    pub const KIND: u8 = 0b1111;
    /// As many bytes were received as the trigger says, at least.
    pub const TRIGGER: u8 = 0b0100;
}

/// States of the line.
pub mod status {
    pub const DATA_READY: u8 = 1;
    pub const DAMAGED: u8 = 4 | 8;
    pub const BREAK: u8 = 16;
    pub const TRANSMITTER_EMPTY: u8 = 32;
    pub const ALL_SENT: u8 = 64;
    /// Anything that concerns one byte and not another: overrun, parity, frame, break, and that there is one in the FIFO.
    pub const SPECIAL: u8 = 0b1001_1110;
}

/// Bytes that the device's transmitter takes when it is empty.
pub const FIFO: usize = 16;
/// Received bytes that interrupt; fewer do when the line falls silent. The largest of the four choices: an interrupt costs
/// more than the bytes it brings, and at the highest speed two bytes still leave 170 µs to serve it.
pub const TRIGGER: usize = 14;
/// FIFOs on and emptied, with that trigger.
pub const FIFO_SETUP: u8 = 0b1100_0111;

/// Frames of eight bits, no parity, one stop bit.
pub const EIGHT_BITS: u8 = 3;
/// The first two registers are the divisor.
pub const DIVISOR_ACCESS: u8 = 0x80;
/// Line control: the break condition.
pub const SEND_BREAK: u8 = 0x40;

/// Modem control.
pub const DTR: u8 = 1;
/// Modem control.
pub const RTS: u8 = 2;
/// Modem control: on a PC this gate lets the port's interrupts through.
pub const OUT2: u8 = 8;
