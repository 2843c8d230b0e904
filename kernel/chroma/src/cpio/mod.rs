//! Unpacking the initial archive: `newc` cpio, several archives one after the other, each plain or gzip'd.
//!
//! This cursor of our own is needed because the archives are concatenated with zero padding, and because a malformed one must
//! be reported with its offset: the `cpio_reader` crate stops silently at the first trailer and at the first error alike.

mod header;
#[cfg(test)]
mod tests;
mod unpack;

use alloc::string::String;
use core::fmt;

pub use unpack::{Unpacked, unpack};

/// An archive is not what it should be.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where in the archive (after decompression if `compressed`).
    pub offset: usize,
    /// Whether the offset counts decompressed bytes.
    pub compressed: bool,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.compressed { " of the decompressed data" } else { "" };
        write!(f, "initial archive: {} at offset {:#x}{place}", self.what, self.offset)
    }
}
