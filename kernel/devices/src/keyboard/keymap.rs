//! What keys send: a US keyboard, with Linux's default map (`loadkeys -d` on Linux shows it; `console_codes(4)` the modes).

use pc_keyboard::layouts::Us104Key;
use pc_keyboard::{DecodedKey, HandleControl, KeyCode, KeyEvent, KeyState, KeyboardLayout, Modifiers};

use crate::vt::terminal::Modes;

/// The longest that a key sends.
const LONGEST: usize = 8;

/// What a key sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sent {
    bytes: [u8; LONGEST],
    count: usize,
}

impl Sent {
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.count).unwrap_or_default()
    }

    fn of(bytes: &[u8]) -> Sent {
        let mut sent = Sent::default();
        bytes.iter().for_each(|byte| sent.push(*byte));
        sent
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.count) {
            *place = byte;
            self.count += 1;
        }
    }
}

/// Which of the keys that change others are down, or on.
#[derive(Default)]
pub(super) struct Keymap {
    held: Modifiers,
}

impl Keymap {
    /// Takes an event; gives what the key sends. A key that is held down comes again and again.
    pub(super) fn press(&mut self, event: &KeyEvent, modes: &Modes) -> Sent {
        let down = event.state != KeyState::Up;
        // With that control it is the key Pause.
        let is_pause = event.code == KeyCode::NumpadLock && self.held.rctrl2;
        let code = if is_pause { KeyCode::PauseBreak } else { event.code };
        if self.hold(code, down) || !down {
            return Sent::default();
        }
        let sent = self.special(code, modes).unwrap_or_else(|| self.character(code));
        if self.held.lalt && !sent.is_empty() { after_escape(sent) } else { sent }
    }

    /// Keeps track of a key that changes others; false for the others.
    fn hold(&mut self, code: KeyCode, down: bool) -> bool {
        let held = &mut self.held;
        match code {
            KeyCode::LShift => held.lshift = down,
            KeyCode::RShift => held.rshift = down,
            KeyCode::LControl => held.lctrl = down,
            KeyCode::RControl => held.rctrl = down,
            KeyCode::RControl2 => held.rctrl2 = down,
            KeyCode::LAlt => held.lalt = down,
            KeyCode::RAltGr => held.ralt = down,
            KeyCode::CapsLock => held.capslock ^= down,
            KeyCode::NumpadLock => held.numlock ^= down,
            _ => return false,
        }
        true
    }

    /// Keys that send sequences, or one byte that no layout has.
    fn special(&self, code: KeyCode, modes: &Modes) -> Option<Sent> {
        let shift = self.held.lshift || self.held.rshift;
        let code = match code {
            KeyCode::NumpadEnter if modes.application_keypad => return Some(Sent::of(b"\x1bOM")),
            KeyCode::NumpadEnter => KeyCode::Return,
            _ => match keypad(code) {
                Some((letter, _)) if modes.application_keypad && !shift => {
                    return Some(Sent::of(&[27, b'O', letter]));
                }
                Some((_, other)) if !self.held.numlock => other,
                _ => code,
            },
        };
        let control = self.held.lctrl || self.held.rctrl;
        Some(match code {
            KeyCode::Return if modes.new_line => Sent::of(b"\r\n"),
            KeyCode::Return => Sent::of(b"\r"),
            KeyCode::Backspace if control => Sent::of(b"\x08"),
            KeyCode::Backspace => Sent::of(b"\x7f"),
            KeyCode::Tab if shift => Sent::of(b"\x1b\t"),
            KeyCode::Tab => Sent::of(b"\t"),
            KeyCode::Escape => Sent::of(b"\x1b"),
            KeyCode::ArrowUp => cursor(b'A', modes),
            KeyCode::ArrowDown => cursor(b'B', modes),
            KeyCode::ArrowRight => cursor(b'C', modes),
            KeyCode::ArrowLeft => cursor(b'D', modes),
            KeyCode::Numpad5 if !self.held.numlock => Sent::of(b"\x1b[G"),
            KeyCode::PauseBreak => Sent::of(b"\x1b[P"),
            KeyCode::Home => numbered(1),
            KeyCode::Insert => numbered(2),
            KeyCode::Delete => numbered(3),
            KeyCode::End => numbered(4),
            KeyCode::PageUp => numbered(5),
            KeyCode::PageDown => numbered(6),
            _ => return self.function(code, shift),
        })
    }

