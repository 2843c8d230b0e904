//! The end of the kernel's log in a report: a machine that runs shows little of it on the console.

use super::super::console;
use crate::log::{self, Level};

/// Records shown at most.
const RECORDS: usize = 20;
/// Bytes shown at most.
const BYTES: u64 = 4096;

/// Prints the log's last records as the ring keeps them, unless the console has shown all. Takes no lock.
pub(super) fn write() {
    if log::console_level() > Level::Info as u8 {
        return;
    }
    let (oldest, end) = log::range();
    let first = oldest.max(end.saturating_sub(BYTES));
    // A record begins where another has ended.
    let starts = (first + 1..end).rev().filter(|&at| log::byte_in_panic(at - 1) == b'\n');
    if let Some(start) = starts.take(RECORDS).last() {
        // The screen has room for little: for what follows.
        console::write_unlocked(b"the end of the log:\n");
        (start..end).for_each(|at| console::write_unlocked(&[log::byte_in_panic(at)]));
    }
}
