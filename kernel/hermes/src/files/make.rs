//! Making and removing names.

use abi::{AtFlags, DeviceNumber, Errno, Mode, RenameFlags};
use chroma::Fd;
use chroma::inode::FileKind;
use chroma::ops::Node;
use process::Current;

use crate::argument::PathName;
use crate::row::Outcome;
use crate::support::{DONE, known, view_at};

const HERE: Fd = Fd(abi::fs::AT_FDCWD);

/// `mkdir`.
pub fn mkdir(current: &mut Current, path: PathName, mode: Mode) -> Outcome {
    mkdirat(current, HERE, path, mode)
}

/// `mkdirat`.
pub fn mkdirat(current: &mut Current, directory: Fd, path: PathName, mode: Mode) -> Outcome {
    let name = path.read()?;
    let mode = Mode(mode.0 & 0o1777); // set-id bits are not taken from the caller
    view_at(current, directory, &name)?.mkdir(&name, mode, current.fs.umask())?;
    DONE
}

/// `mknod`.
pub fn mknod(current: &mut Current, path: PathName, mode: Mode, device: u32) -> Outcome {
    mknodat(current, HERE, path, mode, device)
}

/// `mknodat`.
pub fn mknodat(current: &mut Current, directory: Fd, path: PathName, mode: Mode, device: u32) -> Outcome {
    let kind = FileKind::from_mode(mode.0).ok_or(Errno::EINVAL)?;
    match kind {
        FileKind::Directory => return Err(Errno::EPERM),
        FileKind::Symlink => return Err(Errno::EINVAL),
        // Who may make a device is asked by the walk, after the folder was found to be writable.
        _ => {}
    }
    let name = path.read()?;
    let mut node = Node::new(kind, Mode(mode.permissions()), current.fs.umask());
    node.rdev = DeviceNumber::decode(device);
    view_at(current, directory, &name)?.mknod(&name, &node)?;
    DONE
}

/// `rmdir`.
pub fn rmdir(current: &mut Current, path: PathName) -> Outcome {
    current.view().rmdir(&path.read()?)?;
    DONE
}

/// `unlink`.
pub fn unlink(current: &mut Current, path: PathName) -> Outcome {
    current.view().unlink(&path.read()?)?;
    DONE
}

/// `unlinkat`.
pub fn unlinkat(current: &mut Current, directory: Fd, path: PathName, flags: AtFlags) -> Outcome {
    known(flags, AtFlags::REMOVEDIR)?;
    let name = path.read()?;
    let view = view_at(current, directory, &name)?;
    if flags.contains(AtFlags::REMOVEDIR) {
        view.rmdir(&name)?
    } else {
        view.unlink(&name)?
    };
    DONE
}

/// `rename`.
pub fn rename(current: &mut Current, from: PathName, to: PathName) -> Outcome {
    renameat2(current, HERE, from, HERE, to, RenameFlags::empty())
}

/// `renameat`.
pub fn renameat(current: &mut Current, old: Fd, from: PathName, new: Fd, to: PathName) -> Outcome {
    renameat2(current, old, from, new, to, RenameFlags::empty())
}

/// `renameat2`.
pub fn renameat2(
    current: &mut Current,
    old: Fd,
    from: PathName,
    new: Fd,
    to: PathName,
    flags: RenameFlags,
) -> Outcome {
    known(flags, RenameFlags::all())?;
    let keeps = RenameFlags::NOREPLACE | RenameFlags::WHITEOUT;
    if flags.contains(RenameFlags::EXCHANGE) && flags.intersects(keeps) {
        return Err(Errno::EINVAL);
    }
    let (from, to) = (from.read()?, to.read()?);
    let source = view_at(current, old, &from)?;
    let target = view_at(current, new, &to)?;
    source.rename(&from, &target, &to, flags)?;
    DONE
}
