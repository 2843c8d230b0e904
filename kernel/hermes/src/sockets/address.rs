//! Addresses from and to user memory.

use abi::Errno;
use abi::socket::SOCKADDR_MAX;
use alloc::vec::Vec;
use hal::{UserAddr, user};

use crate::argument::InOut;

/// An address that a program gives: these bytes.
///
/// # Errors
/// `EINVAL`: no such length; `EFAULT`.
pub(super) fn read(address: UserAddr, length: i32) -> Result<Vec<u8>, Errno> {
    let length =
        usize::try_from(length).ok().filter(|length| *length <= SOCKADDR_MAX).ok_or(Errno::EINVAL)?;
    let mut bytes = Vec::new();
    aegis::charge::reserve_exact(&mut bytes, length)?;
    bytes.resize(length, 0);
    user::read_bytes(address, &mut bytes).map_err(|_| Errno::EFAULT)?;
    Ok(bytes)
}

/// Gives an address to a program: as much as there is room for, and its length.
///
/// # Errors
/// `EINVAL`: a negative length; `EFAULT`.
pub(super) fn write(bytes: &[u8], to: UserAddr, length: InOut<i32>) -> Result<(), Errno> {
    let room = usize::try_from(length.read()?).map_err(|_| Errno::EINVAL)?;
    let part = bytes.get(..room.min(bytes.len())).unwrap_or_default();
    if !part.is_empty() {
        user::write_bytes(to, part).map_err(|_| Errno::EFAULT)?;
    }
    length.write(&i32::try_from(bytes.len()).unwrap_or(i32::MAX))
}
