//! What happens to a socket besides messages: readiness, shutdown, its end.

use core::sync::atomic::Ordering;

use abi::ioctl::{FIONREAD, TIOCOUTQ};
use abi::{Errno, PollEvents};
use alloc::sync::Arc;
use chroma::PollTable;
use chroma::file::Ioctl;
use chronos::Events;

use super::{Item, SPACE, State, UnixSocket, grave, names};
use crate::socket::{Kind, Shutdown};

/// The other side sends no more.
const ENDED: PollEvents = PollEvents::READABLE.union(PollEvents::RDHUP);
/// More can be sent.
const WRITABLE: PollEvents = PollEvents::WRITABLE.union(PollEvents::WRBAND);

impl UnixSocket {
    /// Wakes everybody: its state is another.
    fn changed(&self) {
        self.readable.wake_all(Events::all());
        self.writable.wake_all(Events::all());
    }
}

/// The events that are true now.
pub(super) fn poll(socket: &UnixSocket, table: Option<&PollTable>) -> PollEvents {
    if let Some(table) = table {
        table.watch(&socket.readable, ENDED);
        table.watch(&socket.writable, WRITABLE);
    }
    let (state, peer) = {
        let link = socket.link.lock();
        // Only who sends datagrams looks at the other side.
        (link.state, link.peer.as_ref().filter(|_| socket.kind == Kind::Datagram).cloned())
    };
    if let (Some(table), Some(peer)) = (table, &peer) {
        table.watch(&peer.room, WRITABLE);
    }
    let shut = socket.shut();
    let mut events = PollEvents::empty();
    events.set(PollEvents::ERR, socket.has_error());
    let unstarted = socket.kind.connects() && state == State::Unconnected;
    events.set(PollEvents::HUP, shut == Shutdown::all() || unstarted);
    events.set(ENDED, shut.contains(Shutdown::RECEIVE));
    if socket.queued.load(Ordering::Acquire) > 0 {
        events |= PollEvents::READABLE;
    }
    let used = socket.under_way.load(Ordering::Acquire);
    let space = UnixSocket::has_space(used, socket.options.send_limit());
    if space && state != State::Listening && !peer.is_some_and(|peer| is_blocked(socket, &peer)) {
        events |= WRITABLE;
    }
    events
}

/// Whether a datagram socket's peer takes no more from it. A pair is limited otherwise.
fn is_blocked(socket: &UnixSocket, peer: &Arc<UnixSocket>) -> bool {
    let is_pair = peer.peer().is_some_and(|back| core::ptr::eq(Arc::as_ptr(&back), socket));
    !is_pair && peer.is_full()
}

/// `ioctl`.
pub(super) fn ioctl(socket: &UnixSocket, call: &Ioctl<'_>) -> Result<i64, Errno> {
    let count = match call.command {
        TIOCOUTQ => socket.under_way.load(Ordering::Acquire),
        FIONREAD => {
            if socket.state() == State::Listening {
                return Err(Errno::EINVAL);
            }
            // Of datagrams only the first counts: it is what a read would give.
            let most = if socket.kind == Kind::Datagram { 1 } else { usize::MAX };
            let len = |item: &Item| match item {
                Item::Message(message) => message.remaining(),
                Item::Connection(_) => 0,
            };
            socket.queue.lock().iter().take(most).map(len).sum()
        }
        _ => return Err(Errno::ENOTTY),
    };
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    hal::user::write(call.address(), &count).map_err(|_| Errno::EFAULT)?;
    Ok(0)
}

/// Shuts halves down, and the matching ones of the other side of a connection.
pub(super) fn shutdown(socket: &UnixSocket, halves: Shutdown) {
    socket.shut.fetch_or(halves.bits(), Ordering::AcqRel);
    if socket.kind.connects()
        && let Some(peer) = socket.peer()
    {
        peer.shut.fetch_or(halves.mirrored().bits(), Ordering::AcqRel);
        peer.changed();
    }
    socket.changed();
    socket.room.wake_all(SPACE);
}

/// The end: nobody can use the socket any more. `unaccepted`: nobody ever could.
pub(super) fn release(socket: &UnixSocket, unaccepted: bool) {
    socket.dead.store(true, Ordering::Release);
    let (path, peer) = {
        let mut link = socket.link.lock();
        link.state = State::Unconnected;
        (link.path.take(), link.peer.take())
    };
    names::forget(socket, path.as_ref().and_then(|path| path.dentry.inode().ok()));
    let waiting = {
        let mut queue = socket.queue.lock();
        socket.queued.store(0, Ordering::Release);
        core::mem::take(&mut *queue)
    };
    socket.shut.store(Shutdown::all().bits(), Ordering::Release);
    socket.room.wake_all(SPACE);
    if let Some(peer) = peer
        && socket.kind.connects()
    {
        if !waiting.is_empty() || unaccepted {
            peer.set_error(Errno::ECONNRESET);
        }
        peer.shut.store(Shutdown::all().bits(), Ordering::Release);
        peer.changed();
    }
    for item in waiting {
        match item {
            Item::Message(message) => drop(message),
            // It holds messages at most, no connections: this goes one step deep.
            Item::Connection(connection) => release(&connection, true),
        }
    }
    if !unaccepted {
        grave::sweep();
    }
}
