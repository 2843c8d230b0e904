//! The controller of a PC's keyboard, by its registers (IBM PS/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary
//! Device Controller"). What else it does (reset, the gate of address line 20) has no name here.

use core::sync::atomic::{AtomicBool, Ordering};

use super::port;
use crate::keyboard::Command;

const DATA: u16 = 0x60;
const STATUS_AND_COMMAND: u16 = 0x64;

static TAKEN: AtomicBool = AtomicBool::new(false);

/// The controller.
pub struct Controller(());

/// Takes the controller, once. Whether there is one shows when it is spoken to.
pub fn claim() -> Option<Controller> {
    (!TAKEN.swap(true, Ordering::Relaxed)).then_some(Controller(()))
}

impl Controller {
    /// The keyboard's interrupt line (ISA numbering).
    pub fn irq_line(&self) -> u8 {
        1
    }

    /// Its state, bits as in [`crate::keyboard::status`].
    pub fn status(&self) -> u8 {
        // SAFETY: the ports belong to the controller, which touches no memory.
        unsafe { port::read_u8(STATUS_AND_COMMAND) }
    }

    /// Reads what it or the keyboard has to say.
    pub fn read(&self) -> u8 {
        // SAFETY: as in `status`.
        unsafe { port::read_u8(DATA) }
    }

    /// Gives a byte to the keyboard, or to the controller after a command that takes one: none of [`Command`] does anything to
    /// memory with it.
    pub fn write(&self, byte: u8) {
        // SAFETY: as in `status`.
        unsafe { port::write_u8(DATA, byte) }
    }

    /// Gives the controller a command.
    pub fn command(&self, command: Command) {
        // SAFETY: as in `status`; the commands that would change what addresses mean have no name.
        unsafe { port::write_u8(STATUS_AND_COMMAND, command as u8) }
    }
}
