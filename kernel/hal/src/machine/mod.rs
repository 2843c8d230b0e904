//! The x86-64 machine.

mod boot;
pub mod boot_info;
pub mod console;
pub mod panic;
mod port;
pub mod power;
