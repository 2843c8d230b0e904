//! Families of sockets, by number.

use abi::Errno;
use abi::socket::{AF_MAX, AF_UNIX, SOCK_MAX};
use alloc::sync::Arc;

use crate::socket::Socket;
use crate::unix::Unix;

/// A family: makes its sockets.
pub trait Family: Sync {
    /// A socket of this type and protocol.
    ///
    /// # Errors
    /// `EPROTONOSUPPORT`, `ESOCKTNOSUPPORT`: the family has no such; `ENFILE`: too many sockets.
    fn create(&self, kind: i32, protocol: i32) -> Result<Arc<dyn Socket>, Errno>;

    /// Connects two new sockets of the family (`socketpair`).
    ///
    /// # Errors
    /// `EOPNOTSUPP`: the family has no pairs.
    fn pair(&self, _a: &Arc<dyn Socket>, _b: &Arc<dyn Socket>) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }
}

/// The family of this number, for a socket of this type.
///
/// # Errors
/// `EAFNOSUPPORT`: there is none; `EINVAL`: there can be no such type.
pub fn find(number: i32, kind: i32) -> Result<&'static dyn Family, Errno> {
    if !(0..AF_MAX).contains(&number) {
        return Err(Errno::EAFNOSUPPORT);
    }
    if !(0..SOCK_MAX).contains(&kind) {
        return Err(Errno::EINVAL);
    }
    if number == i32::from(AF_UNIX) { Ok(&Unix) } else { Err(Errno::EAFNOSUPPORT) }
}
