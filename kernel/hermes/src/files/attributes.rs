//! Modes, sizes, access.

use abi::fs::FallocateMode;
use abi::inotify::InotifyMask;
use abi::{AccessFlags, AtFlags, Errno, Mode, Resource};
use alloc::sync::Arc;
use cerberus::Rights;
use chroma::inode::{FileKind, Inode};
use chroma::{Fd, notify, ops};
use process::Current;

use crate::argument::PathName;
use crate::row::Outcome;
use crate::support::{DONE, file, file_too_large, known, path_at};

const HERE: Fd = Fd(abi::fs::AT_FDCWD);

/// `chmod`.
pub fn chmod(current: &mut Current, path: PathName, mode: Mode) -> Outcome {
    fchmodat(current, HERE, path, mode)
}

/// `fchmod`.
pub fn fchmod(current: &mut Current, fd: Fd, mode: Mode) -> Outcome {
    let file = file(current, fd, Rights::SETATTR)?;
    ops::chmod(&current.cred, file.path(), Mode(mode.permissions()))?;
    DONE
}

/// `fchmodat`.
pub fn fchmodat(current: &mut Current, directory: Fd, path: PathName, mode: Mode) -> Outcome {
    let path = path_at(current, directory, path, AtFlags::empty())?;
    ops::chmod(&current.cred, &path, Mode(mode.permissions()))?;
    DONE
}

/// `access`.
pub fn access(current: &mut Current, path: PathName, mode: AccessFlags) -> Outcome {
    faccessat2(current, HERE, path, mode, AtFlags::empty())
}

/// `faccessat`.
pub fn faccessat(current: &mut Current, directory: Fd, path: PathName, mode: AccessFlags) -> Outcome {
    faccessat2(current, directory, path, mode, AtFlags::empty())
}

/// `faccessat2`: with the real ids, unless `AT_EACCESS`.
pub fn faccessat2(
    current: &mut Current,
    directory: Fd,
    path: PathName,
    mode: AccessFlags,
    flags: AtFlags,
) -> Outcome {
    known(flags, AtFlags::EACCESS | AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH)?;
    known(mode, AccessFlags::all())?;
    if flags.contains(AtFlags::EACCESS) {
        let path = path_at(current, directory, path, flags.difference(AtFlags::EACCESS))?;
        ops::access(&current.cred, &path, mode)?;
        return DONE;
    }
    // The walk itself is made with the real ids too.
    let effective = current.cred.clone();
    current.cred = Arc::new(effective.with_real_ids());
    let path = path_at(current, directory, path, flags);
    let outcome = path.and_then(|path| ops::access(&current.cred, &path, mode));
    current.cred = effective;
    outcome?;
    DONE
}

/// Checks the size that a file shall have: only one that grows may become too large.
fn check_size(current: &Current, inode: &Inode, size: i64) -> Result<u64, Errno> {
    let size = u64::try_from(size).map_err(|_| Errno::EINVAL)?;
    let grows = inode.read_attributes(|attributes| attributes.size) < size;
    if grows && size > current.process.limits.current(Resource::Fsize) {
        return Err(file_too_large(current));
    }
    Ok(size)
}

/// `truncate`.
pub fn truncate(current: &mut Current, path: PathName, size: i64) -> Outcome {
    if size < 0 {
        return Err(Errno::EINVAL);
    }
    let path = path_at(current, HERE, path, AtFlags::empty())?;
    let size = check_size(current, path.dentry.inode()?, size)?;
    ops::truncate(&current.cred, &path, size)?;
    DONE
}

/// `ftruncate`.
pub fn ftruncate(current: &mut Current, fd: Fd, size: i64) -> Outcome {
    if size < 0 {
        return Err(Errno::EINVAL);
    }
    let file = file(current, fd, Rights::empty())?;
    // EINVAL rather than EBADF, as Linux says it for a file that is not open for writing.
    if !file.writable() || file.inode().kind() != FileKind::Regular {
        return Err(Errno::EINVAL);
    }
    let size = check_size(current, file.inode(), size)?;
    ops::truncate_inode(&current.cred, file.inode(), size)?;
    notify::file(&file, InotifyMask::MODIFY);
    DONE
}

/// `fallocate`.
pub fn fallocate(current: &mut Current, fd: Fd, mode: FallocateMode, offset: i64, length: i64) -> Outcome {
    let (Ok(start), Ok(size)) = (u64::try_from(offset), u64::try_from(length)) else {
        return Err(Errno::EINVAL);
    };
    if size == 0 {
        return Err(Errno::EINVAL);
    }
    let file = file(current, fd, Rights::WRITE)?;
    if !FallocateMode::all().contains(mode) {
        return Err(Errno::EOPNOTSUPP);
    }
    match file.inode().kind() {
        FileKind::Fifo => return Err(Errno::ESPIPE),
        FileKind::Directory => return Err(Errno::EISDIR),
        FileKind::Regular => {}
        _ => return Err(Errno::ENODEV),
    }
    let end = offset.checked_add(length).ok_or(Errno::EFBIG)?;
    if !mode.contains(FallocateMode::PUNCH_HOLE) {
        check_size(current, file.inode(), end)?;
    }
    file.ops().allocate(&file, mode.bits(), start, size)?;
    notify::file(&file, InotifyMask::MODIFY);
    DONE
}

/// `fadvise64`: advice about a cache that holds everything anyway; only its arguments matter.
pub fn fadvise64(current: &mut Current, fd: Fd, _offset: i64, length: i64, advice: i32) -> Outcome {
    let file = file(current, fd, Rights::empty())?;
    if file.inode().kind() == FileKind::Fifo {
        return Err(Errno::ESPIPE);
    }
    if length < 0 || !(0..=5).contains(&advice) { Err(Errno::EINVAL) } else { DONE }
}

/// `readahead`: everything is in memory; only its arguments matter.
pub fn readahead(current: &mut Current, fd: Fd, _offset: i64, size: u64) -> Outcome {
    let file = file(current, fd, Rights::READ)?;
    let is_regular = file.inode().kind() == FileKind::Regular;
    if !is_regular || i64::try_from(size).is_err() { Err(Errno::EINVAL) } else { DONE }
}
