//! New sockets.

use abi::socket::{SOCK_TYPE_MASK, SocketFlags};
use abi::{Errno, OpenFlags};
use alloc::sync::Arc;
use chroma::fdtable::capability;
use net::{Socket, family, file};
use process::Current;

use crate::argument::Out;
use crate::files::descriptors::publish;
use crate::row::Outcome;
use crate::support::DONE;

/// The flags that are given with a type, and to `accept4`.
///
/// # Errors
/// `EINVAL`: unknown ones.
pub(super) fn flags(bits: i32) -> Result<SocketFlags, Errno> {
    SocketFlags::from_bits(bits.cast_unsigned()).ok_or(Errno::EINVAL)
}

/// The status flags of a new socket's file.
pub(super) fn status(flags: SocketFlags) -> OpenFlags {
    OpenFlags::from_bits_retain(flags.bits()) & OpenFlags::NONBLOCK
}

fn create(family: i32, kind: i32, protocol: i32) -> Result<Arc<dyn Socket>, Errno> {
    let kind = kind & SOCK_TYPE_MASK;
    family::find(family, kind)?.create(kind, protocol)
}

/// `socket`.
pub fn socket(current: &mut Current, family: i32, kind: i32, protocol: i32) -> Outcome {
    let flags = flags(kind & !SOCK_TYPE_MASK)?;
    let socket = create(family, kind, protocol)?;
    let file = file::open(socket, status(flags), &current.cred)?;
    publish(current, file, flags.contains(SocketFlags::CLOEXEC))
}

/// `socketpair`.
pub fn socketpair(
    current: &mut Current,
    family: i32,
    kind: i32,
    protocol: i32,
    pair: Out<[i32; 2]>,
) -> Outcome {
    let flags = flags(kind & !SOCK_TYPE_MASK)?;
    let (a, b) = (create(family, kind, protocol)?, create(family, kind, protocol)?);
    let first = file::open(a.clone(), status(flags), &current.cred)?;
    let second = file::open(b.clone(), status(flags), &current.cred)?;
    family::find(family, kind & SOCK_TYPE_MASK)?.pair(&a, &b)?;
    let (close_on_exec, limit) = (flags.contains(SocketFlags::CLOEXEC), current.fd_limit());
    let (one, two) = (current.files.reserve(limit)?, current.files.reserve(limit)?);
    pair.write(&[one.fd().0, two.fd().0])?;
    one.fill(capability(first), close_on_exec);
    two.fill(capability(second), close_on_exec);
    DONE
}