    /// The function keys. With Shift the first eight are F13 to F20; with Alt all of them would choose a terminal.
    fn function(&self, code: KeyCode, shift: bool) -> Option<Sent> {
        const KEYS: [KeyCode; 12] = [
            KeyCode::F1,
            KeyCode::F2,
            KeyCode::F3,
            KeyCode::F4,
            KeyCode::F5,
            KeyCode::F6,
            KeyCode::F7,
            KeyCode::F8,
            KeyCode::F9,
            KeyCode::F10,
            KeyCode::F11,
            KeyCode::F12,
        ];
        /// The numbers of F6 to F20.
        const NUMBERS: [u8; 15] = [17, 18, 19, 20, 21, 23, 24, 25, 26, 28, 29, 31, 32, 33, 34];
        let index = KEYS.iter().position(|key| *key == code)?;
        if self.held.lalt {
            return Some(Sent::default());
        }
        let index = if shift { index + KEYS.len() } else { index };
        Some(match index.checked_sub(5) {
            None => Sent::of(&[27, b'[', b'[', b'A' + index as u8]),
            Some(further) => NUMBERS.get(further).map_or(Sent::default(), |number| numbered(*number)),
        })
    }

    /// Keys with a character of their own.
    fn character(&self, code: KeyCode) -> Sent {
        let decoded = Us104Key.map_keycode(code, &self.held, HandleControl::Ignore);
        let DecodedKey::Unicode(character) = decoded else { return Sent::default() };
        let Ok(byte) = u8::try_from(character) else { return Sent::default() };
        if !self.held.lctrl && !self.held.rctrl {
            return Sent::of(&[byte]);
        }
        let control = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'[' | b'\\' | b']' | b'^' | b'_' => byte & 0x1f,
            b' ' | b'@' | b'2' | b'`' => 0,
            b'3'..=b'7' => byte - b'3' + 27,
            b'-' | b'/' => 31,
            b'8' | b'?' => 127,
            _ => return Sent::default(),
        };
        Sent::of(&[control])
    }
}

fn cursor(letter: u8, modes: &Modes) -> Sent {
    Sent::of(&[27, if modes.application_cursor { b'O' } else { b'[' }, letter])
}

/// `CSI N ~`.
fn numbered(number: u8) -> Sent {
    let mut sent = Sent::of(b"\x1b[");
    if number >= 10 {
        sent.push(b'0' + number / 10);
    }
    sent.push(b'0' + number % 10);
    sent.push(b'~');
    sent
}

/// What Alt makes of it.
fn after_escape(sent: Sent) -> Sent {
    let mut with = Sent::of(b"\x1b");
    sent.bytes().iter().for_each(|byte| with.push(*byte));
    with
}

