//! What a socket is: the trait that families implement, and a message on its way.

use core::any::Any;
use core::sync::atomic::AtomicU64;

use abi::socket::{MessageFlags, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, Ucred};
use abi::{Errno, Mode, PollEvents};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bitflags::bitflags;
use chroma::fdtable::FileCapability;
use chroma::file::Ioctl;
use chroma::{PollTable, Sink, Source, View};

use crate::options::Options;

/// What a socket carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes, over a connection.
    Stream,
    /// Messages.
    Datagram,
    /// Messages, over a connection.
    SeqPacket,
}

impl Kind {
    /// Linux's number, `SOCK_…`.
    pub fn number(self) -> i32 {
        match self {
            Kind::Stream => SOCK_STREAM,
            Kind::Datagram => SOCK_DGRAM,
            Kind::SeqPacket => SOCK_SEQPACKET,
        }
    }

    /// Whether it has connections.
    pub fn connects(self) -> bool {
        self != Kind::Datagram
    }
}

bitflags! {
    /// The halves of a socket that are shut down.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Shutdown: u8 {
        /// Nothing more is received.
        const RECEIVE = 1;
        /// Nothing more is sent.
        const SEND = 2;
    }
}

impl Shutdown {
    /// By the argument of `shutdown`; `EINVAL` for others.
    pub fn from_number(how: i32) -> Result<Shutdown, Errno> {
        match how {
            0 => Ok(Shutdown::RECEIVE),
            1 => Ok(Shutdown::SEND),
            2 => Ok(Shutdown::all()),
            _ => Err(Errno::EINVAL),
        }
    }

    /// The same halves as the other side sees them.
    pub fn mirrored(self) -> Shutdown {
        let mut other = Shutdown::empty();
        other.set(Shutdown::RECEIVE, self.contains(Shutdown::SEND));
        other.set(Shutdown::SEND, self.contains(Shutdown::RECEIVE));
        other
    }
}

/// An address as a program gives and gets it: the bytes of `struct sockaddr_…`, as many as there are.
pub type Address = Arc<[u8]>;

/// Files that a message is to carry.
pub struct Rights {
    /// The capabilities: those of the sender's descriptors.
    pub files: Vec<FileCapability>,
    /// Where the sender's user's files in flight are counted.
    pub account: Arc<AtomicU64>,
}

/// A message to be sent.
pub struct Outgoing<'a, 's> {
    /// Its bytes.
    pub data: &'a mut Source<'s>,
    /// Where to, if the call says so.
    pub to: Option<&'a [u8]>,
    /// Whose eyes see paths in addresses; a plain `write` has no address.
    pub view: Option<&'a View<'a>>,
    /// Files that it carries.
    pub rights: Option<Rights>,
    /// Who sends, if the message says so.
    pub sender: Option<Ucred>,
    /// `MSG_…`.
    pub flags: MessageFlags,
    /// The call must not wait (`O_NONBLOCK`, `MSG_DONTWAIT`).
    pub nonblocking: bool,
}

/// A message to be received.
pub struct Incoming<'a, 's> {
    /// Where its bytes go.
    pub data: &'a mut Sink<'s>,
    /// `MSG_…` of the call.
    pub flags: MessageFlags,
    /// The call must not wait.
    pub nonblocking: bool,
    /// The call wants to know who sent.
    pub wants_from: bool,
    /// Result: that one's address, if it has one.
    pub from: Option<Address>,
    /// Result: the sender, for a socket with `SO_PASSCRED`.
    pub sender: Option<Ucred>,
    /// Result: the files that it carried.
    pub files: Vec<FileCapability>,
    /// Result: `MSG_…` to be reported.
    pub reported: MessageFlags,
}

impl<'a, 's> Incoming<'a, 's> {
    /// A call that wants bytes.
    pub fn new(data: &'a mut Sink<'s>, flags: MessageFlags, nonblocking: bool) -> Incoming<'a, 's> {
        Incoming {
            data,
            flags,
            nonblocking,
            wants_from: false,
            from: None,
            sender: None,
            files: Vec::new(),
            reported: MessageFlags::empty(),
        }
    }
}

impl<'a, 's> Outgoing<'a, 's> {
    /// Bytes without an address or anything else.
    pub fn new(data: &'a mut Source<'s>, nonblocking: bool) -> Outgoing<'a, 's> {
        Outgoing {
            data,
            to: None,
            view: None,
            rights: None,
            sender: None,
            flags: MessageFlags::empty(),
            nonblocking,
        }
    }
}

/// A socket of some family. Methods may sleep, `poll` may not; the errors are those of the man pages (section 2).
pub trait Socket: Send + Sync + Any {
    /// The number of its family.
    fn domain(&self) -> i32;

    /// Its type.
    fn kind(&self) -> Kind;

    /// Its protocol.
    fn protocol(&self) -> i32 {
        0
    }

    /// What is kept for `SOL_SOCKET`.
    fn options(&self) -> &Options;

    /// The number of its inode, told once, when it becomes a file.
    fn named(self: Arc<Self>, inode: u64);

    /// Gives it an address. `mode` is that of its inode less the umask: a path gets it.
    fn bind(self: Arc<Self>, view: &View<'_>, address: &[u8], mode: Mode) -> Result<(), Errno>;

    /// Connects it.
    fn connect(self: Arc<Self>, view: &View<'_>, address: &[u8], nonblocking: bool) -> Result<(), Errno>;

    /// Lets others connect; at most so many wait to be accepted.
    fn listen(&self, backlog: u32) -> Result<(), Errno>;

    /// Takes a connection.
    fn accept(&self, nonblocking: bool) -> Result<Arc<dyn Socket>, Errno>;

    /// Its own address.
    fn name(&self) -> Result<Address, Errno>;

    /// The other side's.
    fn peer_name(&self) -> Result<Address, Errno>;

    /// Who connected or listened at the other side (`SO_PEERCRED`), and that one's groups.
    fn peer_identity(&self) -> Option<Ucred> {
        None
    }

    /// Sends.
    fn send(self: Arc<Self>, message: &mut Outgoing<'_, '_>) -> Result<usize, Errno>;

    /// Receives.
    fn receive(&self, message: &mut Incoming<'_, '_>) -> Result<usize, Errno>;

    /// Shuts halves down.
    fn shutdown(&self, halves: Shutdown) -> Result<(), Errno>;

    /// Takes the error that is to be told (`SO_ERROR`).
    fn take_error(&self) -> Option<Errno>;

    /// Whether it listens.
    fn is_listening(&self) -> bool;

    /// Whether a broken connection is a SIGPIPE to who sends.
    fn signals_broken_pipe(&self) -> bool;

    /// The amount of memory that it may send into has changed.
    fn send_limit_changed(&self) {}

    /// The events that are true now; with a table, subscribes before looking.
    fn poll(&self, table: Option<&PollTable>) -> PollEvents;

    /// `ioctl`; `ENOTTY` for what it does not know.
    fn ioctl(&self, call: &Ioctl<'_>) -> Result<i64, Errno>;

    /// Its last descriptor is gone. Called once.
    fn release(&self);
}
