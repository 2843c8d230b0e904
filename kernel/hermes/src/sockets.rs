//! Sockets: there is no family yet, and each is refused as by a Linux that was built without it.

use abi::Errno;
use cerberus::Rights;
use chroma::Fd;
use hal::UserAddr;
use process::Current;

use crate::argument::Out;
use crate::row::Outcome;
use crate::support::file;

/// `socket`.
pub fn socket(_current: &mut Current, _family: i32, _kind: i32, _protocol: i32) -> Outcome {
    Err(Errno::EAFNOSUPPORT)
}

/// `socketpair`.
pub fn socketpair(
    _current: &mut Current,
    _family: i32,
    _kind: i32,
    _protocol: i32,
    _pair: Out<[i32; 2]>,
) -> Outcome {
    Err(Errno::EAFNOSUPPORT)
}

/// Every other call on a socket: no descriptor is one.
pub fn not_a_socket(
    current: &mut Current,
    fd: Fd,
    _a: UserAddr,
    _b: UserAddr,
    _c: UserAddr,
    _d: UserAddr,
    _e: UserAddr,
) -> Outcome {
    file(current, fd, Rights::empty())?;
    Err(Errno::ENOTSOCK)
}
