//! The kernel's console: the first UART, by polling.

use core::fmt::{self, Write};

use super::port;

const COM1: u16 = 0x3f8;
const LINE_STATUS: u16 = COM1 + 5;
const TRANSMITTER_EMPTY: u8 = 1 << 5;

struct Uart;

impl Write for Uart {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                send(b'\r');
            }
            send(byte);
        }
        Ok(())
    }
}

fn send(byte: u8) {
    // SAFETY: the UART's registers have no effect on memory.
    unsafe {
        while port::read_u8(LINE_STATUS) & TRANSMITTER_EMPTY == 0 {
            core::hint::spin_loop();
        }
        port::write_u8(COM1, byte);
    }
}

/// Prints formatted text; a line feed becomes carriage return and line feed.
pub fn print(text: fmt::Arguments<'_>) {
    let _ = Uart.write_fmt(text); // `Uart` never fails
}
