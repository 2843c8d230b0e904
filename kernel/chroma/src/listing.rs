//! Listing directories: where a listing has come to, and what it gives.

use abi::{Dirent, Dirent64, Errno};
use alloc::vec::Vec;

use crate::inode::FileKind;

/// Where a listing has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirPosition {
    /// What user space sees and may seek to.
    pub offset: u64,
    /// What the file system remembers beside it, for listings that go on where they stopped; 0 at the start.
    pub cursor: u64,
}

/// How entries lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `struct linux_dirent`, which `getdents` gives: the type is the last byte.
    Old,
    /// `struct linux_dirent64`.
    New,
}

/// A kernel-side buffer of entries; user memory is written after all locks are released.
pub struct DirBuffer {
    bytes: Vec<u8>,
    limit: usize,
    format: Format,
    full: bool,
}

impl DirBuffer {
    /// The most that one `getdents64` returns.
    const MAX: usize = 32 * 1024;

    /// A buffer for at most `limit` bytes of entries.
    pub fn new(limit: usize, format: Format) -> Result<DirBuffer, Errno> {
        let limit = limit.min(Self::MAX);
        let mut bytes = Vec::new();
        aegis::charge::reserve(&mut bytes, limit)?;
        Ok(DirBuffer { bytes, limit, format, full: false })
    }

    /// Adds an entry; `next` is the position after it. Gives false, and changes nothing, when it doesn't fit.
    pub fn push(&mut self, inode: u64, next: u64, kind: FileKind, name: &[u8]) -> bool {
        let len = match self.format {
            Format::Old => Dirent::record_len(name.len()),
            Format::New => Dirent64::record_len(name.len()),
        };
        if self.full || self.bytes.len() + len > self.limit {
            self.full = true;
            return false;
        }
        let end = self.bytes.len() + len;
        self.bytes.extend_from_slice(&inode.to_le_bytes());
        self.bytes.extend_from_slice(&next.to_le_bytes());
        self.bytes.extend_from_slice(&u16::try_from(len).unwrap_or(u16::MAX).to_le_bytes());
        match self.format {
            Format::Old => {
                self.bytes.extend_from_slice(name);
                self.bytes.resize(end - 1, 0);
                self.bytes.push(kind as u8);
            }
            Format::New => {
                self.bytes.push(kind as u8);
                self.bytes.extend_from_slice(name);
                self.bytes.resize(end, 0);
            }
        }
        true
    }

    /// Whether an entry did not fit.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// The entries so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of those entries that lie wholly in the first `bytes`, and the position after them; `None` when there are none.
    pub fn whole(&self, bytes: usize) -> Option<(usize, u64)> {
        /// The position after an entry, and its length.
        const NEXT: core::ops::Range<usize> = 8..16;
        const LENGTH: core::ops::Range<usize> = 16..18;
        let (mut end, mut position) = (0, None);
        while let Some(entry) = self.bytes.get(end..bytes)
            && let Some(Ok(next)) = entry.get(NEXT).map(TryInto::try_into)
            && let Some(Ok(length)) = entry.get(LENGTH).map(TryInto::try_into)
            && usize::from(u16::from_le_bytes(length)) <= entry.len()
        {
            end += usize::from(u16::from_le_bytes(length));
            position = Some(u64::from_le_bytes(next));
        }
        Some((end, position?))
    }
}

#[cfg(test)]
mod tests {
    use super::{DirBuffer, Format};
    use crate::inode::FileKind;

    #[test]
    fn directory_entries_are_padded_to_eight_bytes_and_stop_when_full() {
        let mut buffer = DirBuffer::new(50, Format::New).unwrap();
        assert!(buffer.push(7, 3, FileKind::Regular, b"abc"));
        assert_eq!(buffer.bytes().len(), 24);
        assert_eq!(&buffer.bytes()[16..24], &[24, 0, 8, b'a', b'b', b'c', 0, 0]);
        assert!(buffer.push(8, 4, FileKind::Directory, b"x"));
        assert!(!buffer.push(9, 5, FileKind::Directory, b"y"));
        assert_eq!(buffer.bytes().len(), 48);
    }

    #[test]
    fn entries_that_were_not_written_to_their_end_do_not_count() {
        for format in [Format::New, Format::Old] {
            let mut buffer = DirBuffer::new(96, format).unwrap();
            for (next, name) in [(3, b"abc"), (7, b"def"), (9, b"ghi")] {
                assert!(buffer.push(1, next, FileKind::Regular, name));
            }
            assert_eq!(buffer.whole(0), None);
            assert_eq!(buffer.whole(23), None);
            assert_eq!(buffer.whole(24), Some((24, 3)));
            assert_eq!(buffer.whole(71), Some((48, 7)));
            assert_eq!(buffer.whole(72), Some((72, 9)));
        }
    }

    #[test]
    fn old_entries_have_their_type_behind_the_padding() {
        let mut buffer = DirBuffer::new(56, Format::Old).unwrap();
        assert!(buffer.push(7, 3, FileKind::Regular, b"abcd"));
        assert_eq!(&buffer.bytes()[16..24], &[24, 0, b'a', b'b', b'c', b'd', 0, 8]);
        assert!(buffer.push(8, 4, FileKind::Directory, b"abcde"));
        assert_eq!(&buffer.bytes()[40..], &[32, 0, b'a', b'b', b'c', b'd', b'e', 0, 0, 0, 0, 0, 0, 0, 0, 4]);
        assert!(!buffer.push(9, 5, FileKind::Directory, b"y"));
    }
}
