//! File locks.

use abi::Errno;
use abi::fs::{Flock, FlockOperation, SEEK_CUR, SEEK_END, SEEK_SET, fcntl as command};
use alloc::sync::Arc;
use cerberus::Rights;
use chroma::flock::{self, LockKind, Owner, Range, Record};
use chroma::{Fd, OpenFile};
use hal::{UserAddr, user};
use process::Current;

use crate::row::Outcome;
use crate::support::{DONE, file};

/// `flock`.
pub fn flock(current: &mut Current, fd: Fd, operation: FlockOperation) -> Outcome {
    let file = file(current, fd, Rights::LOCK)?;
    let nonblocking = operation.contains(FlockOperation::NB);
    let kind = match operation.difference(FlockOperation::NB) {
        FlockOperation::SH => Some(LockKind::Shared),
        FlockOperation::EX => Some(LockKind::Exclusive),
        FlockOperation::UN => None,
        _ => return Err(Errno::EINVAL),
    };
    flock::flock(&file, kind, nonblocking)?;
    DONE
}

fn is_ofd(operation: i32) -> bool {
    matches!(operation, command::F_OFD_GETLK | command::F_OFD_SETLK | command::F_OFD_SETLKW)
}

/// The range that a user's struct means, in the file's own bytes.
fn range(file: &OpenFile, lock: &Flock) -> Result<Range, Errno> {
    let base = match i32::from(lock.l_whence) {
        SEEK_SET => 0,
        SEEK_CUR => file.position(),
        SEEK_END => file.inode().read_attributes(|attributes| attributes.size),
        _ => return Err(Errno::EINVAL),
    };
    let base = i64::try_from(base).map_err(|_| Errno::EOVERFLOW)?;
    let start = base.checked_add(lock.l_start).ok_or(Errno::EOVERFLOW)?;
    Range::new(start, lock.l_len)
}

fn kind(lock: &Flock) -> Result<Option<LockKind>, Errno> {
    match lock.l_type {
        command::F_RDLCK => Ok(Some(LockKind::Shared)),
        command::F_WRLCK => Ok(Some(LockKind::Exclusive)),
        command::F_UNLCK => Ok(None),
        _ => Err(Errno::EINVAL),
    }
}

fn owner(current: &Current, file: &OpenFile, operation: i32) -> Owner {
    if is_ofd(operation) { flock::ofd_owner(file) } else { Owner::Table(current.files.lock_owner()) }
}

fn read(address: UserAddr, operation: i32) -> Result<Flock, Errno> {
    let lock: Flock = user::read(address).map_err(|_| Errno::EFAULT)?;
    if is_ofd(operation) && lock.l_pid != 0 { Err(Errno::EINVAL) } else { Ok(lock) }
}

/// `F_SETLK` and its kin.
pub(super) fn set(current: &Current, file: &Arc<OpenFile>, operation: i32, address: UserAddr) -> Outcome {
    let lock = read(address, operation)?;
    let owner = owner(current, file, operation);
    let range = range(file, &lock)?;
    match kind(&lock)? {
        None => flock::unlock_record(file, owner, range)?,
        Some(kind) => {
            let wait = matches!(operation, command::F_SETLKW | command::F_OFD_SETLKW);
            let record = Record { kind, range, owner, pid: pid(current, operation) };
            flock::lock_record(file, record, wait)?;
        }
    }
    DONE
}

/// What `F_GETLK` shows as the owner: nobody for locks of descriptions.
fn pid(current: &Current, operation: i32) -> i32 {
    if is_ofd(operation) { -1 } else { current.pid().cast_signed() }
}

/// `F_GETLK` and `F_OFD_GETLK`.
pub(super) fn get(current: &Current, file: &Arc<OpenFile>, operation: i32, address: UserAddr) -> Outcome {
    let mut lock = read(address, operation)?;
    let kind = kind(&lock)?.ok_or(Errno::EINVAL)?;
    let record = Record {
        kind,
        range: range(file, &lock)?,
        owner: owner(current, file, operation),
        pid: pid(current, operation),
    };
    match flock::conflicting(file, &record) {
        None => lock.l_type = command::F_UNLCK,
        Some(other) => {
            lock.l_type = match other.kind {
                LockKind::Shared => command::F_RDLCK,
                LockKind::Exclusive => command::F_WRLCK,
            };
            lock.l_whence = SEEK_SET as i16;
            lock.l_start = i64::try_from(other.range.start).unwrap_or(i64::MAX);
            lock.l_len = other.range.len_field();
            lock.l_pid = other.pid;
        }
    }
    user::write(address, &lock).map_err(|_| Errno::EFAULT)?;
    DONE
}
