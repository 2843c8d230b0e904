//! Who the running thread is, for messages and connections that carry it. The layer of processes knows, and registers here.

use abi::socket::Ucred;
use hal::Once;

/// The identity of the running thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity {
    /// Its process and *real* user and group: what a message says.
    pub sender: Ucred,
    /// Its process and *effective* user and group: what a connection says.
    pub peer: Ucred,
}

static ASK: Once<fn() -> Identity> = Once::new();

/// Registers who answers, once.
pub fn register(ask: fn() -> Identity) {
    let _ = ASK.set(ask);
}

/// The running thread's identity.
pub fn current() -> Identity {
    ASK.get().map_or_else(Identity::default, |ask| ask())
}
