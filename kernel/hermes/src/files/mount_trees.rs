//! `open_tree` and `move_mount`: trees of mounts that are nowhere, and where they go.

use abi::mount::{MoveMountFlags, OpenTreeFlags};
use abi::{AtFlags, Errno, OpenFlags};
use chroma::cred::Cap;
use chroma::fdtable::capability;
use chroma::ops::{open_detached, open_path_file};
use chroma::{Admission, Fd, MountNamespace};
use process::Current;

use crate::argument::PathName;
use crate::row::Outcome;
use crate::support::{DONE, descriptor, known, path_at};

/// `open_tree`: a descriptor of a place, or of a copy of what is mounted there.
pub fn open_tree(current: &mut Current, directory: Fd, path: PathName, flags: OpenTreeFlags) -> Outcome {
    known(flags, OpenTreeFlags::all())?;
    let copies = flags.contains(OpenTreeFlags::CLONE);
    let recursive = flags.contains(OpenTreeFlags::RECURSIVE);
    if recursive && !copies {
        return Err(Errno::EINVAL);
    }
    if copies {
        current.cred.require(Cap::SYS_ADMIN)?;
    }
    let number = current.files.reserve(current.fd_limit())?;
    let at = path_at(current, directory, path, AtFlags::from_bits_truncate(flags.bits()))?;
    let file = if copies {
        let admission = Admission::new(&current.cred)?;
        let tree = current.namespaces.mounts.copy_detached(&at, recursive)?;
        drop(at);
        open_detached(tree, admission, current.cred.clone())?
    } else {
        open_path_file(at, OpenFlags::PATH, current.cred.clone())?
    };
    descriptor(number.fill(capability(file), flags.contains(OpenTreeFlags::CLOEXEC)))
}

/// `move_mount`: attaches a tree that is nowhere, moves one that is somewhere, or puts a mount into a group.
pub fn move_mount(
    current: &mut Current,
    from: Fd,
    from_path: PathName,
    to: Fd,
    to_path: PathName,
    flags: MoveMountFlags,
) -> Outcome {
    current.cred.require(Cap::SYS_ADMIN)?;
    known(flags, MoveMountFlags::all())?;
    let side = |follow, empty| {
        let mut side = AtFlags::empty();
        side.set(AtFlags::SYMLINK_NOFOLLOW, !flags.contains(follow));
        side.set(AtFlags::EMPTY_PATH, flags.contains(empty));
        side
    };
    let from_flags = side(MoveMountFlags::F_SYMLINKS, MoveMountFlags::F_EMPTY_PATH);
    let to_flags = side(MoveMountFlags::T_SYMLINKS, MoveMountFlags::T_EMPTY_PATH);
    let from = path_at(current, from, from_path, from_flags)?;
    let to = path_at(current, to, to_path, to_flags)?;
    if flags.contains(MoveMountFlags::SET_GROUP) {
        MountNamespace::join_group(&from, &to)?;
    } else {
        current.namespaces.mounts.move_mount(&from, &to)?;
    }
    DONE
}
