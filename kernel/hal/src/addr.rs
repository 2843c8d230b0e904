//! Addresses, kept apart by type.

use core::fmt;

use crate::{PAGE_SIZE, USER_END};

/// A physical address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhysAddr(u64);

impl PhysAddr {
    /// An address as a device or a table gives it.
    pub const fn new(address: u64) -> Self {
        Self(address)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for PhysAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P:{:#x}", self.0)
    }
}

/// What a program gave as an address: any number at all.
///
/// Only the functions of [`crate::user`] access what it points to, and they check it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UserAddr(u64);

impl UserAddr {
    /// The null pointer.
    pub const NULL: Self = Self(0);

    /// An address as a program gave it.
    pub const fn new(address: u64) -> Self {
        Self(address)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Says whether it is the null pointer.
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }

    /// The address `bytes` further on; `None` past the end of the number range.
    pub const fn checked_add(self, bytes: u64) -> Option<Self> {
        match self.0.checked_add(bytes) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The address `bytes` further on, at most the highest number (which no program can access).
    pub const fn saturating_add(self, bytes: u64) -> Self {
        Self(self.0.saturating_add(bytes))
    }

    /// The first address of its page.
    pub const fn page_down(self) -> Self {
        Self(self.0 & !(PAGE_SIZE as u64 - 1))
    }

    /// The offset in its page.
    pub const fn page_offset(self) -> usize {
        (self.0 % PAGE_SIZE as u64) as usize
    }

    /// Says whether it is the first address of a page.
    pub const fn is_page_aligned(self) -> bool {
        self.page_offset() == 0
    }

    /// Says whether `length` bytes from here on lie wholly in the part of the address space that programs may use.
    pub const fn is_user_range(self, length: u64) -> bool {
        match self.0.checked_add(length) {
            Some(end) => end <= USER_END,
            None => false,
        }
    }
}

impl fmt::Debug for UserAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}