/// A key of the numeric pad: its letter for applications, and what it is while Num Lock is off.
fn keypad(code: KeyCode) -> Option<(u8, KeyCode)> {
    Some(match code {
        KeyCode::Numpad0 => (b'p', KeyCode::Insert),
        KeyCode::Numpad1 => (b'q', KeyCode::End),
        KeyCode::Numpad2 => (b'r', KeyCode::ArrowDown),
        KeyCode::Numpad3 => (b's', KeyCode::PageDown),
        KeyCode::Numpad4 => (b't', KeyCode::ArrowLeft),
        KeyCode::Numpad5 => (b'u', KeyCode::Numpad5),
        KeyCode::Numpad6 => (b'v', KeyCode::ArrowRight),
        KeyCode::Numpad7 => (b'w', KeyCode::Home),
        KeyCode::Numpad8 => (b'x', KeyCode::ArrowUp),
        KeyCode::Numpad9 => (b'y', KeyCode::PageUp),
        KeyCode::NumpadPeriod => (b'n', KeyCode::Delete),
        KeyCode::NumpadAdd => (b'l', KeyCode::NumpadAdd),
        KeyCode::NumpadSubtract => (b'S', KeyCode::NumpadSubtract),
        KeyCode::NumpadMultiply => (b'R', KeyCode::NumpadMultiply),
        KeyCode::NumpadDivide => (b'Q', KeyCode::NumpadDivide),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::Keymap;
    use crate::vt::terminal::Console;
    use pc_keyboard::{KeyCode, KeyEvent, KeyState};
    use std::vec::Vec;

    /// What the keys send, with the first ones held while the last is pressed.
    fn sent(keys: &[KeyCode], setup: &[u8]) -> Vec<u8> {
        let mut console = Console::new(2, 2);
        console.feed(setup);
        let mut map = Keymap::default();
        let mut all = Vec::new();
        for code in keys {
            let event = KeyEvent::new(*code, KeyState::Down);
            all.extend_from_slice(map.press(&event, console.terminal.modes()).bytes());
        }
        all
    }

    #[test]
    fn letters_follow_shift_caps_control_and_alt() {
        let with = |held, key| sent(&[held, key], b"");
        assert_eq!(sent(&[KeyCode::A], b""), b"a");
        assert_eq!(with(KeyCode::RShift, KeyCode::A), b"A");
        assert_eq!(with(KeyCode::CapsLock, KeyCode::A), b"A");
        assert_eq!(sent(&[KeyCode::CapsLock, KeyCode::LShift, KeyCode::A], b""), b"a");
        assert_eq!(with(KeyCode::CapsLock, KeyCode::Key1), b"1");
        assert_eq!(with(KeyCode::LControl, KeyCode::C), [3]);
        assert_eq!(with(KeyCode::RControl, KeyCode::Spacebar), [0]);
        assert_eq!(with(KeyCode::LControl, KeyCode::Key3), [27]);
        assert_eq!(with(KeyCode::LControl, KeyCode::Oem7), [28]);
        assert_eq!(with(KeyCode::LAlt, KeyCode::B), b"\x1bb");
        assert_eq!(with(KeyCode::LShift, KeyCode::Oem7), b"|");
    }

    #[test]
    fn keys_without_a_character_send_what_linux_sends() {
        for (key, wanted) in [
            (KeyCode::Return, &b"\r"[..]),
            (KeyCode::Backspace, b"\x7f"),
            (KeyCode::Home, b"\x1b[1~"),
            (KeyCode::Delete, b"\x1b[3~"),
            (KeyCode::End, b"\x1b[4~"),
            (KeyCode::F1, b"\x1b[[A"),
            (KeyCode::F5, b"\x1b[[E"),
            (KeyCode::F6, b"\x1b[17~"),
            (KeyCode::F12, b"\x1b[24~"),
            (KeyCode::ArrowLeft, b"\x1b[D"),
            (KeyCode::Numpad8, b"\x1b[A"),
            (KeyCode::NumpadAdd, b"+"),
        ] {
            assert_eq!(sent(&[key], b""), wanted, "{key:?}");
        }
        assert_eq!(sent(&[KeyCode::LShift, KeyCode::F1], b""), b"\x1b[25~");
        assert_eq!(sent(&[KeyCode::NumpadLock, KeyCode::Numpad8], b""), b"8");
        assert_eq!(sent(&[KeyCode::RControl2, KeyCode::NumpadLock], b""), b"\x1b[P");
    }

    #[test]
    fn modes_of_the_terminal_change_keys() {
        assert_eq!(sent(&[KeyCode::ArrowUp], b"\x1b[?1h"), b"\x1bOA");
        assert_eq!(sent(&[KeyCode::Numpad7], b"\x1b="), b"\x1bOw");
        assert_eq!(sent(&[KeyCode::Return], b"\x1b[20h"), b"\r\n");
    }
}
