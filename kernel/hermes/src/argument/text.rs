//! Paths, strings and plain bytes of a program.

use core::fmt::{self, Write};

use abi::Errno;
use abi::fs::PATH_MAX;
use alloc::vec::Vec;
use hal::{UserAddr, user};

use super::Argument;

/// The NUL-terminated path of a file.
#[derive(Clone, Copy)]
pub struct PathName(pub UserAddr);

/// Reads a NUL-terminated string of less than `limit` bytes; `None` if it is longer.
pub fn read_string(address: UserAddr, limit: usize) -> Result<Option<Vec<u8>>, Errno> {
    // Most strings are short, and clearing a large buffer for each of them would cost more than the rest.
    let mut first = [0; 128];
    let piece = first.get_mut(..limit.min(128)).unwrap_or_default();
    let copy = |bytes: &[u8]| {
        let mut text = Vec::new();
        aegis::charge::reserve(&mut text, bytes.len())?;
        text.extend_from_slice(bytes);
        Ok(Some(text))
    };
    match user::read_string(address, piece).map_err(|_| Errno::EFAULT)? {
        Some(length) => return copy(piece.get(..length).unwrap_or_default()),
        None if limit <= 128 => return Ok(None),
        None => {}
    }
    let mut text = Vec::new();
    aegis::charge::reserve(&mut text, limit)?;
    text.resize(limit, 0);
    match user::read_string(address, &mut text).map_err(|_| Errno::EFAULT)? {
        Some(length) => {
            text.truncate(length);
            Ok(Some(text))
        }
        None => Ok(None),
    }
}

impl PathName {
    /// The path.
    ///
    /// # Errors
    /// `EFAULT`; `ENAMETOOLONG`: of [`PATH_MAX`] bytes or more; `ENOMEM`.
    pub fn read(self) -> Result<Vec<u8>, Errno> {
        read_string(self.0, PATH_MAX)?.ok_or(Errno::ENAMETOOLONG)
    }
}

impl Argument for PathName {
    const TYPE: &'static str = "path";

    #[inline]
    fn from_raw(raw: u64) -> Self {
        Self(UserAddr::new(raw))
    }

    fn show(raw: u64, to: &mut dyn Write) -> fmt::Result {
        match Self::from_raw(raw).read() {
            Ok(text) => write!(to, "\"{}\"", text.escape_ascii()),
            Err(_) => UserAddr::show(raw, to),
        }
    }
}

macro_rules! byte_ranges {
    ($($(#[$doc:meta])* $name:ident as $text:literal;)*) => {
        $($(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name(pub UserAddr);

        impl Argument for $name {
            const TYPE: &'static str = $text;

            #[inline]
            fn from_raw(raw: u64) -> Self {
                Self(UserAddr::new(raw))
            }

            fn show(raw: u64, to: &mut dyn Write) -> fmt::Result {
                UserAddr::show(raw, to)
            }
        })*
    };
}

byte_ranges! {
    /// The start of bytes that the call reads; their number is another argument.
    InBytes as "bytes in";
    /// The start of bytes that the call writes; their number is another argument.
    OutBytes as "bytes out";
}

/// Shows the first of `count` bytes of a program, as a string.
pub(crate) fn show_bytes(address: UserAddr, count: u64, to: &mut dyn Write) -> fmt::Result {
    /// As many as strace(1) shows.
    const SHOWN: usize = 32;
    let mut bytes = [0; SHOWN];
    let length = usize::try_from(count).unwrap_or(SHOWN).min(SHOWN);
    let place = bytes.get_mut(..length).unwrap_or_default();
    if user::read_bytes(address, place).is_err() {
        return UserAddr::show(address.get(), to);
    }
    write!(to, "\"{}\"{}", place.escape_ascii(), if count > SHOWN as u64 { "..." } else { "" })
}

/// The start of a list of addresses of NUL-terminated strings, which ends with a null pointer: arguments, environment.
#[derive(Clone, Copy)]
pub struct StringList(pub UserAddr);

impl Argument for StringList {
    const TYPE: &'static str = "strings";

    #[inline]
    fn from_raw(raw: u64) -> Self {
        Self(UserAddr::new(raw))
    }

    fn show(raw: u64, to: &mut dyn Write) -> fmt::Result {
        const SHOWN: u64 = 16;
        to.write_str("[")?;
        for index in 0..=SHOWN {
            let place = UserAddr::new(raw).saturating_add(index * 8);
            let Ok(string) = user::read::<u64>(place) else { return UserAddr::show(raw, to) };
            if string == 0 {
                break;
            }
            to.write_str(if index > 0 { ", " } else { "" })?;
            if index == SHOWN {
                to.write_str("...")?;
                break;
            }
            PathName::show(string, to)?;
        }
        to.write_str("]")
    }
}
