//! `sendto`, `sendmsg`, `sendmmsg`.

use abi::Errno;
use abi::fs::{IOV_MAX, MAX_RW_COUNT};
use abi::socket::{MessageFlags, Mmsghdr, Msghdr};
use cerberus::Rights;
use chroma::{Fd, OpenFile, Source};
use hal::UserAddr;
use net::{Outgoing, Socket};
use process::Current;

use alloc::sync::Arc;

use super::{address, control, socket_of};
use crate::argument::{Argument, In, InBytes, InOut};
use crate::files::io::ranges;
use crate::row::Outcome;
use crate::support::{broken_pipe, count};

/// Sends, and sends SIGPIPE to who sends where that is due.
fn send(
    current: &Current,
    file: &OpenFile,
    socket: Arc<dyn Socket>,
    message: &mut Outgoing<'_, '_>,
) -> Result<usize, Errno> {
    message.nonblocking = file.nonblocking() || message.flags.contains(MessageFlags::DONTWAIT);
    let signals = socket.signals_broken_pipe() && !message.flags.contains(MessageFlags::NOSIGNAL);
    let outcome = socket.send(message);
    if outcome == Err(Errno::EPIPE) && signals {
        broken_pipe(current);
    }
    outcome
}

/// `sendto`.
pub fn sendto(
    current: &mut Current,
    fd: Fd,
    buffer: InBytes,
    size: usize,
    flags: MessageFlags,
    to: UserAddr,
    length: i32,
) -> Outcome {
    let size = size.min(MAX_RW_COUNT);
    if !buffer.0.is_user_range(size as u64) {
        return Err(Errno::EFAULT);
    }
    let (file, socket) = socket_of(current, fd, Rights::WRITE | Rights::SEND)?;
    let address = if to.is_null() { alloc::vec::Vec::new() } else { address::read(to, length)? };
    let view = current.view();
    let mut source = Source::user(buffer.0, size);
    let mut message = Outgoing::new(&mut source, false);
    message.flags = flags;
    if !address.is_empty() {
        message.to = Some(&address);
        message.view = Some(&view);
    }
    count(send(current, &file, socket, &mut message)?)
}

/// The header of a message, checked.
///
/// # Errors
/// `EINVAL`: a negative length of an address; `EMSGSIZE`: too many parts; `EFAULT`.
pub(super) fn header(at: In<Msghdr>) -> Result<Msghdr, Errno> {
    let mut header = at.read()?;
    if header.msg_name == 0 {
        header.msg_namelen = 0;
    }
    if header.msg_namelen < 0 {
        return Err(Errno::EINVAL);
    }
    header.msg_namelen = header.msg_namelen.min(abi::socket::SOCKADDR_MAX as i32);
    if header.msg_iovlen > IOV_MAX as u64 {
        return Err(Errno::EMSGSIZE);
    }
    Ok(header)
}

/// The parts of a message.
///
/// # Errors
/// As of `readv`.
pub(super) fn parts(header: &Msghdr) -> Result<alloc::vec::Vec<abi::Iovec>, Errno> {
    let number = usize::try_from(header.msg_iovlen).map_err(|_| Errno::EMSGSIZE)?;
    ranges(In::from_raw(header.msg_iov), number)
}

fn send_one(
    current: &Current,
    file: &OpenFile,
    socket: &Arc<dyn Socket>,
    at: In<Msghdr>,
    flags: MessageFlags,
) -> Result<usize, Errno> {
    let header = header(at)?;
    let address = address::read(UserAddr::new(header.msg_name), header.msg_namelen)?;
    let parts = parts(&header)?;
    let carried = control::read(current, &header)?;
    let view = current.view();
    let mut source = Source::iovec(&parts);
    let mut message = Outgoing::new(&mut source, false);
    message.flags = flags;
    message.rights = carried.rights;
    message.sender = carried.sender;
    if !address.is_empty() {
        message.to = Some(&address);
        message.view = Some(&view);
    }
    send(current, file, socket.clone(), &mut message)
}

/// `sendmsg`.
pub fn sendmsg(current: &mut Current, fd: Fd, header: In<Msghdr>, flags: MessageFlags) -> Outcome {
    let (file, socket) = socket_of(current, fd, Rights::WRITE | Rights::SEND)?;
    count(send_one(current, &file, &socket, header, flags)?)
}

/// `sendmmsg`: an error counts only when nothing was sent.
pub fn sendmmsg(
    current: &mut Current,
    fd: Fd,
    list: InOut<Mmsghdr>,
    number: u32,
    flags: MessageFlags,
) -> Outcome {
    let (file, socket) = socket_of(current, fd, Rights::WRITE | Rights::SEND)?;
    let number = usize::try_from(number).unwrap_or(IOV_MAX).min(IOV_MAX);
    for index in 0..number {
        let place = list.element(index);
        let header = In::from_raw(place.address().get());
        let sent =
            send_one(current, &file, &socket, header, flags).and_then(|sent| write_length(place, sent));
        if let Err(error) = sent {
            return if index > 0 { count(index) } else { Err(error) };
        }
    }
    count(number)
}

/// Notes how long a message of a list was.
///
/// # Errors
/// `EFAULT`.
pub(super) fn write_length(place: InOut<Mmsghdr>, length: usize) -> Result<(), Errno> {
    let at = place.address().saturating_add(core::mem::offset_of!(Mmsghdr, msg_len) as u64);
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    hal::user::write(at, &length).map_err(|_| Errno::EFAULT)
}
