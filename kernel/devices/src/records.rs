//! The kernel's log, record by record.

use hal::log;

/// More than the longest record.
pub(crate) const LONGEST: usize = 1024;

/// A place in the log.
pub(crate) struct Records {
    /// The position of the next record: the number of bytes ever written before it.
    pub next: u64,
}

impl Records {
    /// The oldest record that the log still has.
    pub fn from_beginning() -> Records {
        Records { next: log::range().0 }
    }

    /// The next record, with its position and without the line's end; `None` when there is no more. What lost its beginning,
    /// because it was overwritten meanwhile, is passed over.
    pub fn read<'a>(&mut self, buffer: &'a mut [u8; LONGEST]) -> Option<(u64, &'a str)> {
        let (from, length) = loop {
            let (from, count) = log::read(self.next, buffer);
            let bytes = buffer.get(..count).unwrap_or_default();
            match bytes.iter().position(|byte| *byte == b'\n') {
                Some(length) => {
                    self.next = from + length as u64 + 1;
                    if core::str::from_utf8(bytes.get(..length).unwrap_or_default()).is_ok() {
                        break (from, length);
                    }
                }
                None if count == LONGEST => self.next = from + count as u64,
                None => return None,
            }
        };
        let text = core::str::from_utf8(buffer.get(..length).unwrap_or_default());
        text.ok().map(|text| (from, text))
    }

    /// Whether there is more.
    pub fn has_more(&self) -> bool {
        self.next < log::range().1
    }
}
