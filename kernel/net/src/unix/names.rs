//! Who has which address, and who there is.

use abi::Errno;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use chroma::Inode;
use hal::SpinLock;

use super::{Item, UnixSocket, address};
use crate::lock_classes;
use crate::socket::Address;

type Table<K> = SpinLock<BTreeMap<K, Weak<UnixSocket>>>;

const fn table<K>() -> Table<K> {
    SpinLock::new(&lock_classes::NAMES, BTreeMap::new())
}

/// Sockets with abstract names, by type and name: sockets of different types may have the same.
static ABSTRACT: Table<(i32, Address)> = table();
/// Sockets bound to files, by the inode's address: a bound socket keeps its inode.
static BOUND: Table<usize> = table();
/// All that are files, by the number of their inode.
static ALL: Table<u64> = table();

fn key(inode: &Arc<Inode>) -> usize {
    Arc::as_ptr(inode) as usize
}

/// Adds a socket to all.
pub(super) fn add(socket: &Arc<UnixSocket>, inode: u64) {
    ALL.lock().insert(inode, Arc::downgrade(socket));
}

/// The sockets that there are, by the number of their inode, each looked for when it is asked for: there may be very many.
pub(super) fn all() -> impl Iterator<Item = Arc<UnixSocket>> {
    let mut from = 0;
    core::iter::from_fn(move || {
        loop {
            let next = ALL.lock().range(from..).next().map(|(inode, socket)| (*inode, socket.clone()));
            let (inode, socket) = next?;
            from = inode + 1;
            if let Some(socket) = socket.upgrade() {
                return Some(socket);
            }
        }
    })
}

/// Gives a socket an abstract name.
///
/// # Errors
/// `EADDRINUSE`.
pub(super) fn claim(socket: &Arc<UnixSocket>, name: &Address) -> Result<(), Errno> {
    let key = (socket.kind.number(), name.clone());
    let mut names = ABSTRACT.lock();
    if names.contains_key(&key) {
        return Err(Errno::EADDRINUSE);
    }
    names.insert(key, Arc::downgrade(socket));
    Ok(())
}

/// The socket with an abstract name.
///
/// # Errors
/// `ECONNREFUSED`; `ENOMEM`.
pub(super) fn find(kind: i32, name: &[u8]) -> Result<Arc<UnixSocket>, Errno> {
    let key = (kind, address::of_name(name)?);
    ABSTRACT.lock().get(&key).and_then(Weak::upgrade).ok_or(Errno::ECONNREFUSED)
}

/// Notes that a socket is bound to an inode.
pub(super) fn bind(socket: &Arc<UnixSocket>, inode: &Arc<Inode>) {
    BOUND.lock().insert(key(inode), Arc::downgrade(socket));
}

/// The socket that is bound to an inode.
///
/// # Errors
/// `ECONNREFUSED`.
pub(super) fn find_bound(inode: &Arc<Inode>) -> Result<Arc<UnixSocket>, Errno> {
    BOUND.lock().get(&key(inode)).and_then(Weak::upgrade).ok_or(Errno::ECONNREFUSED)
}

/// Forgets a socket that is released, and was bound to this inode.
pub(super) fn forget(socket: &UnixSocket, inode: Option<&Arc<Inode>>) {
    let number = socket.inode.load(core::sync::atomic::Ordering::Acquire);
    if number == 0 {
        return; // never a file: it has its address from who listens
    }
    ALL.lock().remove(&number);
    if let Some(inode) = inode {
        BOUND.lock().remove(&key(inode));
        return;
    }
    if let Some(name) = socket.address() {
        let key = (socket.kind.number(), name);
        let mut names = ABSTRACT.lock();
        // What was accepted has the name of who listened.
        if names.get(&key).is_some_and(|found| core::ptr::eq(found.as_ptr(), socket)) {
            names.remove(&key);
        }
    }
}

/// The sockets that wait to be accepted from one that listens.
pub(super) fn waiting(socket: &UnixSocket) -> Vec<Arc<UnixSocket>> {
    let connection = |item: &Item| match item {
        Item::Connection(socket) => Some(socket.clone()),
        Item::Message(_) => None,
    };
    socket.queue.lock().iter().filter_map(connection).collect()
}
