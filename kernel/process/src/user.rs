//! What each user has: numbers that limits are compared with.

use crate::lock_classes;
use abi::Uid;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::{AtomicU64, Ordering};
use hal::SpinLock;

/// The counters of one user.
#[derive(Default)]
pub struct User {
    /// Threads (`RLIMIT_NPROC`).
    pub threads: AtomicU64,
    /// Queued signals (`RLIMIT_SIGPENDING`).
    pub queued_signals: Account,
    /// Files in messages that nobody received yet (`RLIMIT_NOFILE`).
    pub files_in_flight: Account,
    /// Instances of `inotify`.
    pub inotify_instances: Account,
    /// Files that they watch.
    pub inotify_watches: Account,
    /// Bytes of message queues (`RLIMIT_MSGQUEUE`).
    pub queue_bytes: Account,
}

/// A counter of a user.
pub type Account = Arc<AtomicU64>;

/// A place in an account, or several; given back when dropped.
pub struct Charge {
    account: Account,
    places: u64,
}

impl Charge {
    /// Takes a place if fewer than `limit` are taken.
    pub fn take(account: &Account, limit: u64) -> Option<Self> {
        Self::take_many(account, 1, limit)
    }

    /// Takes so many places if then not more than `limit` are taken.
    pub fn take_many(account: &Account, places: u64, limit: u64) -> Option<Self> {
        let more = |taken: u64| taken.checked_add(places).filter(|taken| *taken <= limit);
        account.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Self { account: account.clone(), places })
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.account.fetch_sub(self.places, Ordering::Relaxed);
    }
}

/// How many processes have ended and were not waited for.
static ZOMBIES: AtomicU64 = AtomicU64::new(0);

/// How many processes have ended and were not waited for.
pub fn zombies() -> u64 {
    ZOMBIES.load(Ordering::Relaxed)
}

/// What a process that has ended still takes of its user's threads, until it has been waited for.
pub struct Place(Arc<User>);

impl Place {
    /// Counts it.
    pub fn new(user: Arc<User>) -> Self {
        user.threads.fetch_add(1, Ordering::Relaxed);
        ZOMBIES.fetch_add(1, Ordering::Relaxed);
        Self(user)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.threads.fetch_sub(1, Ordering::Relaxed);
        ZOMBIES.fetch_sub(1, Ordering::Relaxed);
    }
}

static USERS: SpinLock<BTreeMap<Uid, Weak<User>>> = SpinLock::new(&lock_classes::USERS, BTreeMap::new());

/// The counters of a user; they live as long as somebody holds them.
pub fn of(uid: Uid) -> Arc<User> {
    let fresh = Arc::new(User::default());
    let mut users = USERS.lock();
    if let Some(user) = users.get(&uid).and_then(Weak::upgrade) {
        return user;
    }
    users.retain(|_, user| user.strong_count() > 0);
    users.insert(uid, Arc::downgrade(&fresh));
    fresh
}
