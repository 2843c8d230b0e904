//! The kernel's console: the first UART, by polling. In a panic also the screen, where there is one.

use super::port;
use crate::{LockClass, Once, SpinLock};

const COM1: u16 = 0x3f8;
const FIFO_CONTROL: u16 = COM1 + 2;
const LINE_STATUS: u16 = COM1 + 5;
const TRANSMITTER_EMPTY: u8 = 1 << 5;
/// Bytes that the device takes when it is empty.
const FIFO_SIZE: usize = 16;
/// How often an unready device is asked before its bytes are dropped: there may be none.
const PATIENCE: usize = 100_000;

static CLASS: LockClass = LockClass::new("console", u16::MAX);
static READY: SpinLock<bool> = SpinLock::new(&CLASS, false);

/// Writes text; a line feed becomes carriage return and line feed.
pub(crate) fn write(bytes: &[u8]) {
    let mut ready = READY.lock_irq();
    if !core::mem::replace(&mut *ready, true) {
        // SAFETY: as in `send`; switches the device's FIFOs on.
        unsafe { port::write_u8(FIFO_CONTROL, 1) };
    }
    send(bytes);
}

static SCREEN: Once<fn(&[u8])> = Once::new();

/// Registers what shows text on a screen, whatever the state of the kernel is, once.
pub(super) fn set_screen_hook(hook: fn(&[u8])) {
    let _ = SCREEN.set(hook);
}

/// Writes text whatever the state of the kernel is, to the UART only.
pub(super) fn write_unlocked(bytes: &[u8]) {
    send(bytes);
}

/// Writes a panic's text, whatever the state of the kernel is.
pub(super) fn write_in_panic(bytes: &[u8]) {
    send(bytes);
    if let Some(show) = SCREEN.get() {
        show(bytes);
    }
}

fn send(bytes: &[u8]) {
    let mut room = 0;
    let mut put = |byte| {
        // SAFETY: the UART's registers have no effect on memory.
        unsafe {
            if room == 0 {
                for _ in 0..PATIENCE {
                    if port::read_u8(LINE_STATUS) & TRANSMITTER_EMPTY != 0 {
                        room = FIFO_SIZE;
                        break;
                    }
                }
            }
            port::write_u8(COM1, byte);
            room = room.saturating_sub(1);
        }
    };
    for &byte in bytes {
        if byte == b'\n' {
            put(b'\r');
        }
        put(byte);
    }
}
