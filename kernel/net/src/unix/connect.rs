//! Addresses and connections: bind, listen, connect, accept, pairs.

use core::sync::atomic::{AtomicU32, Ordering};

use abi::socket::AF_UNSPEC;
use abi::{Errno, Mode};
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use chroma::cred::Access;
use chroma::ops::Node;
use chroma::walk::WalkFlags;
use chroma::{FileKind, View};
use chronos::{Events, WaitKind};

use super::address::{self, Meaning};
use super::{DATA, Item, SPACE, State, UnixSocket, names};
use crate::identity;
use crate::socket::{Kind, Shutdown};

/// Where the search for a free name went on last.
static NEXT_NAME: AtomicU32 = AtomicU32::new(0);
/// How many such names there are: five hexadecimal digits.
const NAMES: u32 = 1 << 20;

/// Connects two new sockets.
pub(super) fn pair(a: &Arc<UnixSocket>, b: &Arc<UnixSocket>) {
    let peer = identity::current().peer;
    for (own, other) in [(a, b), (b, a)] {
        let mut link = own.link.lock();
        link.peer = Some(other.clone());
        link.identity = Some(peer);
        link.state = State::Connected;
    }
}

/// Gives a socket an address.
pub(super) fn bind(
    socket: &Arc<UnixSocket>,
    view: &View<'_>,
    address: &[u8],
    mode: Mode,
) -> Result<(), Errno> {
    match address::parse(address)? {
        Meaning::Any => bind_anywhere(socket),
        Meaning::File(path) => bind_file(socket, view, path, mode),
        Meaning::Abstract(name) => {
            let name = address::of_name(name)?;
            let _binding = socket.binding.lock();
            if socket.address().is_some() {
                return Err(Errno::EINVAL);
            }
            names::claim(socket, &name)?;
            socket.link.lock().address = Some(name);
            Ok(())
        }
    }
}

fn bind_file(socket: &Arc<UnixSocket>, view: &View<'_>, path: &[u8], mode: Mode) -> Result<(), Errno> {
    let address = address::of_file(path)?;
    let _binding = socket.binding.lock();
    if socket.address().is_some() {
        // Linux makes the file first, and removes it when it finds that.
        let taken = view.resolve(path, WalkFlags::empty()).is_ok();
        return Err(if taken { Errno::EADDRINUSE } else { Errno::EINVAL });
    }
    let node = Node::new(FileKind::Socket, mode, Mode(0));
    let place = view.bind_socket(path, &node).map_err(|error| match error {
        Errno::EEXIST => Errno::EADDRINUSE,
        other => other,
    })?;
    names::bind(socket, place.dentry.inode()?);
    let mut link = socket.link.lock();
    link.address = Some(address);
    link.path = Some(place);
    Ok(())
}

/// Finds a socket without an address a free abstract one.
fn bind_anywhere(socket: &Arc<UnixSocket>) -> Result<(), Errno> {
    let _binding = socket.binding.lock();
    if socket.address().is_some() {
        return Ok(());
    }
    for _ in 0..NAMES {
        let number = NEXT_NAME.fetch_add(1, Ordering::Relaxed) % NAMES;
        let name = address::of_name(alloc::format!("\0{number:05x}").as_bytes())?;
        if names::claim(socket, &name).is_ok() {
            socket.link.lock().address = Some(name);
            return Ok(());
        }
    }
    Err(Errno::ENOSPC)
}

/// A socket that tells its sender needs an address to be told.
pub(super) fn bind_to_be_told(socket: &Arc<UnixSocket>) -> Result<(), Errno> {
    if socket.options.passes_credentials() && socket.address().is_none() {
        bind_anywhere(socket)
    } else {
        Ok(())
    }
}

/// The socket that has an address.
///
/// # Errors
/// `ECONNREFUSED`; `EPROTOTYPE`: one of another type has that file; `EACCES`; those of the walk.
pub(super) fn find(kind: Kind, view: Option<&View<'_>>, address: &[u8]) -> Result<Arc<UnixSocket>, Errno> {
    let path = match address::parse(address)? {
        Meaning::Any => return Err(Errno::EINVAL),
        Meaning::Abstract(name) => return names::find(kind.number(), name),
        Meaning::File(path) => path,
    };
    let place = view.ok_or(Errno::EINVAL)?;
    let inode = place.resolve(path, WalkFlags::FOLLOW)?.dentry.inode()?.clone();
    inode.permission(place.cred, Access::WRITE)?;
    if inode.kind() != FileKind::Socket {
        return Err(Errno::ECONNREFUSED);
    }
    let socket = names::find_bound(&inode)?;
    if socket.kind == kind { Ok(socket) } else { Err(Errno::EPROTOTYPE) }
}

/// Lets others connect.
pub(super) fn listen(socket: &UnixSocket, backlog: u32) -> Result<(), Errno> {
    if !socket.kind.connects() {
        return Err(Errno::EOPNOTSUPP);
    }
    let identity = identity::current().peer;
    {
        let mut link = socket.link.lock();
        if link.address.is_none() || link.state == State::Connected {
            return Err(Errno::EINVAL);
        }
        link.state = State::Listening;
        link.identity = Some(identity);
    }
    socket.backlog.store(backlog, Ordering::Release);
    socket.room.wake_all(SPACE);
    Ok(())
}

