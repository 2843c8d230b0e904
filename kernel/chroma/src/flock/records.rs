//! Record locks as a sorted list of ranges.

use abi::Errno;
use alloc::vec::Vec;

/// Shared (for reading) or exclusive (for writing).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum LockKind {
    Shared,
    Exclusive,
}

/// Who holds a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A descriptor table: POSIX locks.
    Table(u64),
    /// An open file description: `flock` and OFD locks.
    Description(usize),
}

/// The bytes `start..=last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first byte.
    pub start: u64,
    /// The last one; `i64::MAX` means to the end, however far that moves.
    pub last: u64,
}

impl Range {
    /// The whole file.
    pub const ALL: Range = Range { start: 0, last: i64::MAX as u64 };

    /// From `l_start` (made absolute) and `l_len` of `struct flock`: `EINVAL` before the start, `EOVERFLOW` past the end.
    pub fn new(start: i64, len: i64) -> Result<Range, Errno> {
        let (start, last) = match len {
            0 => (start, i64::MAX),
            1.. => (start, start.checked_add(len - 1).ok_or(Errno::EOVERFLOW)?),
            _ => (start.checked_add(len).ok_or(Errno::EINVAL)?, start.saturating_sub(1)),
        };
        let start = u64::try_from(start).map_err(|_| Errno::EINVAL)?;
        let last = u64::try_from(last).map_err(|_| Errno::EINVAL)?;
        Ok(Range { start, last })
    }

    /// The length for `struct flock`; 0 for "to the end".
    pub fn len_field(self) -> i64 {
        if self.last == Range::ALL.last { 0 } else { (self.last - self.start + 1).cast_signed() }
    }

    fn overlaps(self, other: Range) -> bool {
        self.start <= other.last && other.start <= self.last
    }
}

/// A lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Shared or exclusive.
    pub kind: LockKind,
    /// Which bytes.
    pub range: Range,
    /// Whose.
    pub owner: Owner,
    /// The process that took it, as `F_GETLK` shows it (-1 for OFD locks).
    pub pid: i32,
}

/// The locks of a file; those of one owner never overlap.
#[derive(Default)]
pub(super) struct Records {
    /// In the order of their first bytes.
    list: Vec<Record>,
}

impl Records {
    /// A lock that stands in the way of `wanted`.
    pub(super) fn conflict(&self, wanted: &Record) -> Option<Record> {
        let exclusive =
            |a: &Record, b: &Record| a.kind == LockKind::Exclusive || b.kind == LockKind::Exclusive;
        let blocks = |held: &&Record| {
            held.owner != wanted.owner && held.range.overlaps(wanted.range) && exclusive(held, wanted)
        };
        self.list.iter().find(blocks).copied()
    }

    /// The kind of the first lock of an owner.
    pub(super) fn held_by(&self, owner: Owner) -> Option<LockKind> {
        self.list.iter().find(|record| record.owner == owner).map(|record| record.kind)
    }

    /// Adds a lock that nothing conflicts with; it takes the place of what its owner held there. `ENOLCK` without memory.
    pub(super) fn insert(&mut self, record: Record) -> Result<(), Errno> {
        aegis::charge::reserve(&mut self.list, 2).map_err(|_| Errno::ENOLCK)?;
        self.release(record.owner, record.range)?;
        let mut merged = record;
        // Neighbours of the same kind become one lock, or a program that locks byte by byte would fill the list.
        self.list.retain(|held| {
            let near = held.owner == merged.owner
                && held.kind == merged.kind
                && held.range.start <= merged.range.last.saturating_add(1)
                && merged.range.start <= held.range.last.saturating_add(1);
            if near {
                merged.range.start = merged.range.start.min(held.range.start);
                merged.range.last = merged.range.last.max(held.range.last);
            }
            !near
        });
        self.enter(merged);
        Ok(())
    }

