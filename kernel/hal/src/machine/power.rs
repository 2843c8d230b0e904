//! Power off and restart.

use core::arch::asm;

use super::acpi::{Sleep, Tables};
use super::port;
use crate::Once;

/// QEMU's `isa-debug-exit` device: a byte `n` ends QEMU with status `2n + 1`.
const DEBUG_EXIT: u16 = 0xf4;

/// QEMU's `pvpanic` device: what is read are the events that it passes on, what is written is one.
const PANIC_EVENTS: u16 = 0x505;
/// The kernel has panicked.
const PANICKED: u8 = 1;

static SLEEP: Once<Sleep> = Once::new();
static RESET: Once<(u16, u8)> = Once::new();

/// Keeps what ACPI says about it.
pub(super) fn init(tables: &Tables) {
    if let Some(sleep) = tables.sleep {
        let _ = SLEEP.set(sleep);
    }
    if let Some(reset) = tables.reset {
        let _ = RESET.set(reset);
    }
}

/// Ends the machine with a status for whoever started it, or powers off where nothing listens.
pub fn exit(status: u8) -> ! {
    // SAFETY: the port belongs to a device that ends QEMU, or to none.
    unsafe { port::write_u8(DEBUG_EXIT, status) };
    off()
}

/// Ends the machine after the report of a panic. Who started it may have asked to be told, to look at its memory first.
pub(super) fn end_panic(status: u8) -> ! {
    // SAFETY: the port belongs to a device that tells the host, or to none: then all bits are read as set.
    unsafe {
        let events = port::read_u8(PANIC_EVENTS);
        if events != 0xff && events & PANICKED != 0 {
            port::write_u8(PANIC_EVENTS, PANICKED);
            // An emulator stops at one of the next instructions.
            for _ in 0..10_000 {
                core::hint::spin_loop();
            }
        }
    }
    exit(status)
}

/// Powers off.
pub fn off() -> ! {
    const SLEEP_ENABLE: u16 = 1 << 13;
    if let Some(sleep) = SLEEP.get() {
        for (port, kind) in sleep.ports.into_iter().zip(sleep.types) {
            if port != 0 {
                // SAFETY: ACPI's control register; the machine stops.
                unsafe { port::write_u16(port, u16::from(kind) << 10 | SLEEP_ENABLE) };
            }
        }
    }
    stop()
}

/// Restarts: by ACPI's reset register, by the keyboard controller, or by a fault that the processor cannot serve.
pub fn reboot() -> ! {
    const KEYBOARD_COMMAND: u16 = 0x64;
    const PULSE_RESET: u8 = 0xfe;
    super::irq_save();
    if let Some(&(port, value)) = RESET.get() {
        // SAFETY: ACPI's reset register; the machine restarts.
        unsafe { port::write_u8(port, value) };
    }
    // SAFETY: the keyboard controller resets the machine; without one, an exception with an empty descriptor table does.
    unsafe {
        port::write_u8(KEYBOARD_COMMAND, PULSE_RESET);
        let nothing = [0_u8; 10];
        asm!("lidt [{}]", "int3", in(reg) &raw const nothing);
    }
    stop()
}

/// Stops this processor.
pub(super) fn stop() -> ! {
    loop {
        // SAFETY: stopping the processor touches no memory.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) }
    }
}
