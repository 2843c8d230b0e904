//! Writing back.

use abi::Errno;
use cerberus::Rights;
use chroma::Fd;
use process::Current;

use crate::row::Outcome;
use crate::support::{DONE, file};

/// `fsync`, and `fdatasync`, which may do less.
pub fn fsync(current: &mut Current, fd: Fd) -> Outcome {
    let file = file(current, fd, Rights::SYNC)?;
    file.ops().sync(&file)?;
    DONE
}

/// `sync`: every file system that is mounted.
pub fn sync(current: &mut Current) -> Outcome {
    // No mount is busy for it.
    let superblocks = current.namespaces.mounts.mounts().map(|mount| mount.superblock().clone());
    for superblock in superblocks {
        let _ = superblock.ops.sync(); // sync(2) reports nothing
    }
    DONE
}

/// `syncfs`.
pub fn syncfs(current: &mut Current, fd: Fd) -> Outcome {
    let file = file(current, fd, Rights::empty())?;
    file.path().mount.superblock().ops.sync()?;
    DONE
}

/// `sync_file_range`: the whole file is written back.
pub fn sync_file_range(current: &mut Current, fd: Fd, offset: i64, length: i64, flags: u32) -> Outcome {
    if offset < 0 || length < 0 || offset.checked_add(length).is_none() || flags & !7 != 0 {
        return Err(Errno::EINVAL);
    }
    fsync(current, fd)
}
