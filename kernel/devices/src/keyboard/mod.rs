//! The keyboard of a PC: behind a controller i8042, on interrupt line 1.
//!
//! An interrupt takes bytes from the controller into a ring; who has the [`Keyboard`] reads them, and gets what the keys send.
//!
//! - [`controller`] brings the controller up, with an end to every wait: there may be none, or a broken one.
//! - [`keymap`] is a US keyboard, as Linux's console has it.

mod controller;
mod keymap;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;

use hal::SpinLock;
use hal::i8042::{self, Controller};
use hal::keyboard::status;
use pc_keyboard::{ScancodeSet, ScancodeSet1};

use crate::lock_classes;
use crate::vt::terminal::Modes;
use keymap::Keymap;

/// Bytes that nobody has read yet.
const RING: usize = 256;
/// Bytes that one interrupt takes at most: a broken controller says for ever that it has one.
const AT_ONCE: usize = 32;

type Ring = Arc<SpinLock<VecDeque<u8>>>;

/// The keyboard.
pub(crate) struct Keyboard {
    ring: Ring,
    codes: ScancodeSet1,
    keys: Keymap,
}

impl Keyboard {
    /// Brings the keyboard up; `wake` is called in an interrupt when it has said something. `None`, with a line in the log, where
    /// there is no controller.
    pub(crate) fn start(wake: Box<dyn Fn() + Send + Sync>) -> Option<Keyboard> {
        let controller = i8042::claim()?;
        match controller::bring_up(&controller) {
            Ok(()) => {}
            // It may be plugged in later.
            Err(controller::Trouble::NoKeyboard) => hal::warn!("keyboard", "no keyboard answers"),
            Err(trouble) => {
                hal::warn!("keyboard", "none: {trouble}");
                return None;
            }
        }
        let keyboard = Keyboard::new();
        let controller = Arc::new(controller);
        let line = controller.irq_line();
        let (device, ring) = (controller.clone(), keyboard.ring.clone());
        let handler = move || {
            take(&device, &ring);
            wake();
        };
        if hal::irq::set_handler(line, Box::new(handler)).is_err() {
            hal::warn!("keyboard", "none: interrupt line {line} is not available");
            return None;
        }
        // The line is edge-triggered: what came before it had a handler does not raise it any more.
        take(&controller, &keyboard.ring);
        Some(keyboard)
    }

    fn new() -> Keyboard {
        let ring = VecDeque::with_capacity(RING);
        Keyboard {
            ring: Arc::new(SpinLock::new(&lock_classes::KEYS, ring)),
            codes: ScancodeSet1::new(),
            keys: Keymap::default(),
        }
    }

    /// Whether there is something to read.
    pub(crate) fn has_bytes(&self) -> bool {
        !self.ring.lock_irq().is_empty()
    }

    /// Gives what each key that was pressed sends to `give`.
    pub(crate) fn read(&mut self, modes: &Modes, mut give: impl FnMut(&[u8])) {
        loop {
            let byte = self.ring.lock_irq().pop_front();
            let Some(byte) = byte else { return };
            // What is no key of any keyboard is left out.
            if let Ok(Some(event)) = self.codes.advance_state(byte) {
                let sent = self.keys.press(&event, modes);
                if !sent.is_empty() {
                    give(sent.bytes());
                }
            }
        }
    }
}

/// Takes what the controller has. In an interrupt, but for the first time.
fn take(controller: &Controller, ring: &Ring) {
    let mut ring = ring.lock_irq();
    for _ in 0..AT_ONCE {
        let state = controller.status();
        if state & status::FULL == 0 {
            return;
        }
        let byte = controller.read();
        if state & status::SECOND == 0 && ring.len() < RING {
            ring.push_back(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AT_ONCE, Keyboard, RING, take};
    use crate::vt::terminal::Console;
    use hal::simulate::{self, Health};
    use std::vec::Vec;

    #[test]
    fn keys_become_what_they_send() {
        let controller = simulate::keyboard(Health::Well);
        let mut keyboard = Keyboard::new();
        // `l`, `s`, Enter, Shift with `a`, and the upwards arrow: pressed and released.
        controller.say(&[0x26, 0xa6, 0x1f, 0x9f, 0x1c, 0x9c, 0x2a, 0x1e, 0x9e, 0xaa, 0xe0, 0x48, 0xe0, 0xc8]);
        take(&controller, &keyboard.ring);
        assert!(keyboard.has_bytes());
        let mut sent = Vec::new();
        keyboard.read(Console::new(2, 2).terminal.modes(), |bytes| sent.extend_from_slice(bytes));
        assert_eq!(sent, b"ls\rA\x1b[A");
        assert!(!keyboard.has_bytes());
    }

    #[test]
    fn a_controller_that_never_stops_fills_a_ring_and_no_more() {
        let controller = simulate::keyboard(Health::Well);
        controller.say(&[0x1e; 2 * RING]);
        let keyboard = Keyboard::new();
        take(&controller, &keyboard.ring);
        assert_eq!(keyboard.ring.lock().len(), AT_ONCE);
        (0..100).for_each(|_| take(&controller, &keyboard.ring));
        assert_eq!(keyboard.ring.lock().len(), RING);
        take(&simulate::keyboard(Health::Absent), &keyboard.ring);
    }
}
