//! Locks on files: `flock`, POSIX record locks (`F_SETLK`) and open-file-description locks (`F_OFD_SETLK`).
//!
//! The kinds don't see each other's owners, but POSIX and OFD locks conflict with one another (both are record locks);
//! `flock` locks live apart, as on Linux. All locks of a file are in one list behind a spinlock; waiting is a wait queue per
//! file. Who waits for whom is noted globally, for POSIX locks only, to refuse a wait that would close a circle.

mod deadlock;
mod records;

use abi::Errno;
use abi::fs::OpenFlags;
use alloc::sync::Arc;
use chronos::{Events, WaitKind, WaitQueue};
use hal::SpinLock;

use crate::file::OpenFile;
use crate::inode::Inode;
use crate::lock_classes;
use crate::poll::restart;

use records::Records;
pub use records::{LockKind, Owner, Range, Record};

/// The locks of one file.
pub struct FileLocks {
    /// POSIX and OFD record locks.
    records: SpinLock<Records>,
    /// `flock` locks: whole-file records owned by descriptions.
    whole: SpinLock<Records>,
    changed: WaitQueue,
}

impl FileLocks {
    pub(crate) fn new() -> FileLocks {
        FileLocks {
            records: SpinLock::new(&lock_classes::RECORDS, Records::default()),
            whole: SpinLock::new(&lock_classes::RECORDS, Records::default()),
            changed: WaitQueue::new(),
        }
    }

    fn wake(&self) {
        self.changed.wake_all(Events::all());
    }
}

/// The owner of a description's locks.
fn description(file: &OpenFile) -> Owner {
    Owner::Description(core::ptr::from_ref(file).addr())
}

/// `flock`: takes, changes or (with `None`) gives up the description's lock on the whole file. `EAGAIN` instead of waiting
/// if `nonblocking`.
pub fn flock(file: &OpenFile, kind: Option<LockKind>, nonblocking: bool) -> Result<(), Errno> {
    let locks = file.inode().locks()?;
    let owner = description(file);
    let Some(kind) = kind else {
        locks.whole.lock().release(owner, Range::ALL)?;
        locks.wake();
        return Ok(());
    };
    // Changing the kind gives the old lock up first; another may get in between (flock(2)).
    let changed = {
        let mut whole = locks.whole.lock();
        let changed = whole.held_by(owner).is_some_and(|held| held != kind);
        if changed {
            whole.release(owner, Range::ALL)?;
        }
        changed
    };
    if changed {
        locks.wake();
    }
    let record = Record { kind, range: Range::ALL, owner, pid: 0 };
    set(&locks.whole, &locks.changed, record, nonblocking, false)
}

/// `F_SETLK`, `F_SETLKW` and their OFD forms, with `record.kind` as `F_RDLCK` or `F_WRLCK`. `EBADF` unless the file is open
/// for reading or writing respectively; `EAGAIN` or a wait on conflict; `EDEADLK` where waiting would never end.
pub fn lock_record(file: &OpenFile, record: Record, wait: bool) -> Result<(), Errno> {
    let allowed = match record.kind {
        LockKind::Shared => file.readable(),
        LockKind::Exclusive => file.writable(),
    };
    if !allowed || file.flags().contains(OpenFlags::PATH) {
        return Err(Errno::EBADF);
    }
    let locks = file.inode().locks()?;
    set(&locks.records, &locks.changed, record, !wait, matches!(record.owner, Owner::Table(_)))?;
    // A lock on part of what was held may have been weakened or split: somebody else may go on.
    locks.wake();
    Ok(())
}

/// `F_UNLCK`: gives up what `owner` holds in `range`.
pub fn unlock_record(file: &OpenFile, owner: Owner, range: Range) -> Result<(), Errno> {
    let Some(locks) = file.inode().locks.get() else { return Ok(()) };
    locks.records.lock().release(owner, range)?;
    locks.wake();
    Ok(())
}

/// `F_GETLK`: a lock that stands in the way of `record`.
pub fn conflicting(file: &OpenFile, record: &Record) -> Option<Record> {
    file.inode().locks.get()?.records.lock().conflict(record)
}

/// The owner for OFD locks of a description.
pub fn ofd_owner(file: &OpenFile) -> Owner {
    description(file)
}

fn set(
    list: &SpinLock<Records>,
    changed: &WaitQueue,
    record: Record,
    nonblocking: bool,
    detect: bool,
) -> Result<(), Errno> {
    let attempt = || {
        let mut records = list.lock();
        match records.conflict(&record) {
            None => Ok(records.insert(record)),
            Some(other) => Err(other),
        }
    };
    loop {
        let other = match attempt() {
            Ok(result) => return result,
            Err(_) if nonblocking => return Err(Errno::EAGAIN),
            Err(other) => other,
        };
        let _waits = if detect { Some(deadlock::Waits::begin(record.owner, other.owner)?) } else { None };
        // The condition may not allocate, so it only looks; the lock is taken by the loop.
        let free = || {
            let now = list.lock().conflict(&record);
            now.is_none_or(|now| now.owner != other.owner).then_some(())
        };
        changed.wait(WaitKind::Interruptible, None, free).map_err(restart)?;
    }
}

/// Gives up a table's POSIX locks on a file: any close of any of its descriptors for the file does that.
pub fn release_posix(inode: &Arc<Inode>, table: u64) {
    if let Some(locks) = inode.locks.get() {
        // Giving up everything never splits a record, so it needs no memory and can't fail.
        let _ = locks.records.lock().release(Owner::Table(table), Range::ALL);
        locks.wake();
    }
}

/// Gives up a description's `flock` and OFD locks: its last reference is gone.
pub(crate) fn release_description(file: &OpenFile) {
    if let Some(locks) = file.inode().locks.get() {
        let owner = description(file);
        let _ = locks.whole.lock().release(owner, Range::ALL);
        let _ = locks.records.lock().release(owner, Range::ALL);
        locks.wake();
    }
}
