//! Sending.

use core::sync::atomic::Ordering;

use abi::Errno;
use abi::socket::{MessageFlags, Ucred};
use alloc::sync::Arc;
use chronos::WaitKind;

use super::connect::{bind_to_be_told, find, may_send, separate};
use super::flight::InFlight;
use super::message::{Charge, Message, STREAM_MOST, datagram_cost, stream_cost};
use super::{DATA, Item, SPACE, State, UnixSocket};
use crate::identity;
use crate::options::Patience;
use crate::socket::{Outgoing, Shutdown};

/// What Linux keeps free of a datagram socket's limit.
const SPARE: usize = 32;

impl UnixSocket {
    /// Waits until more may be under way, and takes `amount` of it.
    fn reserve(
        self: &Arc<Self>,
        amount: usize,
        nonblocking: bool,
        patience: Patience,
    ) -> Result<Charge, Errno> {
        let has_room = || self.under_way.load(Ordering::Acquire) < self.options.send_limit();
        loop {
            self.check_error()?;
            if self.is_shut(Shutdown::SEND) {
                return Err(Errno::EPIPE);
            }
            if has_room() {
                return Ok(Charge::take(self, amount));
            }
            if nonblocking {
                return Err(Errno::EAGAIN);
            }
            let changed = || self.is_shut(Shutdown::SEND) || self.has_error();
            let ready = || (has_room() || changed()).then_some(());
            let waited = self.writable.wait(WaitKind::Interruptible, patience.deadline, ready);
            waited.map_err(|why| patience.error(why))?;
        }
    }

    /// Who a message says sends it: who the call says, or who runs, if one of the two wants to know.
    fn tells(&self, to: &UnixSocket, said: Option<Ucred>) -> Option<Ucred> {
        // What is not accepted yet may want to know later.
        let wants = |socket: &UnixSocket| {
            socket.options.passes_credentials() || socket.inode.load(Ordering::Relaxed) == 0
        };
        said.or_else(|| (wants(self) || wants(to)).then(|| identity::current().sender))
    }
}

/// Sends bytes: as many messages as they need.
pub(super) fn stream(socket: &Arc<UnixSocket>, m: &mut Outgoing<'_, '_>) -> Result<usize, Errno> {
    let mut files = m.rights.take().map(InFlight::take_off);
    if m.flags.contains(MessageFlags::OOB) {
        return Err(Errno::EOPNOTSUPP);
    }
    let (connected, peer) = {
        let link = socket.link.lock();
        (link.state == State::Connected, link.peer.clone())
    };
    if m.to.is_some() {
        return Err(if connected { Errno::EISCONN } else { Errno::EOPNOTSUPP });
    }
    let other = peer.ok_or(Errno::ENOTCONN)?;
    if socket.is_shut(Shutdown::SEND) {
        return Err(Errno::EPIPE);
    }
    let patience = socket.options.patience(false);
    let mut sent = 0;
    while m.data.remaining() > 0 {
        match one_of_stream(socket, &other, m, &mut files, patience) {
            Ok(count) => sent += count,
            Err(error) => return if sent > 0 { Ok(sent) } else { Err(error) },
        }
    }
    Ok(sent)
}

fn one_of_stream(
    socket: &Arc<UnixSocket>,
    other: &Arc<UnixSocket>,
    m: &mut Outgoing<'_, '_>,
    files: &mut Option<InFlight>,
    patience: Patience,
) -> Result<usize, Errno> {
    // At least two messages at a time: one is received while the next is made.
    let half = socket.options.send_limit() / 2 - 64;
    let len = m.data.remaining().min(half).min(STREAM_MOST);
    let charge = socket.reserve(stream_cost(len), m.nonblocking, patience)?;
    let mut message = Message::build(m.data, len, charge)?;
    message.files = files.take();
    message.ucred = socket.tells(other, m.sender);
    {
        let mut queue = other.queue.lock();
        if other.is_dead() || other.is_shut(Shutdown::RECEIVE) {
            return Err(Errno::EPIPE);
        }
        aegis::charge::reserve(&mut *queue, 1).map_err(|_| Errno::ENOBUFS)?;
        other.push(&mut queue, Item::Message(message));
    }
    other.readable.wake_all(DATA);
    Ok(len)
}

