//! Links.

use abi::{AtFlags, Errno};
use chroma::cred::Cap;
use chroma::walk::WalkFlags;
use chroma::{Fd, Sink};
use process::Current;

use crate::argument::{OutBytes, PathName};
use crate::row::Outcome;
use crate::support::{DONE, any_file, count, known, view_at, walk_flags};

const HERE: Fd = Fd(abi::fs::AT_FDCWD);

/// `link`.
pub fn link(current: &mut Current, old: PathName, new: PathName) -> Outcome {
    linkat(current, HERE, old, HERE, new, AtFlags::empty())
}

/// `linkat`.
pub fn linkat(
    current: &mut Current,
    old_directory: Fd,
    old: PathName,
    new_directory: Fd,
    new: PathName,
    flags: AtFlags,
) -> Outcome {
    known(flags, AtFlags::SYMLINK_FOLLOW | AtFlags::EMPTY_PATH)?;
    if flags.contains(AtFlags::EMPTY_PATH) && !current.cred.has(Cap::DAC_READ_SEARCH) {
        return Err(Errno::ENOENT);
    }
    let (old, new) = (old.read()?, new.read()?);
    let from = if old.is_empty() && flags.contains(AtFlags::EMPTY_PATH) && old_directory != HERE {
        any_file(current, old_directory)?.path().clone()
    } else {
        let follow = flags.contains(AtFlags::SYMLINK_FOLLOW);
        view_at(current, old_directory, &old)?.resolve(&old, walk_flags(flags, follow))?
    };
    view_at(current, new_directory, &new)?.link(&from, &new)?;
    DONE
}

/// `symlink`.
pub fn symlink(current: &mut Current, target: PathName, path: PathName) -> Outcome {
    symlinkat(current, target, HERE, path)
}

/// `symlinkat`.
pub fn symlinkat(current: &mut Current, target: PathName, directory: Fd, path: PathName) -> Outcome {
    let target = target.read()?;
    if target.is_empty() {
        return Err(Errno::ENOENT);
    }
    let name = path.read()?;
    view_at(current, directory, &name)?.symlink(&target, &name)?;
    DONE
}

/// `readlink`.
pub fn readlink(current: &mut Current, path: PathName, buffer: OutBytes, size: i32) -> Outcome {
    readlinkat(current, HERE, path, buffer, size)
}

/// `readlinkat`: the text without a NUL, cut to the buffer. An empty path means the descriptor itself.
pub fn readlinkat(
    current: &mut Current,
    directory: Fd,
    path: PathName,
    buffer: OutBytes,
    size: i32,
) -> Outcome {
    let size = usize::try_from(size).ok().filter(|size| *size > 0).ok_or(Errno::EINVAL)?;
    let name = path.read()?;
    let text = if name.is_empty() {
        if directory == HERE {
            return Err(Errno::ENOENT);
        }
        let file = any_file(current, directory)?;
        let view = current.fs.view_from(&current.cred, file.path().clone());
        view.readlink(&name, WalkFlags::EMPTY)?
    } else {
        view_at(current, directory, &name)?.readlink(&name, WalkFlags::empty())?
    };
    let shown = text.get(..size.min(text.len())).unwrap_or_default();
    if shown.is_empty() {
        return count(0);
    }
    let mut sink = Sink::user(buffer.0, size);
    if sink.put(shown)? < shown.len() {
        return Err(Errno::EFAULT);
    }
    count(shown.len())
}
