//! `recvfrom`, `recvmsg`, `recvmmsg`.

use abi::fs::MAX_RW_COUNT;
use abi::socket::{MessageFlags, Mmsghdr, Msghdr};
use abi::{Errno, Timespec};
use cerberus::Rights;
use chroma::{Fd, OpenFile, Sink};
use core::mem::offset_of;
use hal::UserAddr;
use net::{Incoming, Socket};
use process::Current;

use super::send::{header, parts, write_length};
use super::{address, control, socket_of};
use crate::argument::{Argument, In, InOut, OutBytes};
use crate::row::Outcome;
use crate::support::{after, count, duration};

fn nonblocking(file: &OpenFile, flags: MessageFlags) -> bool {
    file.nonblocking() || flags.contains(MessageFlags::DONTWAIT)
}

/// `recvfrom`.
pub fn recvfrom(
    current: &mut Current,
    fd: Fd,
    buffer: OutBytes,
    size: usize,
    flags: MessageFlags,
    from: UserAddr,
    length: InOut<i32>,
) -> Outcome {
    let size = size.min(MAX_RW_COUNT);
    if !buffer.0.is_user_range(size as u64) {
        return Err(Errno::EFAULT);
    }
    let (file, socket) = socket_of(current, fd, Rights::READ | Rights::RECEIVE)?;
    let mut sink = Sink::user(buffer.0, size);
    let mut message = Incoming::new(&mut sink, flags, nonblocking(&file, flags));
    message.wants_from = !from.is_null();
    let received = socket.receive(&mut message)?;
    if message.wants_from {
        address::write(message.from.as_deref().unwrap_or_default(), from, length)?;
    }
    count(received)
}

fn receive_one(
    current: &Current,
    file: &OpenFile,
    socket: &dyn Socket,
    at: InOut<Msghdr>,
    flags: MessageFlags,
) -> Result<usize, Errno> {
    let header = header(In::from_raw(at.address().get()))?;
    let parts = parts(&header)?;
    let mut sink = Sink::iovec(&parts);
    let mut message = Incoming::new(&mut sink, flags, nonblocking(file, flags));
    message.wants_from = header.msg_name != 0;
    message.reported = flags & MessageFlags::CMSG_CLOEXEC;
    let received = socket.receive(&mut message)?;
    let used = control::write(current, &header, &mut message);
    let field = |offset: usize| at.address().saturating_add(offset as u64);
    if message.wants_from {
        let length = InOut::from_raw(field(offset_of!(Msghdr, msg_namelen)).get());
        let name = message.from.as_deref().unwrap_or_default();
        address::write(name, UserAddr::new(header.msg_name), length)?;
    }
    let written = hal::user::write(field(offset_of!(Msghdr, msg_flags)), &message.reported.bits())
        .and_then(|()| hal::user::write(field(offset_of!(Msghdr, msg_controllen)), &used));
    written.map_err(|_| Errno::EFAULT)?;
    Ok(received)
}

/// `recvmsg`.
pub fn recvmsg(current: &mut Current, fd: Fd, header: InOut<Msghdr>, flags: MessageFlags) -> Outcome {
    let (file, socket) = socket_of(current, fd, Rights::READ | Rights::RECEIVE)?;
    count(receive_one(current, &file, &*socket, header, flags)?)
}

/// `recvmmsg`: as many as are asked for, or until the time is up (looked at after each), or an error, which counts only when
/// nothing was received.
pub fn recvmmsg(
    current: &mut Current,
    fd: Fd,
    list: InOut<Mmsghdr>,
    number: u32,
    flags: MessageFlags,
    timeout: InOut<Timespec>,
) -> Outcome {
    let end = match timeout.read_optional()? {
        Some(time) => Some(after(duration(time)?)),
        None => None,
    };
    let (file, socket) = socket_of(current, fd, Rights::READ | Rights::RECEIVE)?;
    let number = usize::try_from(number).unwrap_or(abi::fs::IOV_MAX).min(abi::fs::IOV_MAX);
    let mut one = flags.difference(MessageFlags::WAITFORONE);
    let mut received = 0;
    let mut outcome = Ok(());
    while received < number {
        let place = list.element(received);
        let header = InOut::from_raw(place.address().get());
        outcome =
            receive_one(current, &file, &*socket, header, one).and_then(|length| write_length(place, length));
        if outcome.is_err() {
            break;
        }
        received += 1;
        if flags.contains(MessageFlags::WAITFORONE) {
            one |= MessageFlags::DONTWAIT;
        }
        if end.is_some_and(|end| hal::time::now() >= end) {
            break;
        }
    }
    if received == 0 {
        outcome?;
    }
    if let Some(end) = end {
        let left = end.since_boot().saturating_sub(hal::time::now().since_boot());
        timeout.write(&left.into())?;
    }
    count(received)
}
