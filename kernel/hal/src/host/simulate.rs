//! What only a test may do: turn the clock, play a program, keep other tests off the machine.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use super::i8042::Health;
pub use super::uart::FarEnd;
use crate::i8042::Controller;
use crate::uart::Uart;
use crate::user::{Registers, Trap};
use crate::{Framebuffer, PhysAddr};

static MACHINE: Mutex<()> = Mutex::new(());

/// Keeps other tests off the machine until the guard is dropped. There is one machine (scheduler, clock) for all tests of a
/// program, and they run in parallel.
pub fn exclusive() -> MutexGuard<'static, ()> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets time pass; a deadline that is reached interrupts.
pub fn advance(time: Duration) {
    super::time::advance(time);
}

/// Installs what [`crate::UserContext::run`] does on the calling thread.
pub fn set_program(program: impl FnMut(&mut Registers) -> Trap + 'static) {
    super::user_context::set_program(Box::new(program));
}

/// Boot memory for a test.
pub fn boot_memory(bytes: Vec<u8>) -> crate::BootMemory {
    crate::BootMemory::new(Vec::leak(bytes))
}

/// A serial port and its other end. Nothing interrupts by itself: the test calls the port's handler.
pub fn uart() -> (Uart, FarEnd) {
    super::uart::pair()
}

/// A keyboard's controller in some state of health.
pub fn keyboard(health: Health) -> Controller {
    Controller::new(health)
}

/// A framebuffer of a size in pixels.
pub fn framebuffer(width: u32, height: u32) -> Framebuffer {
    Framebuffer { start: PhysAddr::new(0), width, height, pitch: width * 4, shifts: [16, 8, 0] }
}
