//! Bringing the controller up (IBM PS/2 Hardware Interface Technical Reference).

use core::fmt;

use hal::i8042::Controller;
use hal::keyboard::{Command, status};

/// How often a register is read before hope is given up: a tenth of a second, at the speed of such a port.
const PATIENCE: usize = 100_000;

/// Bits of the configuration byte.
const FIRST_INTERRUPTS: u8 = 1;
const SECOND_INTERRUPTS: u8 = 1 << 1;
const FIRST_OFF: u8 = 1 << 4;
const SECOND_OFF: u8 = 1 << 5;
/// The keyboard's second set of codes becomes the first.
const TRANSLATES: u8 = 1 << 6;

/// Why there is no keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Absent,
    Stuck,
    Silent,
    NoKeyboard,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trouble::Absent => "there is no controller",
            Trouble::Stuck => "the controller takes no commands",
            Trouble::Silent => "the controller does not answer",
            Trouble::NoKeyboard => "no keyboard answers",
        })
    }
}

/// Makes the controller pass the keyboard's codes, translated into the first set, with interrupts; and nothing of a mouse's.
///
/// # Errors
/// What is the matter. With [`Trouble::NoKeyboard`] the controller is up all the same.
pub(super) fn bring_up(controller: &Controller) -> Result<(), Trouble> {
    const NOBODY: u8 = 0xff;
    if controller.status() == NOBODY {
        return Err(Trouble::Absent);
    }
    command(controller, Command::DisableFirst)?;
    command(controller, Command::DisableSecond)?;
    empty(controller);
    command(controller, Command::ReadConfiguration)?;
    let configuration = answer(controller).ok_or(Trouble::Silent)?;
    let configuration =
        configuration & !(SECOND_INTERRUPTS | FIRST_OFF) | FIRST_INTERRUPTS | SECOND_OFF | TRANSLATES;
    command(controller, Command::WriteConfiguration)?;
    give(controller, configuration)?;
    command(controller, Command::EnableFirst)?;
    start_keyboard(controller)
}

/// Has the keyboard tell of keys.
fn start_keyboard(controller: &Controller) -> Result<(), Trouble> {
    const ENABLE: u8 = 0xf4;
    const ACKNOWLEDGED: u8 = 0xfa;
    /// A key that is held may speak first.
    const OTHERS: usize = 8;
    give(controller, ENABLE)?;
    for _ in 0..OTHERS {
        match answer(controller) {
            Some(ACKNOWLEDGED) => return Ok(()),
            Some(_) => {}
            None => break,
        }
    }
    Err(Trouble::NoKeyboard)
}

fn wait(controller: &Controller, mut ready: impl FnMut(u8) -> bool) -> bool {
    (0..PATIENCE).any(|_| ready(controller.status()))
}

fn command(controller: &Controller, command: Command) -> Result<(), Trouble> {
    if !wait(controller, |state| state & status::BUSY == 0) {
        return Err(Trouble::Stuck);
    }
    controller.command(command);
    Ok(())
}

fn give(controller: &Controller, byte: u8) -> Result<(), Trouble> {
    if !wait(controller, |state| state & status::BUSY == 0) {
        return Err(Trouble::Stuck);
    }
    controller.write(byte);
    Ok(())
}

fn answer(controller: &Controller) -> Option<u8> {
    wait(controller, |state| state & status::FULL != 0).then(|| controller.read())
}

/// Throws away what was said before.
fn empty(controller: &Controller) {
    const MOST: usize = 32;
    for _ in 0..MOST {
        if controller.status() & status::FULL == 0 {
            return;
        }
        controller.read();
    }
}

#[cfg(test)]
mod tests {
    use super::{Trouble, bring_up};
    use hal::simulate::{self, Health};

    #[test]
    fn a_controller_is_brought_up_whatever_was_left_in_it() {
        let controller = simulate::keyboard(Health::Well);
        controller.say(&[0x1c, 0x9c]);
        assert_eq!(bring_up(&controller), Ok(()));
        // Interrupts of the keyboard, translation, no mouse.
        assert_eq!(controller.configuration() & 0b0111_0011, 0b0110_0001);
    }

    #[test]
    fn no_controller_and_no_keyboard_end_with_a_reason() {
        for (health, trouble) in [
            (Health::Absent, Trouble::Absent),
            (Health::Stuck, Trouble::Stuck),
            (Health::Alone, Trouble::NoKeyboard),
        ] {
            assert_eq!(bring_up(&simulate::keyboard(health)), Err(trouble));
        }
    }
}