/// Sends a packet over a connection.
pub(super) fn packet(socket: &Arc<UnixSocket>, m: &mut Outgoing<'_, '_>) -> Result<usize, Errno> {
    socket.check_error()?;
    if socket.state() != State::Connected {
        return Err(Errno::ENOTCONN);
    }
    m.to = None;
    datagram(socket, m)
}

/// Sends a datagram, or a packet.
pub(super) fn datagram(socket: &Arc<UnixSocket>, m: &mut Outgoing<'_, '_>) -> Result<usize, Errno> {
    let files = m.rights.take().map(InFlight::take_off);
    if m.flags.contains(MessageFlags::OOB) {
        return Err(Errno::EOPNOTSUPP);
    }
    let mut other = match m.to {
        Some(_) => None,
        None => Some(socket.peer().ok_or(Errno::ENOTCONN)?),
    };
    if let Some(to) = m.to
        && super::address::parse(to)? == super::address::Meaning::Any
    {
        return Err(Errno::EINVAL);
    }
    bind_to_be_told(socket)?;
    let len = m.data.remaining();
    if len > socket.options.send_limit().saturating_sub(SPARE) {
        return Err(Errno::EMSGSIZE);
    }
    let patience = socket.options.patience(false);
    let charge = socket.reserve(datagram_cost(len), m.nonblocking, patience)?;
    let mut message = Message::build(m.data, len, charge)?;
    message.files = files;
    loop {
        let target = match (other.take(), m.to) {
            (Some(target), _) => target,
            (None, Some(to)) => find(socket.kind, m.view, to)?,
            (None, None) => return Err(Errno::ECONNRESET),
        };
        message.ucred = socket.tells(&target, m.sender);
        match deliver(socket, &target, message)? {
            None => break,
            Some(back) => message = back,
        }
        if target.is_dead() {
            leave_dead(socket, &target)?;
            continue;
        }
        if m.nonblocking {
            return Err(Errno::EAGAIN);
        }
        let room =
            || (!target.is_full() || target.is_dead() || target.is_shut(Shutdown::RECEIVE)).then_some(());
        let waited = target.room.wait(WaitKind::Interruptible, patience.deadline, room);
        waited.map_err(|why| patience.error(why))?;
        other = m.to.is_none().then_some(target);
    }
    Ok(len)
}

/// Puts a message into the queue of its receiver; gives it back when that is dead or full. What is not put there is dropped
/// with the queue free.
fn deliver(
    socket: &Arc<UnixSocket>,
    to: &Arc<UnixSocket>,
    message: Message,
) -> Result<Option<Message>, Errno> {
    if !may_send(socket, to) {
        return Err(Errno::EPERM);
    }
    {
        let mut queue = to.queue.lock();
        if to.is_dead() {
            return Ok(Some(message));
        }
        if to.is_shut(Shutdown::RECEIVE) {
            return Err(Errno::EPIPE);
        }
        // A pair is limited by what each may have under way alone.
        let is_own = Arc::ptr_eq(socket, to) || to.peer().is_some_and(|peer| Arc::ptr_eq(&peer, socket));
        if !is_own && to.is_full() {
            return Ok(Some(message));
        }
        aegis::charge::reserve(&mut *queue, 1).map_err(|_| Errno::ENOBUFS)?;
        to.push(&mut queue, Item::Message(message));
    }
    to.readable.wake_all(DATA);
    Ok(None)
}

/// The receiver is gone: if it was the socket's peer, it is so no longer.
fn leave_dead(socket: &Arc<UnixSocket>, dead: &Arc<UnixSocket>) -> Result<(), Errno> {
    if socket.kind.connects() {
        return Err(Errno::EPIPE);
    }
    let was_peer = {
        let mut link = socket.link.lock();
        let is_peer = link.peer.as_ref().is_some_and(|peer| Arc::ptr_eq(peer, dead));
        if is_peer {
            link.state = State::Unconnected;
            link.peer.take()
        } else {
            None
        }
    };
    let Some(peer) = was_peer else { return Ok(()) };
    separate(socket, &peer);
    socket.writable.wake_all(SPACE);
    Err(Errno::ECONNREFUSED)
}
