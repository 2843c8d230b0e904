//! Receiving.

use core::sync::atomic::Ordering;

use abi::Errno;
use abi::socket::{MessageFlags, Ucred};
use chronos::WaitKind;

use super::flight::InFlight;
use super::{Item, SPACE, State, UnixSocket};
use crate::socket::{Incoming, Kind, Shutdown};

/// Who sent a message that does not say it, to a socket that wants to know: nobody.
const NOBODY: Ucred = Ucred { pid: 0, uid: 65534, gid: 65534 };

/// How far a receiver of bytes came.
struct Progress {
    copied: usize,
    /// The message to look at next: above 0 only for who peeks.
    index: usize,
    /// Files of a message that was taken: counted out when the queue is free.
    files: Option<InFlight>,
}

/// Receives bytes: of one message after the other, until there are enough, or one carries files, or comes from someone else.
pub(super) fn stream(socket: &UnixSocket, m: &mut Incoming<'_, '_>) -> Result<usize, Errno> {
    if socket.state() != State::Connected || m.flags.contains(MessageFlags::OOB) {
        return Err(Errno::EINVAL);
    }
    let wanted = m.data.remaining();
    let low = if m.flags.contains(MessageFlags::WAITALL) {
        wanted
    } else {
        wanted.min(socket.options.low_water() as usize)
    };
    let target = low.max(1);
    let patience = socket.options.patience(true);
    let mut progress = Progress { copied: 0, index: 0, files: None };
    loop {
        let done = take_bytes(socket, m, &mut progress);
        if let Some(files) = progress.files.take() {
            m.files = files.land();
        }
        let copied = progress.copied;
        match done {
            Ok(true) => return Ok(copied),
            Ok(false) if copied >= target => return Ok(copied),
            Ok(false) => {}
            Err(error) => return if copied > 0 { Ok(copied) } else { Err(error) },
        }
        // What came before the end, or the error, is received before it is told.
        let (failed, ended) = (socket.has_error(), socket.is_shut(Shutdown::RECEIVE));
        if (failed || ended) && socket.queued.load(Ordering::Acquire) > progress.index {
            continue;
        }
        if failed && let Err(error) = socket.check_error() {
            return if copied > 0 { Ok(copied) } else { Err(error) };
        }
        if ended {
            return Ok(copied);
        }
        if m.nonblocking {
            return if copied > 0 { Ok(copied) } else { Err(Errno::EAGAIN) };
        }
        if let Err(why) = wait_for(socket, progress.index, patience.deadline) {
            return if copied > 0 { Ok(copied) } else { Err(patience.error(why)) };
        }
    }
}

fn wait_for(
    socket: &UnixSocket,
    index: usize,
    deadline: Option<hal::Instant>,
) -> Result<(), chronos::WaitError> {
    let come = || {
        let more = socket.queued.load(Ordering::Acquire) > index;
        (more || socket.has_error() || socket.is_shut(Shutdown::RECEIVE)).then_some(())
    };
    socket.readable.wait(WaitKind::Interruptible, deadline, come)
}

/// Takes bytes out of the queue; says whether that is all that the call gets.
fn take_bytes(socket: &UnixSocket, m: &mut Incoming<'_, '_>, progress: &mut Progress) -> Result<bool, Errno> {
    let peeks = m.flags.contains(MessageFlags::PEEK);
    let mut queue = socket.queue.lock();
    loop {
        let Some(Item::Message(message)) = queue.get_mut(progress.index) else { return Ok(false) };
        if socket.options.passes_credentials() {
            let sender = message.ucred.unwrap_or(NOBODY);
            if *m.sender.get_or_insert(sender) != sender {
                return Ok(true);
            }
        }
        if m.wants_from && m.from.is_none() {
            m.from = message.charge.sender.address();
        }
        let count = message.put(m.data)?;
        progress.copied += count;
        let mut last = false;
        if peeks {
            if let Some(files) = &message.files {
                m.files = files.copy();
                last = true;
            }
            progress.index += 1;
        } else {
            message.consume(count);
            if let Some(files) = message.files.take() {
                progress.files = Some(files);
                last = true;
            }
            if message.remaining() > 0 {
                return Ok(true);
            }
            drop(socket.pop(&mut queue));
        }
        if last || m.data.remaining() == 0 {
            return Ok(true);
        }
    }
}

/// Receives a datagram, or a packet.
pub(super) fn datagram(socket: &UnixSocket, m: &mut Incoming<'_, '_>) -> Result<usize, Errno> {
    let connects = socket.kind == Kind::SeqPacket;
    if connects && socket.state() != State::Connected {
        return Err(Errno::ENOTCONN);
    }
    if m.flags.contains(MessageFlags::OOB) {
        return Err(Errno::EOPNOTSUPP);
    }
    let patience = socket.options.patience(true);
    loop {
        socket.check_error()?;
        if let Some(count) = take_datagram(socket, m) {
            return count;
        }
        let ended = socket.is_shut(Shutdown::RECEIVE);
        if ended && (connects || !m.nonblocking) {
            if socket.queued.load(Ordering::Acquire) > 0 {
                continue; // what came right before the end
            }
            return Ok(0);
        }
        if m.nonblocking {
            return Err(Errno::EAGAIN);
        }
        wait_for(socket, 0, patience.deadline).map_err(|why| patience.error(why))?;
    }
}

/// Takes a message, or looks at it; `None` if there is none.
fn take_datagram(socket: &UnixSocket, m: &mut Incoming<'_, '_>) -> Option<Result<usize, Errno>> {
    let mut queue = socket.queue.lock();
    if m.flags.contains(MessageFlags::PEEK) {
        let Some(Item::Message(message)) = queue.front() else { return None };
        if let Some(files) = &message.files {
            m.files = files.copy();
        }
        return Some(copy_datagram(socket, message, m));
    }
    let Some(Item::Message(mut message)) = socket.pop(&mut queue) else { return None };
    drop(queue);
    socket.room.wake_all(SPACE);
    let count = copy_datagram(socket, &message, m);
    if let Some(files) = message.files.take()
        && count.is_ok()
    {
        m.files = files.land();
    }
    Some(count)
}

fn copy_datagram(
    socket: &UnixSocket,
    message: &super::message::Message,
    m: &mut Incoming<'_, '_>,
) -> Result<usize, Errno> {
    let (len, room) = (message.remaining(), m.data.remaining());
    if m.wants_from {
        m.from = message.charge.sender.address();
    }
    if len > room {
        m.reported |= MessageFlags::TRUNC;
    }
    if socket.options.passes_credentials() {
        m.sender = Some(message.ucred.unwrap_or(NOBODY));
    }
    let wanted = len.min(room);
    let count = if wanted > 0 { message.put(m.data)? } else { 0 };
    if count < wanted {
        return Err(Errno::EFAULT);
    }
    Ok(if m.flags.contains(MessageFlags::TRUNC) { len } else { count })
}
