//! Protection keys of the simulated processor: every host thread has its own PKRU, so that tests do not meet.

use std::cell::Cell;

use crate::keys::INITIAL_RIGHTS;

std::thread_local! {
    static RIGHTS: Cell<u32> = const { Cell::new(INITIAL_RIGHTS) };
}

/// Says whether this machine has protection keys.
pub fn are_available() -> bool {
    true
}

/// The current thread's PKRU.
pub fn thread_rights() -> u32 {
    RIGHTS.get()
}

/// Sets the current thread's PKRU.
pub fn set_rights(rights: u32) {
    RIGHTS.set(rights);
}
