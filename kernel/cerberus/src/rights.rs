//! What may be done with an object.
#![expect(missing_docs, reason = "each right is named for the operation it allows")]

use bitflags::bitflags;

bitflags! {
    /// What may be done with an object.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Rights: u32 {
        const READ = 1 << 0;
        const WRITE = 1 << 1;
        const SEEK = 1 << 2;
        const STAT = 1 << 3;
        const SETATTR = 1 << 4;
        const LOOKUP = 1 << 5;
        const LIST = 1 << 6;
        const CREATE = 1 << 7;
        const REMOVE = 1 << 8;
        const RENAME = 1 << 9;
        const LINK = 1 << 10;
        const EXECUTE = 1 << 11;
        const MAP = 1 << 12;
        const IOCTL = 1 << 13;
        const FCNTL = 1 << 14;
        const LOCK = 1 << 15;
        const POLL = 1 << 16;
        const SYNC = 1 << 17;
        const BIND = 1 << 18;
        const LISTEN = 1 << 19;
        const ACCEPT = 1 << 20;
        const CONNECT = 1 << 21;
        const SEND = 1 << 22;
        const RECEIVE = 1 << 23;
        const SHUTDOWN = 1 << 24;
        const SIGNAL = 1 << 25;
        const WAIT = 1 << 26;
        const TRACE = 1 << 27;
        const MOUNT = 1 << 28;
        const TRANSFER = 1 << 29;
        const DERIVE = 1 << 30;
        const REVOKE = 1 << 31;
    }
}

impl Rights {
    /// What the access mode of `open` decides.
    pub const ACCESS_MODE: Self = Self::READ.union(Self::WRITE);
}
