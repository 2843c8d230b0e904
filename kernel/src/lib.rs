//! Brings the parts of Serix up, in order; reads like a table of contents.
#![no_std]
#![forbid(unsafe_code)]

use hal::BootInfo;

/// Runs the kernel; the machine is powered off at the end.
pub fn main(boot: &BootInfo) -> ! {
    hal::info!("kernel", "Serix {} booted by {}", env!("CARGO_PKG_VERSION"), boot.loader);
    hal::power::exit(0)
}
