//! Files in messages, and the sockets among them that nobody can reach.
//!
//! A socket that is in a message is *in flight*. Sockets in each other's queues keep each other alive though no program can
//! receive from any of them; [`unreachable`] finds those, as Linux does: a socket all of whose owners are messages is suspected;
//! a suspect that is in a queue which is no suspect's can be reached, and so can whatever is in its queue; the rest is garbage.
//!
//! Why that is safe while others go on: counts only grow under the lock that the search holds, before the message is in a
//! queue; they only shrink under it too, after the file was taken out. Meanwhile queues only lose messages. A socket that a
//! thread got hold of since was in the queue of one that could be reached; that step was either noted, or its count exceeds
//! what was noted.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use chroma::OpenFile;
use chroma::fdtable::FileCapability;
use chronos::Mutex;

use super::grave::bury;
use super::message::Message;
use super::{Item, UnixSocket};
use crate::lock_classes;
use crate::socket::Rights;

/// A socket in flight.
struct Flying {
    socket: Arc<UnixSocket>,
    file: Weak<OpenFile>,
    /// How many messages hold it.
    count: usize,
}

/// The sockets in flight, by address.
static FLYING: Mutex<BTreeMap<usize, Flying>> = Mutex::new(&lock_classes::FLIGHT, BTreeMap::new());
/// How many they are: spares the common case the lock.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Whether a socket is in flight at this moment.
pub(super) fn any() -> bool {
    COUNT.load(Ordering::Acquire) != 0
}

/// The Unix socket behind a file, if it is one.
fn unix_socket(file: &OpenFile) -> Option<Arc<UnixSocket>> {
    let socket = crate::file::of(file).ok()?.clone();
    let any: Arc<dyn core::any::Any + Send + Sync> = socket;
    any.downcast().ok()
}

fn key(socket: &Arc<UnixSocket>) -> usize {
    Arc::as_ptr(socket) as usize
}

/// The files of one message, counted as in flight. Dropping it drops them.
pub(super) struct InFlight {
    files: Vec<FileCapability>,
    account: Arc<AtomicU64>,
}

impl InFlight {
    /// Counts files in. May sleep.
    pub(super) fn take_off(rights: Rights) -> InFlight {
        let Rights { files, account } = rights;
        account.fetch_add(files.len() as u64, Ordering::Relaxed);
        for file in &files {
            let Some(socket) = unix_socket(file.object()) else { continue };
            let mut flying = FLYING.lock();
            let entry = flying.entry(key(&socket)).or_insert_with(|| Flying {
                file: Arc::downgrade(file.object()),
                socket,
                count: 0,
            });
            entry.count += 1;
            COUNT.store(flying.len(), Ordering::Release);
        }
        InFlight { files, account }
    }

    /// Counts them out, for their receiver. May sleep.
    pub(super) fn land(mut self) -> Vec<FileCapability> {
        self.count_out();
        core::mem::take(&mut self.files)
    }

    /// The files, for a receiver who only peeks.
    pub(super) fn copy(&self) -> Vec<FileCapability> {
        self.files.clone()
    }

    fn count_out(&mut self) {
        self.account.fetch_sub(self.files.len() as u64, Ordering::Relaxed);
        for file in &self.files {
            let Some(socket) = unix_socket(file.object()) else { continue };
            let mut flying = FLYING.lock();
            let last = flying.get_mut(&key(&socket)).is_some_and(|entry| {
                entry.count = entry.count.saturating_sub(1);
                entry.count == 0
            });
            let gone = if last { flying.remove(&key(&socket)) } else { None };
            COUNT.store(flying.len(), Ordering::Release);
            drop(flying);
            drop(gone);
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if !self.files.is_empty() {
            self.count_out();
            bury(core::mem::take(&mut self.files));
        }
    }
}

/// The sockets in the messages of a queue, and in those of connections that wait in it.
fn sockets_in(socket: &UnixSocket) -> Vec<usize> {
    let mut found = Vec::new();
    let mut waiting = Vec::new();
    for item in socket.queue.lock().iter() {
        match item {
            Item::Message(message) => note(message, &mut found),
            Item::Connection(connection) => waiting.push(connection.clone()),
        }
    }
    for connection in waiting {
        for item in connection.queue.lock().iter() {
            if let Item::Message(message) = item {
                note(message, &mut found);
            }
        }
    }
    found
}

fn note(message: &Message, found: &mut Vec<usize>) {
    let files = message.files.iter().flat_map(|flight| &flight.files);
    found.extend(files.filter_map(|file| unix_socket(file.object())).map(|socket| key(&socket)));
}

/// Takes the files out of the queues of sockets that only hold each other. May sleep.
pub(super) fn unreachable() -> Vec<FileCapability> {
    let mut doomed = Vec::new();
    if any() {
        let flying = FLYING.lock();
        for socket in garbage(&flying) {
            socket.take_files(&mut doomed);
        }
    }
    doomed.into_iter().flat_map(InFlight::land).collect()
}

fn garbage(flying: &BTreeMap<usize, Flying>) -> Vec<Arc<UnixSocket>> {
    let is_suspect = |one: &&Flying| one.file.strong_count() == one.count;
    let suspects: Vec<&Flying> = flying.values().filter(is_suspect).collect();
    let mut edges: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut internal: BTreeMap<usize, usize> = BTreeMap::new();
    for one in &suspects {
        let found = sockets_in(&one.socket);
        for target in &found {
            *internal.entry(*target).or_default() += 1;
        }
        edges.insert(key(&one.socket), found);
    }
    let owned_elsewhere =
        |one: &&&Flying| internal.get(&key(&one.socket)).is_none_or(|held| *held < one.count);
    let mut work: Vec<usize> = suspects.iter().filter(owned_elsewhere).map(|one| key(&one.socket)).collect();
    let mut reached = BTreeSet::new();
    while let Some(key) = work.pop() {
        if reached.insert(key) {
            work.extend(edges.get(&key).into_iter().flatten().copied());
        }
    }
    let unreached = suspects.iter().filter(|one| !reached.contains(&key(&one.socket)));
    unreached.map(|one| one.socket.clone()).collect()
}
