//! File names: short ones inline, so that a name takes no allocation of its own.

use alloc::boxed::Box;

/// Longest name that is stored inline.
const INLINE: usize = 30;

/// One component of a path, at most `NAME_MAX` bytes.
#[derive(Clone)]
pub struct Name(Storage);

#[derive(Clone)]
enum Storage {
    Short(u8, [u8; INLINE]),
    Long(Box<[u8]>),
}

impl Name {
    /// Copies `bytes`.
    pub fn new(bytes: &[u8]) -> Name {
        let mut short = [0; INLINE];
        match (short.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            (Some(place), Ok(len)) => {
                place.copy_from_slice(bytes);
                Name(Storage::Short(len, short))
            }
            _ => Name(Storage::Long(bytes.into())),
        }
    }

    /// The name of a file outside every directory, as `/proc/PID/fd` shows it: `pipe:[1234]`.
    pub fn of_kind(kind: &str, number: u64) -> Name {
        // Not with `format!`: each pipe and socket gets one.
        const ENDS: usize = ":[]".len();
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(number).as_bytes();
        let mut name = [0; INLINE];
        let length = (kind.len() + digits.len() + ENDS).min(INLINE);
        let parts = [kind.as_bytes(), b":[", digits, b"]"];
        name.iter_mut().zip(parts.into_iter().flatten()).for_each(|(to, byte)| *to = *byte);
        Name(Storage::Short(length as u8, name))
    }

    /// The name's bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            Storage::Short(len, bytes) => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Storage::Long(bytes) => bytes,
        }
    }
}

impl Default for Name {
    fn default() -> Name {
        Name(Storage::Short(0, [0; INLINE]))
    }
}

// A map keyed by names is searched by plain bytes, so all comparisons are those of the bytes.
impl core::borrow::Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        self.bytes()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Name) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Name) -> core::cmp::Ordering {
        self.bytes().cmp(other.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn a_number_stands_in_brackets_behind_the_kind() {
        for number in [0, 7, 10, 4096, u64::MAX] {
            let name = Name::of_kind("socket", number);
            assert_eq!(name.bytes(), std::format!("socket:[{number}]").as_bytes());
        }
    }

    #[test]
    fn names_of_every_length_keep_their_bytes() {
        for len in 0..=255 {
            let bytes = std::vec![b'n'; len];
            assert_eq!(Name::new(&bytes).bytes(), &bytes[..]);
        }
    }
}
