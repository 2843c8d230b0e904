//! Reading and writing.

use abi::fs::{IOV_MAX, MAX_RW_COUNT, RwFlags};
use abi::{Errno, Iovec, Resource};
use alloc::sync::Arc;
use alloc::vec::Vec;
use cerberus::Rights;
use chroma::file::Whence;
use chroma::{Fd, OpenFile, Sink, Source};
use process::Current;

use crate::argument::{In, InBytes, OutBytes};
use crate::row::Outcome;
use crate::support::{broken_pipe, count, file, file_too_large};

/// `read`.
pub fn read(current: &mut Current, fd: Fd, buffer: OutBytes, size: usize) -> Outcome {
    let file = file(current, fd, Rights::READ)?;
    count(file.read(&mut Sink::user(buffer.0, size.min(MAX_RW_COUNT)))?)
}

/// `write`.
pub fn write(current: &mut Current, fd: Fd, buffer: InBytes, size: usize) -> Outcome {
    let file = file(current, fd, Rights::WRITE)?;
    let mut source = Source::user(buffer.0, size.min(MAX_RW_COUNT));
    limit(current, &file, None, &mut source)?;
    written(current, &file, file.write(&mut source))
}

/// `RLIMIT_FSIZE`: cuts what a write to a regular file may take; SIGXFSZ when nothing is left.
///
/// # Errors
/// `EFBIG`, with the signal.
#[inline]
pub(super) fn limit(
    current: &Current,
    file: &Arc<OpenFile>,
    position: Option<u64>,
    source: &mut Source<'_>,
) -> Result<(), Errno> {
    let limit = current.process.limits.current(Resource::Fsize);
    if limit == abi::process::RLIM_INFINITY {
        return Ok(());
    }
    limit_to(current, file, position, source, limit)
}

#[cold]
fn limit_to(
    current: &Current,
    file: &Arc<OpenFile>,
    position: Option<u64>,
    source: &mut Source<'_>,
    limit: u64,
) -> Result<(), Errno> {
    let regular = file.inode().kind() == chroma::inode::FileKind::Regular && file.ops().seekable();
    if !regular || source.remaining() == 0 {
        return Ok(());
    }
    let appends = file.flags().contains(abi::OpenFlags::APPEND);
    let at = match position {
        Some(position) => position,
        None if appends => file.inode().read_attributes(|attributes| attributes.size),
        None => file.position(),
    };
    let room = limit.saturating_sub(at);
    if room == 0 {
        return Err(file_too_large(current));
    }
    source.truncate(usize::try_from(room).unwrap_or(usize::MAX));
    Ok(())
}

#[inline]
fn written(current: &Current, file: &OpenFile, outcome: Result<usize, Errno>) -> Outcome {
    match outcome {
        Ok(value) => count(value),
        Err(error) => {
            if error == Errno::EPIPE && file.ops().signals_broken_pipe() {
                broken_pipe(current);
            }
            Err(error)
        }
    }
}

/// The ranges of a vector, wherever they are.
///
/// # Errors
/// `EINVAL`: too many, or a negative length; `EFAULT`: the vector.
pub fn list(vector: In<Iovec>, number: usize) -> Result<Vec<Iovec>, Errno> {
    if number > IOV_MAX {
        return Err(Errno::EINVAL);
    }
    let ranges = vector.read_array(number)?;
    let has_negative = ranges.iter().any(|range| i64::try_from(range.iov_len).is_err());
    if has_negative { Err(Errno::EINVAL) } else { Ok(ranges) }
}

/// The ranges of a vector, checked as Linux does, cut to what one call transfers.
///
/// # Errors
/// `EINVAL`: too many, or a negative length; `EFAULT`.
pub fn ranges(vector: In<Iovec>, number: usize) -> Result<Vec<Iovec>, Errno> {
    let mut ranges = list(vector, number)?;
    let mut left = MAX_RW_COUNT as u64;
    for range in &mut ranges {
        if !hal::UserAddr::new(range.iov_base).is_user_range(range.iov_len) {
            return Err(Errno::EFAULT);
        }
        range.iov_len = range.iov_len.min(left);
        left -= range.iov_len;
    }
    Ok(ranges)
}

