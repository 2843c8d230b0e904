//! What an address means.

use abi::Errno;
use abi::socket::{AF_UNIX, SockaddrUn};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::socket::Address;

/// Bytes of an address before its path.
pub(super) const PATH: usize = 2;

/// An address, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning<'a> {
    /// The name of a file, without its NUL.
    File(&'a [u8]),
    /// A name that is no file's: all bytes count, the first is NUL.
    Abstract(&'a [u8]),
    /// The family alone: bind finds a name.
    Any,
}

/// The family that an address names.
pub(super) fn family(address: &[u8]) -> Option<u16> {
    Some(u16::from_ne_bytes(address.get(..PATH)?.try_into().ok()?))
}

/// Takes an address apart.
///
/// # Errors
/// `EINVAL`: another family, or too long, or too short.
pub(super) fn parse(address: &[u8]) -> Result<Meaning<'_>, Errno> {
    if address.len() > size_of::<SockaddrUn>() || family(address) != Some(AF_UNIX) {
        return Err(Errno::EINVAL);
    }
    let path = address.get(PATH..).unwrap_or_default();
    match path.first() {
        None => Ok(Meaning::Any),
        Some(0) => Ok(Meaning::Abstract(path)),
        Some(_) => Ok(Meaning::File(path.split(|byte| *byte == 0).next().unwrap_or_default())),
    }
}

/// The address of these bytes of path.
///
/// # Errors
/// `ENOMEM`.
fn build(path: &[u8], end: &[u8]) -> Result<Address, Errno> {
    let mut bytes = Vec::new();
    aegis::charge::reserve_exact(&mut bytes, PATH + path.len() + end.len())?;
    bytes.extend_from_slice(&AF_UNIX.to_ne_bytes());
    bytes.extend_from_slice(path);
    bytes.extend_from_slice(end);
    Ok(bytes.into())
}

/// The address of a file: its name ends with a NUL, even where the caller's had no room for it.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn of_file(path: &[u8]) -> Result<Address, Errno> {
    build(path, &[0])
}

/// An abstract address.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn of_name(name: &[u8]) -> Result<Address, Errno> {
    build(name, &[])
}

/// The address of a socket that has none.
pub(super) fn unnamed() -> Address {
    Arc::new(AF_UNIX.to_ne_bytes())
}

#[cfg(test)]
mod tests {
    use super::{Meaning, parse};
    use abi::Errno;

    #[test]
    fn the_first_byte_tells_files_from_names() {
        assert_eq!(parse(b"\x01\0/tmp/x\0junk"), Ok(Meaning::File(b"/tmp/x")));
        assert_eq!(parse(b"\x01\0\0a\0b"), Ok(Meaning::Abstract(b"\0a\0b")));
        assert_eq!(parse(b"\x01\0"), Ok(Meaning::Any));
        assert_eq!(parse(b"\x02\0x"), Err(Errno::EINVAL));
        assert_eq!(parse(b"\x01"), Err(Errno::EINVAL));
        assert_eq!(parse(&[1; 111]), Err(Errno::EINVAL));
    }
}
