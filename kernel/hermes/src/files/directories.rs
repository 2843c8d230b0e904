//! Directories: listing, and where one is.

use abi::{Errno, Mode};
use alloc::vec::Vec;
use cerberus::Rights;
use chroma::cred::Cap;
use chroma::listing::Format;
use chroma::walk::WalkFlags;
use chroma::{Fd, Sink};
use process::Current;

use crate::argument::{OutBytes, PathName};
use crate::row::Outcome;
use crate::support::{DONE, any_file, count, file};

/// `getdents64`.
pub fn getdents64(current: &mut Current, fd: Fd, buffer: OutBytes, size: u32) -> Outcome {
    let file = file(current, fd, Rights::READ)?;
    count(file.read_dir(buffer.0, size as usize, Format::New)?)
}

/// `getdents`: the same in an older layout.
pub fn getdents(current: &mut Current, fd: Fd, buffer: OutBytes, size: u32) -> Outcome {
    let file = file(current, fd, Rights::READ)?;
    count(file.read_dir(buffer.0, size as usize, Format::Old)?)
}

/// `getcwd`: the path with its NUL; the length includes it.
pub fn getcwd(current: &mut Current, buffer: OutBytes, size: usize) -> Outcome {
    let cwd = current.fs.cwd();
    let spelled = cwd.spell(&current.fs.root());
    if spelled.gone {
        return Err(Errno::ENOENT);
    }
    let mut text = Vec::new();
    if !spelled.reachable {
        text.extend_from_slice(b"(unreachable)");
    }
    text.extend_from_slice(&spelled.text);
    text.push(0);
    if text.len() > abi::fs::PATH_MAX {
        return Err(Errno::ENAMETOOLONG);
    }
    if size < text.len() {
        return Err(Errno::ERANGE);
    }
    if Sink::user(buffer.0, size).put(&text)? < text.len() {
        return Err(Errno::EFAULT);
    }
    count(text.len())
}

/// `chdir`.
pub fn chdir(current: &mut Current, path: PathName) -> Outcome {
    let path = current.view().resolve(&path.read()?, WalkFlags::FOLLOW | WalkFlags::DIRECTORY)?;
    current.fs.set_cwd(&current.cred, path)?;
    DONE
}

/// `fchdir`.
pub fn fchdir(current: &mut Current, fd: Fd) -> Outcome {
    let path = any_file(current, fd)?.path().clone();
    current.fs.set_cwd(&current.cred, path)?;
    DONE
}

/// `chroot`.
pub fn chroot(current: &mut Current, path: PathName) -> Outcome {
    let path = current.view().resolve(&path.read()?, WalkFlags::FOLLOW | WalkFlags::DIRECTORY)?;
    current.cred.require(Cap::SYS_CHROOT)?;
    current.fs.set_root(&current.cred, path)?;
    DONE
}

/// `umask`.
pub fn umask(current: &mut Current, mask: Mode) -> Outcome {
    Ok(u64::from(current.fs.set_umask(mask).0))
}
