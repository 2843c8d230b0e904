//! Owners.

use abi::{AtFlags, Gid, Uid};
use cerberus::Rights;
use chroma::{Fd, ops};
use process::Current;

use crate::argument::PathName;
use crate::row::Outcome;
use crate::support::{DONE, file, known, path_at};

const HERE: Fd = Fd(abi::fs::AT_FDCWD);

/// `chown`.
pub fn chown(current: &mut Current, path: PathName, user: Uid, group: Gid) -> Outcome {
    fchownat(current, HERE, path, user, group, AtFlags::empty())
}

/// `lchown`.
pub fn lchown(current: &mut Current, path: PathName, user: Uid, group: Gid) -> Outcome {
    fchownat(current, HERE, path, user, group, AtFlags::SYMLINK_NOFOLLOW)
}

/// `fchown`.
pub fn fchown(current: &mut Current, fd: Fd, user: Uid, group: Gid) -> Outcome {
    let file = file(current, fd, Rights::SETATTR)?;
    ops::chown(&current.cred, file.path(), user, group)?;
    DONE
}

/// `fchownat`.
pub fn fchownat(
    current: &mut Current,
    directory: Fd,
    path: PathName,
    user: Uid,
    group: Gid,
    flags: AtFlags,
) -> Outcome {
    known(flags, AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH)?;
    let path = path_at(current, directory, path, flags)?;
    ops::chown(&current.cred, &path, user, group)?;
    DONE
}
