//! Protection keys: a thread's own rights to memory, beside what the mappings allow (Intel SDM volume 3, 4.6.2).
//!
//! Each mapping has one of sixteen [`Key`]s; a register of the thread, PKRU, says of each key whether what has it may be
//! accessed or written. Programs change the register without a call. The kernel's own accesses to user memory obey it too, so
//! a copy on behalf of a thread ends where the thread itself could not go on. Where the processor has none, every mapping has
//! the first key, which forbids nothing.

use bitflags::bitflags;

pub use crate::arch::keys::{are_available, set_rights, thread_rights};

/// How many keys there are at most.
const ALL: u8 = 16;
/// PKRU's bits for each key.
const WIDTH: u32 = 2;

/// What PKRU is when a program or a signal handler begins: every key but the first is denied.
pub const INITIAL_RIGHTS: u32 = 0x5555_5554;

/// A protection key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key(u8);

impl Key {
    /// What memory has that was given no other.
    pub const FIRST: Self = Self(0);

    /// The key with this number, if there is one.
    #[inline]
    pub fn new(number: u8) -> Option<Self> {
        (number < ALL).then_some(Self(number))
    }

    /// The lower four bits of a number.
    #[inline]
    pub(crate) const fn from_low_bits(number: u8) -> Self {
        Self(number % ALL)
    }

    /// Its number, below 16.
    #[inline]
    pub const fn number(self) -> u8 {
        self.0
    }

    fn shift(self) -> u32 {
        u32::from(self.0) * WIDTH
    }

    /// What PKRU denies to memory with this key.
    pub fn denied_by(self, rights: u32) -> Denied {
        Denied::from_bits_truncate((rights >> self.shift()) as u8)
    }

    /// PKRU with these rights denied to memory with this key, and no others.
    #[must_use]
    pub fn deny_in(self, rights: u32, denied: Denied) -> u32 {
        rights & !(u32::from(Denied::all().bits()) << self.shift()) | u32::from(denied.bits()) << self.shift()
    }

    /// Says whether the current thread may read, or write, memory with this key.
    #[inline]
    pub fn allows(self, write: bool) -> bool {
        if !are_available() {
            return true;
        }
        let denied = self.denied_by(thread_rights());
        !(denied.contains(Denied::ACCESS) || write && denied.contains(Denied::WRITE))
    }
}

bitflags! {
    /// What a thread may not do with memory that has a key: PKRU's two bits.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Denied: u8 {
        /// Read or write it.
        const ACCESS = 1;
        /// Write it.
        const WRITE = 2;
    }
}

/// How many keys the processor has: 1 where it knows nothing of them.
pub fn count() -> u8 {
    if are_available() { ALL } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::{Denied, INITIAL_RIGHTS, Key};

    #[test]
    fn rights_lie_where_the_processor_has_them() {
        let key = Key::new(3).unwrap();
        assert_eq!(Key::new(16), None);
        assert_eq!(key.deny_in(u32::MAX, Denied::ACCESS), 0xffff_ff7f);
        assert_eq!(key.deny_in(0, Denied::WRITE), 0x80);
        assert_eq!(key.denied_by(0xc0), Denied::all());
        assert_eq!(key.denied_by(0x2a), Denied::empty());
        assert_eq!(Key::FIRST.denied_by(INITIAL_RIGHTS), Denied::empty());
        assert!((1..16).all(|number| Key::new(number).unwrap().denied_by(INITIAL_RIGHTS) == Denied::ACCESS));
    }
}