    /// Gives up what an owner holds in `range`; a lock that reaches out of it on both sides is split (`ENOLCK` without
    /// memory for the second half).
    pub(super) fn release(&mut self, owner: Owner, range: Range) -> Result<(), Errno> {
        let splits = |held: &Record| {
            held.owner == owner && held.range.start < range.start && held.range.last > range.last
        };
        if let Some(index) = self.list.iter().position(splits) {
            aegis::charge::reserve(&mut self.list, 1).map_err(|_| Errno::ENOLCK)?;
            if let Some(held) = self.list.get_mut(index) {
                let mut tail = *held;
                held.range.last = range.start.saturating_sub(1);
                tail.range.start = range.last + 1;
                self.enter(tail);
            }
            return Ok(());
        }
        let mut behind = None; // what is left of the lock that reaches out behind the range: one at most
        self.list.retain_mut(|held| {
            if held.owner != owner || !held.range.overlaps(range) {
                return true;
            }
            if held.range.start < range.start {
                held.range.last = range.start.saturating_sub(1);
                return true;
            }
            if held.range.last > range.last {
                behind = Some(Record { range: Range { start: range.last + 1, ..held.range }, ..*held });
            }
            false
        });
        if let Some(behind) = behind {
            self.enter(behind); // in the room of what was taken out
        }
        Ok(())
    }

    /// Enters a record at its place, for which there is room.
    fn enter(&mut self, record: Record) {
        let at = self.list.partition_point(|held| held.range.start <= record.range.start);
        self.list.insert(at, record);
    }
}

#[cfg(test)]
mod tests {
    use super::{LockKind, Owner, Range, Record, Records};
    use abi::Errno;

    const ME: Owner = Owner::Table(1);
    const OTHER: Owner = Owner::Table(2);

    fn record(owner: Owner, kind: LockKind, start: u64, last: u64) -> Record {
        Record { kind, range: Range { start, last }, owner, pid: 0 }
    }

    #[test]
    fn ranges_count_backwards_from_a_negative_length() {
        assert_eq!(Range::new(10, -4), Ok(Range { start: 6, last: 9 }));
        assert_eq!(Range::new(2, -4), Err(Errno::EINVAL));
        assert_eq!(Range::new(5, 0), Ok(Range { start: 5, last: i64::MAX as u64 }));
        assert_eq!(Range::new(i64::MAX, 2), Err(Errno::EOVERFLOW));
    }

    #[test]
    fn unlocking_the_middle_leaves_both_sides() {
        let mut records = Records::default();
        records.insert(record(ME, LockKind::Exclusive, 0, 99)).unwrap();
        records.release(ME, Range { start: 40, last: 59 }).unwrap();
        let probe = |start, last| records.conflict(&record(OTHER, LockKind::Shared, start, last));
        assert!(probe(40, 59).is_none());
        assert_eq!(probe(39, 39).unwrap().range, Range { start: 0, last: 39 });
        assert_eq!(probe(60, 60).unwrap().range, Range { start: 60, last: 99 });
    }

    #[test]
    fn readers_share_and_writers_do_not() {
        let mut records = Records::default();
        records.insert(record(ME, LockKind::Shared, 0, 9)).unwrap();
        assert!(records.conflict(&record(OTHER, LockKind::Shared, 0, 9)).is_none());
        assert!(records.conflict(&record(OTHER, LockKind::Exclusive, 9, 20)).is_some());
        assert!(records.conflict(&record(ME, LockKind::Exclusive, 0, 9)).is_none());
    }

    #[test]
    fn neighbouring_locks_of_one_owner_become_one() {
        let mut records = Records::default();
        for byte in 0..100 {
            records.insert(record(ME, LockKind::Exclusive, byte, byte)).unwrap();
        }
        assert_eq!(records.list.len(), 1);
        records.insert(record(ME, LockKind::Shared, 10, 19)).unwrap();
        assert_eq!(records.list.len(), 3);
    }
}
