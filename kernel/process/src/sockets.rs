//! What sockets ask of processes: who sends, who connects.

use abi::socket::Ucred;
use net::identity::{self, Identity};

use crate::current;

/// Registers this crate with the sockets.
pub(crate) fn start() {
    identity::register(who);
}

fn who() -> Identity {
    let Some(thread) = current::thread() else { return Identity::default() };
    let pid = thread.process().pid();
    let cred = thread.cred();
    Identity {
        sender: Ucred { pid, uid: cred.uid.0, gid: cred.gid.0 },
        peer: Ucred { pid, uid: cred.euid.0, gid: cred.egid.0 },
    }
}
