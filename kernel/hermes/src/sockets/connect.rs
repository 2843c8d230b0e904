//! Addresses and connections.

use abi::socket::{SOMAXCONN, SocketFlags};
use abi::{Errno, Mode};
use cerberus::Rights;
use chroma::fdtable::capability;
use chroma::{Admission, Fd};
use hal::UserAddr;
use net::{Shutdown, file};
use process::Current;

use super::create::{flags, status};
use super::{address, socket_of};
use crate::argument::InOut;
use crate::row::Outcome;
use crate::support::{DONE, descriptor};

/// `bind`.
pub fn bind(current: &mut Current, fd: Fd, at: UserAddr, length: i32) -> Outcome {
    let (file, socket) = socket_of(current, fd, Rights::BIND)?;
    let address = address::read(at, length)?;
    let mode = file.inode().read_attributes(|attributes| attributes.mode);
    let mode = Mode(mode.0 & !current.fs.umask().0);
    socket.bind(&current.view(), &address, mode)?;
    DONE
}

/// `listen`.
pub fn listen(current: &mut Current, fd: Fd, backlog: i32) -> Outcome {
    let (_, socket) = socket_of(current, fd, Rights::LISTEN)?;
    socket.listen(backlog.cast_unsigned().min(SOMAXCONN))?;
    DONE
}

/// `connect`.
pub fn connect(current: &mut Current, fd: Fd, to: UserAddr, length: i32) -> Outcome {
    let (file, socket) = socket_of(current, fd, Rights::CONNECT)?;
    let address = address::read(to, length)?;
    socket.connect(&current.view(), &address, file.nonblocking())?;
    DONE
}

/// `accept`.
pub fn accept(current: &mut Current, fd: Fd, from: UserAddr, length: InOut<i32>) -> Outcome {
    accept4(current, fd, from, length, 0)
}

/// `accept4`.
pub fn accept4(current: &mut Current, fd: Fd, from: UserAddr, length: InOut<i32>, bits: i32) -> Outcome {
    let flags = flags(bits)?;
    let (listening, socket) = socket_of(current, fd, Rights::ACCEPT)?;
    // First: a connection that was taken could not be put back.
    let number = current.files.reserve(current.fd_limit())?;
    let admission = Admission::new(&current.cred)?;
    let connection = socket.accept(listening.nonblocking())?;
    let accepted = file::open_admitted(admission, connection, status(flags), &current.cred)?;
    if !from.is_null() {
        let name = file::of(&accepted)?.peer_name().map_err(|_| Errno::ECONNABORTED)?;
        address::write(&name, from, length)?;
    }
    descriptor(number.fill(capability(accepted), flags.contains(SocketFlags::CLOEXEC)))
}

/// `getsockname`.
pub fn getsockname(current: &mut Current, fd: Fd, to: UserAddr, length: InOut<i32>) -> Outcome {
    let (_, socket) = socket_of(current, fd, Rights::empty())?;
    address::write(&socket.name()?, to, length)?;
    DONE
}

/// `getpeername`.
pub fn getpeername(current: &mut Current, fd: Fd, to: UserAddr, length: InOut<i32>) -> Outcome {
    let (_, socket) = socket_of(current, fd, Rights::empty())?;
    address::write(&socket.peer_name()?, to, length)?;
    DONE
}

/// `shutdown`.
pub fn shutdown(current: &mut Current, fd: Fd, how: i32) -> Outcome {
    let (_, socket) = socket_of(current, fd, Rights::SHUTDOWN)?;
    socket.shutdown(Shutdown::from_number(how)?)?;
    DONE
}
