//! The display interface of Bochs, which QEMU's standard card has too (QEMU's `docs/specs/standard-vga.rst`; Bochs's
//! `iodev/display/vga.h`): two ports set a mode with a linear framebuffer. Where it is says the card's first base address in
//! PCI's configuration space (PCI Local Bus Specification 3.0, 3.2.2.3.2 and 6.1).

use super::super::port;
use crate::facts::screen::Screen;
use crate::warn;

/// The mode that is set: what QEMU's own drivers begin with.
const WIDTH: u16 = 1024;
const HEIGHT: u16 = 768;

/// The register that is meant, and its value.
const INDEX: u16 = 0x1ce;
const VALUE: u16 = 0x1cf;

/// Registers.
const IDENTITY: u16 = 0;
const X_RESOLUTION: u16 = 1;
const Y_RESOLUTION: u16 = 2;
const BITS: u16 = 3;
const ENABLE: u16 = 4;
const VIRTUAL_WIDTH: u16 = 6;
const X_OFFSET: u16 = 8;
const Y_OFFSET: u16 = 9;
const MEMORY: u16 = 10;

/// Identities of cards with a linear framebuffer and pixels of 32 bits.
const IDENTITIES: core::ops::RangeInclusive<u16> = 0xb0c2..=0xb0cf;
/// The register `ENABLE`: on, with the framebuffer in one piece.
const ENABLED: u16 = 1;
const LINEAR: u16 = 0x40;
/// What the register `MEMORY` counts.
const MEMORY_UNIT: u64 = 64 << 10;

/// PCI's configuration ports.
const CONFIGURATION_ADDRESS: u16 = 0xcf8;
const CONFIGURATION_DATA: u16 = 0xcfc;
/// Vendor 1234, device 1111.
const CARD: u32 = 0x1111_1234;

fn read(register: u16) -> u16 {
    // SAFETY: the ports belong to the card, or to nobody. The card writes to no memory of the kernel's.
    unsafe {
        port::write_u16(INDEX, register);
        port::read_u16(VALUE)
    }
}

fn write(register: u16, value: u16) {
    // SAFETY: as in `read`.
    unsafe {
        port::write_u16(INDEX, register);
        port::write_u16(VALUE, value);
    }
}

/// Reads a register of a device's configuration space on the first bus.
fn configuration(device: u32, register: u32) -> u32 {
    // SAFETY: reading a configuration register changes nothing.
    unsafe {
        port::write_u32(CONFIGURATION_ADDRESS, 1 << 31 | device << 11 | register);
        port::read_u32(CONFIGURATION_DATA)
    }
}

/// Where the card's memory is.
fn base() -> Option<u64> {
    const COMMAND: u32 = 0x04;
    const MEMORY_ENABLED: u32 = 1 << 1;
    const FIRST_BASE: u32 = 0x10;
    const DEVICES: u32 = 32;
    let card = (0..DEVICES).find(|&device| configuration(device, 0) == CARD)?;
    let low = configuration(card, FIRST_BASE);
    let (is_port, is_wide) = (low & 1 != 0, low & 0b110 == 0b100);
    let high = if is_wide { configuration(card, FIRST_BASE + 4) } else { 0 };
    let base = u64::from(high) << 32 | u64::from(low & !0xf);
    let usable = !is_port && base != 0 && configuration(card, COMMAND) & MEMORY_ENABLED != 0;
    usable.then_some(base)
}

/// Sets a mode; gives the framebuffer, or `None` where there is no such card. On a machine without one, two accesses.
pub(super) fn find() -> Option<Screen> {
    if !IDENTITIES.contains(&read(IDENTITY)) {
        return None;
    }
    let screen =
        base().map(|base| Screen::usual(base, u64::from(WIDTH), u64::from(HEIGHT), u64::from(WIDTH) * 4));
    let Some(screen) =
        screen.filter(|screen| u64::from(read(MEMORY)) * MEMORY_UNIT >= screen.pitch * screen.height)
    else {
        warn!("screen", "a card with Bochs's interface shows no memory for a framebuffer");
        return None;
    };
    write(ENABLE, 0);
    let mode = [(X_RESOLUTION, WIDTH), (Y_RESOLUTION, HEIGHT), (BITS, 32)];
    mode.into_iter().for_each(|(register, value)| write(register, value));
    write(ENABLE, ENABLED | LINEAR);
    let place = [(VIRTUAL_WIDTH, WIDTH), (X_OFFSET, 0), (Y_OFFSET, 0)];
    place.into_iter().for_each(|(register, value)| write(register, value));
    if mode.into_iter().any(|(register, value)| read(register) != value) {
        warn!("screen", "a card with Bochs's interface does not take the mode {WIDTH}x{HEIGHT}");
        return None;
    }
    Some(screen)
}
