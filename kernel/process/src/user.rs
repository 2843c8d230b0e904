//! What each user has: numbers that limits are compared with.

use crate::lock_classes;
use abi::Uid;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::AtomicU64;
use hal::SpinLock;

/// The counters of one user.
#[derive(Default)]
pub struct User {
    /// Threads (`RLIMIT_NPROC`).
    pub threads: AtomicU64,
    /// Queued signals (`RLIMIT_SIGPENDING`).
    pub queued_signals: Arc<AtomicU64>,
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
