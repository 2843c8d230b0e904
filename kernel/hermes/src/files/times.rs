//! Times of files.

use abi::fs::{UTIME_NOW, UTIME_OMIT};
use abi::{AtFlags, Errno, Timespec, Timeval};
use chroma::Fd;
use chroma::ops::{NewTime, set_times};
use process::Current;

use crate::argument::{In, PathName};
use crate::row::Outcome;
use crate::support::{DONE, any_file, known, path_at};

const HERE: Fd = Fd(abi::fs::AT_FDCWD);

fn new_time(time: Timespec) -> Result<NewTime, Errno> {
    match time.tv_nsec {
        UTIME_NOW => Ok(NewTime::Now),
        UTIME_OMIT => Ok(NewTime::Keep),
        0..1_000_000_000 => Ok(NewTime::At(time)),
        _ => Err(Errno::EINVAL),
    }
}

/// `utimensat`: without times, now. Without a path, the descriptor's own file.
pub fn utimensat(
    current: &mut Current,
    directory: Fd,
    path: PathName,
    times: In<Timespec>,
    flags: AtFlags,
) -> Outcome {
    known(flags, AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH)?;
    let (atime, mtime) = if times.is_null() {
        (NewTime::Now, NewTime::Now)
    } else {
        (new_time(times.read()?)?, new_time(times.element(1).read()?)?)
    };
    if (atime, mtime) == (NewTime::Keep, NewTime::Keep) {
        return DONE;
    }
    let path = if path.0.is_null() {
        if directory == HERE {
            return Err(Errno::EFAULT);
        }
        if !flags.is_empty() {
            return Err(Errno::EINVAL);
        }
        any_file(current, directory)?.path().clone()
    } else {
        path_at(current, directory, path, flags)?
    };
    set_times(&current.cred, &path, atime, mtime)?;
    DONE
}

fn microseconds(time: Timeval) -> Result<NewTime, Errno> {
    if !(0..1_000_000).contains(&time.tv_usec) {
        return Err(Errno::EINVAL);
    }
    Ok(NewTime::At(Timespec { tv_sec: time.tv_sec, tv_nsec: time.tv_usec * 1000 }))
}

/// `utimes`.
pub fn utimes(current: &mut Current, path: PathName, times: In<Timeval>) -> Outcome {
    futimesat(current, HERE, path, times)
}

/// `futimesat`.
pub fn futimesat(current: &mut Current, directory: Fd, path: PathName, times: In<Timeval>) -> Outcome {
    let (atime, mtime) = if times.is_null() {
        (NewTime::Now, NewTime::Now)
    } else {
        (microseconds(times.read()?)?, microseconds(times.element(1).read()?)?)
    };
    let path = if path.0.is_null() && directory != HERE {
        any_file(current, directory)?.path().clone()
    } else {
        path_at(current, directory, path, AtFlags::empty())?
    };
    set_times(&current.cred, &path, atime, mtime)?;
    DONE
}

/// `utime`: whole seconds.
pub fn utime(current: &mut Current, path: PathName, times: In<i64>) -> Outcome {
    let whole = |tv_sec| NewTime::At(Timespec { tv_sec, tv_nsec: 0 });
    let (atime, mtime) = if times.is_null() {
        (NewTime::Now, NewTime::Now)
    } else {
        (whole(times.read()?), whole(times.element(1).read()?))
    };
    let path = path_at(current, HERE, path, AtFlags::empty())?;
    set_times(&current.cred, &path, atime, mtime)?;
    DONE
}
