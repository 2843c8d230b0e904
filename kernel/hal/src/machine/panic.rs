//! What happens when the kernel finds itself broken.

use core::panic::PanicInfo;

use super::power;

/// The status that a panic ends QEMU with, before `isa-debug-exit` transforms it.
const PANIC_STATUS: u8 = 0x32;

/// Prints where and why the kernel panicked and ends the machine.
pub fn panic(info: &PanicInfo<'_>) -> ! {
    crate::println!("kernel panic: {info}");
    power::exit(PANIC_STATUS)
}