/// `readv`.
pub fn readv(current: &mut Current, fd: Fd, vector: In<Iovec>, number: usize) -> Outcome {
    let file = file(current, fd, Rights::READ)?;
    let ranges = ranges(vector, number)?;
    count(file.read(&mut Sink::iovec(&ranges))?)
}

/// `writev`.
pub fn writev(current: &mut Current, fd: Fd, vector: In<Iovec>, number: usize) -> Outcome {
    let file = file(current, fd, Rights::WRITE)?;
    let ranges = ranges(vector, number)?;
    let mut source = Source::iovec(&ranges);
    limit(current, &file, None, &mut source)?;
    written(current, &file, file.write(&mut source))
}

fn position(offset: i64) -> Result<u64, Errno> {
    u64::try_from(offset).map_err(|_| Errno::EINVAL)
}

/// `pread64`.
pub fn pread64(current: &mut Current, fd: Fd, buffer: OutBytes, size: usize, offset: i64) -> Outcome {
    let position = position(offset)?;
    let file = file(current, fd, Rights::READ)?;
    count(file.read_at(position, &mut Sink::user(buffer.0, size.min(MAX_RW_COUNT)))?)
}

/// `pwrite64`.
pub fn pwrite64(current: &mut Current, fd: Fd, buffer: InBytes, size: usize, offset: i64) -> Outcome {
    let position = position(offset)?;
    let file = file(current, fd, Rights::WRITE)?;
    let mut source = Source::user(buffer.0, size.min(MAX_RW_COUNT));
    limit(current, &file, Some(position), &mut source)?;
    written(current, &file, file.write_at(position, &mut source))
}

/// `preadv`. The offset's upper half (for 32-bit registers) has no meaning here.
pub fn preadv(current: &mut Current, fd: Fd, vector: In<Iovec>, number: usize, offset: i64) -> Outcome {
    let position = position(offset)?;
    let file = file(current, fd, Rights::READ)?;
    let ranges = ranges(vector, number)?;
    count(file.read_at(position, &mut Sink::iovec(&ranges))?)
}

/// `pwritev`.
pub fn pwritev(current: &mut Current, fd: Fd, vector: In<Iovec>, number: usize, offset: i64) -> Outcome {
    let position = position(offset)?;
    let file = file(current, fd, Rights::WRITE)?;
    let ranges = ranges(vector, number)?;
    let mut source = Source::iovec(&ranges);
    limit(current, &file, Some(position), &mut source)?;
    written(current, &file, file.write_at(position, &mut source))
}

/// The flags of `preadv2` and `pwritev2` that are taken: those that only promise more about writing, which memory always keeps.
fn check_flags(flags: RwFlags) -> Result<(), Errno> {
    let taken = RwFlags::HIPRI | RwFlags::DSYNC | RwFlags::SYNC;
    if taken.contains(flags) { Ok(()) } else { Err(Errno::EOPNOTSUPP) }
}

/// `preadv2`: an offset of -1 is the file's own position.
pub fn preadv2(
    current: &mut Current,
    fd: Fd,
    vector: In<Iovec>,
    number: usize,
    offset: i64,
    _upper: usize,
    flags: RwFlags,
) -> Outcome {
    check_flags(flags)?;
    if offset == -1 {
        readv(current, fd, vector, number)
    } else {
        preadv(current, fd, vector, number, offset)
    }
}

/// `pwritev2`.
pub fn pwritev2(
    current: &mut Current,
    fd: Fd,
    vector: In<Iovec>,
    number: usize,
    offset: i64,
    _upper: usize,
    flags: RwFlags,
) -> Outcome {
    check_flags(flags)?;
    if offset == -1 {
        writev(current, fd, vector, number)
    } else {
        pwritev(current, fd, vector, number, offset)
    }
}

/// `lseek`.
pub fn lseek(current: &mut Current, fd: Fd, offset: i64, whence: u32) -> Outcome {
    let file = file(current, fd, Rights::SEEK)?;
    file.seek(offset, Whence::from_number(whence)?)
}
