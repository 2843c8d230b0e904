//! Personalities: what a program may ask to be as it was on older systems (`personality(2)`).
#![expect(missing_docs, reason = "fields and bits bear the names of the man pages")]

bitflags::bitflags! {
    /// A personality: flags, and in the low byte the system whose programs it is for. Linux keeps every bit.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct Personality: u32 {
        /// `uname` tells a release that begins with 2.6.
        const UNAME26 = 0x0002_0000;
        const ADDR_NO_RANDOMIZE = 0x0004_0000;
        /// The first page can be read.
        const MMAP_PAGE_ZERO = 0x0010_0000;
        const ADDR_COMPAT_LAYOUT = 0x0020_0000;
        const READ_IMPLIES_EXEC = 0x0040_0000;
        /// `select`, `pselect6` and `ppoll` leave the timeout as it was.
        const STICKY_TIMEOUTS = 0x0400_0000;
        const _ = !0;
    }
}

impl Personality {
    /// The argument of `personality` that changes nothing.
    pub const ASK: u32 = u32::MAX;
    /// What a set-id program starts without (`PER_CLEAR_ON_SETID`).
    pub const CLEARED_BY_SET_ID: Self = Self::READ_IMPLIES_EXEC
        .union(Self::ADDR_NO_RANDOMIZE)
        .union(Self::ADDR_COMPAT_LAYOUT)
        .union(Self::MMAP_PAGE_ZERO);
    const SYSTEM: u32 = 0xff;
    const LINUX32: u32 = 8;

    /// Whether the machine shall look like one of 32 bits (`PER_LINUX32`).
    pub fn is_linux32(self) -> bool {
        self.bits() & Self::SYSTEM == Self::LINUX32
    }
}