/// Connects a socket to one that listens, waiting for room in its queue.
pub(super) fn connect(
    socket: &Arc<UnixSocket>,
    view: &View<'_>,
    address: &[u8],
    nonblocking: bool,
) -> Result<(), Errno> {
    if address::parse(address)? == Meaning::Any {
        return Err(Errno::EINVAL);
    }
    bind_to_be_told(socket)?;
    let patience = socket.options.patience(false);
    loop {
        let other = find(socket.kind, Some(view), address)?;
        {
            let mut queue = other.queue.lock();
            let refuses =
                other.is_dead() || other.state() != State::Listening || other.is_shut(Shutdown::RECEIVE);
            if refuses {
                return Err(Errno::ECONNREFUSED);
            }
            if !other.is_full() {
                enter(socket, &other, &mut queue)?;
                drop(queue);
                other.readable.wake_all(DATA);
                socket.writable.wake_all(SPACE);
                return Ok(());
            }
        }
        if nonblocking {
            return Err(Errno::EAGAIN);
        }
        let room = || (!other.is_full() || other.is_dead() || other.is_shut(Shutdown::RECEIVE)).then_some(());
        let waited = other.room.wait(WaitKind::Interruptible, patience.deadline, room);
        waited.map_err(|why| patience.error(why))?;
    }
}

/// Puts the accepting side of a connection into the queue of who listens.
fn enter(
    socket: &Arc<UnixSocket>,
    listener: &Arc<UnixSocket>,
    queue: &mut VecDeque<Item>,
) -> Result<(), Errno> {
    let accepted = UnixSocket::new(socket.kind);
    let (address, listens) = {
        let link = listener.link.lock();
        (link.address.clone(), link.identity)
    };
    {
        let mut link = accepted.link.lock();
        link.state = State::Connected;
        link.peer = Some(socket.clone());
        link.address = address;
        link.identity = Some(identity::current().peer);
    }
    // No message comes before it is in the queue: nobody knows it yet.
    aegis::charge::reserve(queue, 1)?;
    {
        let mut link = socket.link.lock();
        match link.state {
            State::Connected => return Err(Errno::EISCONN),
            State::Listening => return Err(Errno::EINVAL),
            State::Unconnected => {}
        }
        link.state = State::Connected;
        link.identity = listens;
        link.peer = Some(accepted.clone());
    }
    listener.push(queue, Item::Connection(accepted));
    Ok(())
}

/// Takes a connection, waiting for one.
pub(super) fn accept(socket: &UnixSocket, nonblocking: bool) -> Result<Arc<UnixSocket>, Errno> {
    if !socket.kind.connects() {
        return Err(Errno::EOPNOTSUPP);
    }
    if socket.state() != State::Listening {
        return Err(Errno::EINVAL);
    }
    let patience = socket.options.patience(true);
    loop {
        socket.check_error()?;
        let item = {
            let mut queue = socket.queue.lock();
            socket.pop(&mut queue)
        };
        if let Some(Item::Connection(connection)) = item {
            socket.room.wake_all(SPACE);
            return Ok(connection);
        }
        if nonblocking {
            return Err(Errno::EAGAIN);
        }
        if socket.is_shut(Shutdown::RECEIVE) {
            return Err(Errno::EINVAL);
        }
        let come =
            || (socket.queued.load(Ordering::Acquire) > 0 || socket.is_shut(Shutdown::RECEIVE)).then_some(());
        let waited = socket.readable.wait(WaitKind::Interruptible, patience.deadline, come);
        waited.map_err(|why| patience.error(why))?;
    }
}

/// Chooses whom a datagram socket sends to, and receives from; `AF_UNSPEC` takes that back.
pub(super) fn associate(socket: &Arc<UnixSocket>, view: &View<'_>, address: &[u8]) -> Result<(), Errno> {
    let other = match address::family(address) {
        None => return Err(Errno::EINVAL),
        Some(AF_UNSPEC) => None,
        Some(_) => {
            if address::parse(address)? == Meaning::Any {
                return Err(Errno::EINVAL);
            }
            bind_to_be_told(socket)?;
            let other = find(socket.kind, Some(view), address)?;
            if !may_send(socket, &other) {
                return Err(Errno::EPERM);
            }
            Some(other)
        }
    };
    if let Some(other) = &other {
        other.link.lock().state = State::Connected;
    }
    let old = {
        let mut link = socket.link.lock();
        link.state = if other.is_some() { State::Connected } else { State::Unconnected };
        core::mem::replace(&mut link.peer, other.clone())
    };
    if let Some(old) = old
        && !other.is_some_and(|other| Arc::ptr_eq(&other, &old))
    {
        separate(socket, &old);
    }
    Ok(())
}

/// Whether a datagram socket takes messages from another: it has no peer, or that one is.
pub(super) fn may_send(from: &Arc<UnixSocket>, to: &UnixSocket) -> bool {
    to.link.lock().peer.as_ref().is_none_or(|peer| Arc::ptr_eq(peer, from))
}

/// What comes of a datagram socket having left its peer: messages between them are lost, and the peer is told.
pub(super) fn separate(socket: &Arc<UnixSocket>, old: &Arc<UnixSocket>) {
    let lost = {
        let mut queue = socket.queue.lock();
        socket.queued.store(0, Ordering::Release);
        core::mem::take(&mut *queue)
    };
    if !lost.is_empty() {
        socket.room.wake_all(SPACE);
        let is_peer = old.peer().is_some_and(|peer| Arc::ptr_eq(&peer, socket));
        if is_peer && !old.is_dead() {
            old.set_error(Errno::ECONNRESET);
            old.readable.wake_all(Events::all());
            old.writable.wake_all(Events::all());
        }
    }
    old.link.lock().state = State::Unconnected;
    old.room.wake_all(SPACE);
}
