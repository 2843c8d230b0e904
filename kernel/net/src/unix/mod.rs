//! Unix sockets: between the processes of one machine.
//!
//! | module | holds |
//! |---|---|
//! | `address` | what an address means; `names` who has which |
//! | `connect` | bind, listen, connect, accept, pairs |
//! | `message` | a message in a queue, and what it costs its sender |
//! | `send`, `receive` | for all three types |
//! | `events` | readiness, shutdown, the end of a socket |
//! | `flight`, `grave` | files in messages: cycles of them, and chains |
//! | [`listing`] | `/proc/net/unix` |
//!
//! A socket has one queue: of messages to be received, or of connections to be accepted. Who sends puts into the queue of the
//! other side; connections of two sockets are nothing but that each knows the other as its peer.
//!
//! # Invariants
//!
//! - A socket that was released is `dead`; that is set before its queue is emptied, and looked at with the queue locked before
//!   anything is put there. So nothing stays in the queue of a dead socket.
//! - A dead socket knows no peer. Peers are `Arc`s, and so no chain of them is longer than one.
//! - `queued` is the queue's length; who waits, or polls, looks at that.

mod address;
mod connect;
mod events;
mod flight;
mod grave;
pub mod listing;
mod message;
mod names;
mod receive;
mod send;
#[cfg(test)]
mod tests;

use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use abi::socket::{AF_UNIX, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM, Ucred};
use abi::{Errno, Mode, PollEvents};
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::file::Ioctl;
use chroma::{Path, PollTable, View};
use chronos::{Events, Mutex, WaitQueue};
use hal::SpinLock;

use crate::family::Family;
use crate::lock_classes;
use crate::options::Options;
use crate::socket::{Address, Incoming, Kind, Outgoing, Shutdown, Socket};

use flight::InFlight;
use message::Message;

/// Something came.
const DATA: Events = Events::IN.union(Events::RDNORM);
/// There is room to send.
const SPACE: Events = Events::OUT.union(Events::WRNORM).union(Events::WRBAND);

/// How many datagrams wait at most, but from the socket's own peer (`/proc/sys/net/unix/max_dgram_qlen`).
const MOST_DATAGRAMS: u32 = 10;

/// Where a socket is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unconnected,
    Listening,
    Connected,
}

/// What a socket is tied to.
struct Link {
    state: State,
    peer: Option<Arc<UnixSocket>>,
    address: Option<Address>,
    /// Its file, if it is bound to one.
    path: Option<Path>,
    /// `SO_PEERCRED`; of a listening socket, what who connects will see.
    identity: Option<Ucred>,
}

/// What waits in a queue.
enum Item {
    /// A message.
    Message(Message),
    /// The accepting side of a connection.
    Connection(Arc<UnixSocket>),
}

/// A socket.
pub(crate) struct UnixSocket {
    kind: Kind,
    options: Options,
    /// Its inode's number; 0 while it is no file.
    inode: AtomicU64,
    /// See the module's invariants.
    dead: AtomicBool,
    /// Bits of [`Shutdown`].
    shut: AtomicU8,
    /// The error to be told, 0 for none.
    error: AtomicI32,
    link: SpinLock<Link>,
    /// Held while it gets an address.
    binding: Mutex<()>,
    queue: Mutex<VecDeque<Item>>,
    queued: AtomicUsize,
    /// How many more than this wait in the queue at most.
    backlog: AtomicU32,
    /// What it sent and nobody received yet costs so much.
    under_way: AtomicUsize,
    /// Woken when something came into the queue, or nothing will.
    readable: Arc<WaitQueue>,
    /// Woken when more can be sent.
    writable: Arc<WaitQueue>,
    /// Woken when there is room in the queue again.
    room: Arc<WaitQueue>,
}

impl UnixSocket {
    fn new(kind: Kind) -> Arc<UnixSocket> {
        let link = Link { state: State::Unconnected, peer: None, address: None, path: None, identity: None };
        Arc::new(UnixSocket {
            kind,
            options: Options::new(),
            inode: AtomicU64::new(0),
            dead: AtomicBool::new(false),
            shut: AtomicU8::new(0),
            error: AtomicI32::new(0),
            link: SpinLock::new(&lock_classes::LINK, link),
            binding: Mutex::new(&lock_classes::BINDING, ()),
            queue: Mutex::new(&lock_classes::QUEUE, VecDeque::new()),
            queued: AtomicUsize::new(0),
            backlog: AtomicU32::new(MOST_DATAGRAMS),
            under_way: AtomicUsize::new(0),
            readable: Arc::new(WaitQueue::new()),
            writable: Arc::new(WaitQueue::new()),
            room: Arc::new(WaitQueue::new()),
        })
    }

    fn state(&self) -> State {
        self.link.lock().state
    }

    fn peer(&self) -> Option<Arc<UnixSocket>> {
        self.link.lock().peer.clone()
    }

    fn address(&self) -> Option<Address> {
        self.link.lock().address.clone()
    }

    fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire)
    }

    fn shut(&self) -> Shutdown {
        Shutdown::from_bits_truncate(self.shut.load(Ordering::Acquire))
    }

    fn is_shut(&self, half: Shutdown) -> bool {
        self.shut().contains(half)
    }

    /// Whether its queue holds more than it should.
    fn is_full(&self) -> bool {
        self.queued.load(Ordering::Acquire) > self.backlog.load(Ordering::Acquire) as usize
    }

    /// Whether as much is under way as lets poll say that more can be sent.
    fn has_space(used: usize, limit: usize) -> bool {
        used.saturating_mul(4) <= limit
    }

    /// Puts something into the queue; the caller has made room, and wakes who waits for it.
    fn push(&self, queue: &mut VecDeque<Item>, item: Item) {
        queue.push_back(item);
        self.queued.store(queue.len(), Ordering::Release);
    }

    fn pop(&self, queue: &mut VecDeque<Item>) -> Option<Item> {
        let item = queue.pop_front();
        self.queued.store(queue.len(), Ordering::Release);
        item
    }

    /// Takes the files out of the messages that wait.
    fn take_files(&self, into: &mut Vec<InFlight>) {
        for item in self.queue.lock().iter_mut() {
            if let Item::Message(message) = item {
                into.extend(message.files.take());
            }
        }
    }

    fn has_error(&self) -> bool {
        self.error.load(Ordering::Acquire) != 0
    }

    /// Takes the error that waits to be told.
    fn check_error(&self) -> Result<(), Errno> {
        if !self.has_error() {
            return Ok(());
        }
        Errno::from_i32(self.error.swap(0, Ordering::AcqRel)).map_or(Ok(()), Err)
    }

    fn set_error(&self, error: Errno) {
        self.error.store(error.as_i32(), Ordering::Release);
    }
}

/// The family.
pub struct Unix;

impl Family for Unix {
    fn create(&self, kind: i32, protocol: i32) -> Result<Arc<dyn Socket>, Errno> {
        if protocol != 0 && protocol != i32::from(AF_UNIX) {
            return Err(Errno::EPROTONOSUPPORT);
        }
        let kind = match kind {
            SOCK_STREAM => Kind::Stream,
            SOCK_DGRAM | SOCK_RAW => Kind::Datagram,
            SOCK_SEQPACKET => Kind::SeqPacket,
            _ => return Err(Errno::ESOCKTNOSUPPORT),
        };
        Ok(UnixSocket::new(kind))
    }

    fn pair(&self, a: &Arc<dyn Socket>, b: &Arc<dyn Socket>) -> Result<(), Errno> {
        let unix = |socket: &Arc<dyn Socket>| {
            let any: Arc<dyn core::any::Any + Send + Sync> = socket.clone();
            any.downcast::<UnixSocket>().map_err(|_| Errno::EINVAL)
        };
        connect::pair(&unix(a)?, &unix(b)?);
        Ok(())
    }
}

impl Socket for UnixSocket {
    fn domain(&self) -> i32 {
        i32::from(AF_UNIX)
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn options(&self) -> &Options {
        &self.options
    }

    fn named(self: Arc<Self>, inode: u64) {
        self.inode.store(inode, Ordering::Release);
        names::add(&self, inode);
    }

    fn bind(self: Arc<Self>, view: &View<'_>, address: &[u8], mode: Mode) -> Result<(), Errno> {
        connect::bind(&self, view, address, mode)
    }

    fn connect(self: Arc<Self>, view: &View<'_>, address: &[u8], nonblocking: bool) -> Result<(), Errno> {
        if self.kind.connects() {
            connect::connect(&self, view, address, nonblocking)
        } else {
            connect::associate(&self, view, address)
        }
    }

    fn listen(&self, backlog: u32) -> Result<(), Errno> {
        connect::listen(self, backlog)
    }

    fn accept(&self, nonblocking: bool) -> Result<Arc<dyn Socket>, Errno> {
        Ok(connect::accept(self, nonblocking)?)
    }

    fn name(&self) -> Result<Address, Errno> {
        Ok(self.address().unwrap_or_else(address::unnamed))
    }

    fn peer_name(&self) -> Result<Address, Errno> {
        self.peer().ok_or(Errno::ENOTCONN)?.name()
    }

    fn peer_identity(&self) -> Option<Ucred> {
        self.link.lock().identity
    }

    fn send(self: Arc<Self>, message: &mut Outgoing<'_, '_>) -> Result<usize, Errno> {
        match self.kind {
            Kind::Stream => send::stream(&self, message),
            Kind::Datagram => send::datagram(&self, message),
            Kind::SeqPacket => send::packet(&self, message),
        }
    }

    fn receive(&self, message: &mut Incoming<'_, '_>) -> Result<usize, Errno> {
        match self.kind {
            Kind::Stream => receive::stream(self, message),
            Kind::Datagram | Kind::SeqPacket => receive::datagram(self, message),
        }
    }

    fn shutdown(&self, halves: Shutdown) -> Result<(), Errno> {
        events::shutdown(self, halves);
        Ok(())
    }

    fn take_error(&self) -> Option<Errno> {
        self.check_error().err()
    }

    fn is_listening(&self) -> bool {
        self.state() == State::Listening
    }

    fn signals_broken_pipe(&self) -> bool {
        self.kind == Kind::Stream
    }

    fn send_limit_changed(&self) {
        self.writable.wake_all(SPACE);
    }

    fn poll(&self, table: Option<&PollTable>) -> PollEvents {
        events::poll(self, table)
    }

    fn ioctl(&self, call: &Ioctl<'_>) -> Result<i64, Errno> {
        events::ioctl(self, call)
    }

    fn release(&self) {
        events::release(self, false);
    }
}
