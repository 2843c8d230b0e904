//! What many handlers need.

use abi::fs::AT_FDCWD;
use abi::{AtFlags, Errno, Signal, Timespec};
use alloc::sync::Arc;
use cerberus::Rights;
use chroma::walk::WalkFlags;
use chroma::{Fd, OpenFile, Path, View};
use core::time::Duration;
use hal::Instant;
use process::Current;
use process::signal::{Info, send};

use crate::argument::PathName;
use crate::row::Outcome;

/// The result of a call that only succeeds.
pub const DONE: Outcome = Ok(0);

/// A count as a result.
#[inline]
pub fn count(value: usize) -> Outcome {
    Ok(value as u64)
}

/// A descriptor as a result.
#[inline]
pub fn descriptor(fd: Fd) -> Outcome {
    Ok(u64::from(fd.0.cast_unsigned()))
}

/// The open file behind a descriptor, with the rights that the call needs; not one that was opened as a mere path.
///
/// # Errors
/// `EBADF`.
#[inline(always)]
pub fn file(current: &Current, fd: Fd, needed: Rights) -> Result<Arc<OpenFile>, Errno> {
    let file = current.files.file(fd, needed)?;
    if file.flags().contains(abi::OpenFlags::PATH) { Err(Errno::EBADF) } else { Ok(file) }
}

/// The open file behind a descriptor, also one that was opened as a mere path.
///
/// # Errors
/// `EBADF`.
#[inline]
pub fn any_file(current: &Current, fd: Fd) -> Result<Arc<OpenFile>, Errno> {
    current.files.file(fd, Rights::empty())
}

/// A view from a directory's descriptor, for a name that is relative to it.
///
/// # Errors
/// `EBADF`; a descriptor that is no directory is noticed by the walk (`ENOTDIR`).
pub fn view_at<'a>(current: &'a Current, directory: Fd, name: &[u8]) -> Result<View<'a>, Errno> {
    if directory.0 == AT_FDCWD || name.first() == Some(&b'/') {
        return Ok(current.view());
    }
    let file = any_file(current, directory)?;
    Ok(current.fs.view_from(&current.cred, file.path().clone()))
}

/// How a walk ends, by the flags of an `…at` call.
pub fn walk_flags(flags: AtFlags, follow: bool) -> WalkFlags {
    let mut walk = WalkFlags::empty();
    walk.set(WalkFlags::FOLLOW, follow);
    walk.set(WalkFlags::EMPTY, flags.contains(AtFlags::EMPTY_PATH));
    walk
}

/// The path that (directory, name, flags) mean; links are followed unless `AT_SYMLINK_NOFOLLOW`.
///
/// # Errors
/// Those of the walk.
pub fn path_at(current: &Current, directory: Fd, name: PathName, flags: AtFlags) -> Result<Path, Errno> {
    let name = name.read()?;
    if name.is_empty() && flags.contains(AtFlags::EMPTY_PATH) && directory.0 != AT_FDCWD {
        return Ok(any_file(current, directory)?.path().clone());
    }
    let follow = !flags.contains(AtFlags::SYMLINK_NOFOLLOW);
    view_at(current, directory, &name)?.resolve(&name, walk_flags(flags, follow))
}

/// Refuses flags that the call does not know.
///
/// # Errors
/// `EINVAL`.
pub fn known<F: bitflags::Flags>(flags: F, known: F) -> Result<(), Errno> {
    if known.contains(flags) { Ok(()) } else { Err(Errno::EINVAL) }
}

/// A time that a program gave.
///
/// # Errors
/// `EINVAL`: negative, or more than 10^9 - 1 nanoseconds.
pub fn duration(time: Timespec) -> Result<Duration, Errno> {
    time.to_duration().ok_or(Errno::EINVAL)
}

/// The point in time after a timeout. That of no time at all has passed already: the clock is not asked.
pub fn after(timeout: Duration) -> Instant {
    if timeout.is_zero() { Instant::BOOT } else { chronos::clock::now().saturating_add(timeout) }
}

/// Whether a deadline has passed.
pub fn has_passed(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| deadline == Instant::BOOT || deadline <= chronos::clock::now())
}

/// A write to something that nobody reads: the thread gets SIGPIPE with the error.
#[cold]
pub fn broken_pipe(current: &Current) {
    let info = Info::user(Signal::SIGPIPE, current.pid(), current.cred.uid);
    send::to_thread(&current.thread, info);
}

/// A write beyond `RLIMIT_FSIZE`: the thread gets SIGXFSZ with the error.
#[cold]
pub fn file_too_large(current: &Current) -> Errno {
    let info = Info::user(Signal::SIGXFSZ, current.pid(), current.cred.uid);
    send::to_thread(&current.thread, info);
    Errno::EFBIG
}
