//! What is typed at the console: for the guest, but for a few keys after Ctrl-A.

/// The key that introduces a key for xtask.
const CTRL_A: u8 = 1;

/// What Ctrl-A H shows.
pub const HELP: &str = "\r\n\
    Ctrl-A X  leave: the machine is switched off at once\r\n\
    Ctrl-A A  send Ctrl-A to the guest\r\n\
    Ctrl-A H  show this\r\n";

/// What somebody wants from xtask.
#[derive(Debug, PartialEq, Eq)]
pub enum Wish {
    /// To leave.
    Leave,
    /// To know the keys.
    Help,
}

/// Tells keys for xtask from keys for the guest.
#[derive(Default)]
pub struct Keys {
    after_ctrl_a: bool,
}

impl Keys {
    /// Takes a key: appends what is for the guest to `guest`, or gives the wish that it stands for.
    ///
    /// After Ctrl-A any key that means nothing here goes to the guest, and the Ctrl-A before it: there it is "to the
    /// beginning of the line".
    pub fn take(&mut self, key: u8, guest: &mut Vec<u8>) -> Option<Wish> {
        let after_ctrl_a = std::mem::replace(&mut self.after_ctrl_a, false);
        match (after_ctrl_a, key) {
            (false, CTRL_A) => self.after_ctrl_a = true,
            (true, b'x' | b'X') => return Some(Wish::Leave),
            (true, b'h' | b'H' | b'?') => return Some(Wish::Help),
            (true, b'a' | b'A' | CTRL_A) => guest.push(CTRL_A),
            (true, _) => guest.extend([CTRL_A, key]),
            (false, _) => guest.push(key),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Keys, Wish};

    fn typed(keys: &[u8]) -> (Vec<u8>, Vec<Wish>) {
        let (mut state, mut guest) = (Keys::default(), Vec::new());
        let wishes = keys.iter().filter_map(|key| state.take(*key, &mut guest)).collect();
        (guest, wishes)
    }

    #[test]
    fn plain_keys_are_the_guests() {
        assert_eq!(typed(b"ls x\r\x03\x18"), (b"ls x\r\x03\x18".to_vec(), vec![]));
    }

    #[test]
    fn keys_after_ctrl_a_are_wishes() {
        assert_eq!(typed(b"a\x01xb"), (b"ab".to_vec(), vec![Wish::Leave]));
        assert_eq!(typed(b"\x01h\x01?"), (vec![], vec![Wish::Help, Wish::Help]));
    }

    #[test]
    fn ctrl_a_itself_can_be_sent() {
        assert_eq!(typed(b"\x01a\x01\x01x"), (b"\x01\x01x".to_vec(), vec![]));
        assert_eq!(typed(b"\x01\x1b[C"), (b"\x01\x1b[C".to_vec(), vec![]));
    }
}
