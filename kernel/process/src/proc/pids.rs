//! The top of `/proc` and `/proc/PID/task`: who exists.

use super::entries::Members;
use super::{Subject, number, rows};
use crate::{current, table};
use abi::{Errno, Mode};
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::FileKind;
use chroma::synthetic::{Directory, Dynamic, Entry, Fixed, Listing};

/// The number that a name spells, as Linux takes it: decimal, without a leading zero.
pub(super) fn spelled(name: &[u8]) -> Result<u32, Errno> {
    let digits = name.iter().all(u8::is_ascii_digit) && (name.len() == 1 || name.first() != Some(&b'0'));
    let text = core::str::from_utf8(name).map_err(|_| Errno::ENOENT)?;
    text.parse().ok().filter(|_| digits).ok_or(Errno::ENOENT)
}

/// `self` and `thread-self`.
pub(super) fn add_links(top: &Directory) {
    let own = || {
        let thread = current::thread().ok_or(Errno::ENOENT)?;
        Ok(thread.process().pid().to_string().into_bytes())
    };
    let own_thread = || {
        let thread = current::thread().ok_or(Errno::ENOENT)?;
        Ok(format!("{}/task/{}", thread.process().pid(), thread.tid()).into_bytes())
    };
    top.add("self", Entry::link(own));
    top.add("thread-self", Entry::link(own_thread));
}

fn directory(subject: Subject, space: u64, rows: &'static [rows::Row]) -> Result<Entry, Errno> {
    let id = subject.number;
    let cred = subject.target().map_err(|_| Errno::ENOENT)?.cred();
    let members = Directory::dynamic(Arc::new(Members { subject, space, rows }));
    let entry = Entry::directory(members, Mode(0o555)).numbered(number(space, id, 0));
    Ok(entry.owned_by(cred.euid, cred.egid).fixed(Fixed::Everything))
}

/// All processes.
pub(super) struct Processes;

/// The kinds of directories, for inode numbers.
const PROCESS: u64 = 1;
const TASK: u64 = 2;

impl Dynamic for Processes {
    fn lookup(&self, name: &[u8]) -> Result<Entry, Errno> {
        let subject = Subject::find(spelled(name)?).ok_or(Errno::ENOENT)?;
        directory(subject, PROCESS, rows::process())
    }

    fn list(&self, listing: &mut Listing<'_>) -> Result<(), Errno> {
        let mut from = u32::try_from(listing.next_key()).unwrap_or(u32::MAX);
        while let Some(pid) = table::with(|tree| tree.next_process(from)) {
            let name = pid.to_string();
            if !listing.add(pid.into(), number(PROCESS, pid, 0), FileKind::Directory, name.as_bytes()) {
                break;
            }
            from = pid.saturating_add(1);
        }
        Ok(())
    }

    fn directories(&self) -> u32 {
        u32::try_from(table::with(|tree| tree.processes().count())).unwrap_or(u32::MAX)
    }
}

/// The threads of a process.
pub(super) struct Tasks(pub Subject);

impl Tasks {
    fn numbers(&self) -> Result<Vec<u32>, Errno> {
        let process = self.0.target().map_err(|_| Errno::ENOENT)?.process;
        let mut numbers: Vec<u32> = process.threads().iter().map(|thread| thread.tid()).collect();
        // It is listed until the last thread has ended, and after that.
        if !numbers.contains(&process.pid()) {
            numbers.push(process.pid());
        }
        numbers.sort_unstable();
        Ok(numbers)
    }
}

impl Dynamic for Tasks {
    fn lookup(&self, name: &[u8]) -> Result<Entry, Errno> {
        let task = self.0.task(spelled(name)?).map_err(|_| Errno::ENOENT)?;
        directory(task, TASK, rows::task())
    }

    fn list(&self, listing: &mut Listing<'_>) -> Result<(), Errno> {
        let from = listing.next_key();
        for tid in self.numbers()?.into_iter().filter(|tid| u64::from(*tid) >= from) {
            let name = tid.to_string();
            if !listing.add(tid.into(), number(TASK, tid, 0), FileKind::Directory, name.as_bytes()) {
                break;
            }
        }
        Ok(())
    }

    fn directories(&self) -> u32 {
        self.numbers().map_or(0, |numbers| u32::try_from(numbers.len()).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::spelled;

    #[test]
    fn names_of_processes_are_plain_decimal_numbers() {
        assert_eq!(spelled(b"1"), Ok(1));
        assert_eq!(spelled(b"0"), Ok(0));
        for name in [&b"01"[..], b"+1", b"1a", b"", b"99999999999"] {
            assert!(spelled(name).is_err(), "{name:?}");
        }
    }
}
