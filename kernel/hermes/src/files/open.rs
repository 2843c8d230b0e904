//! `open` and its kin.

use abi::fs::{OpenHow, ResolveFlags};
use abi::{Errno, Mode, OpenFlags};
use chroma::Fd;
use chroma::fdtable::capability;
use chroma::ops::OpenRequest;
use chroma::walk::WalkFlags;
use process::Current;

use crate::argument::{In, PathName};
use crate::row::Outcome;
use crate::support::{DONE, descriptor, view_at};

const HERE: Fd = Fd(abi::fs::AT_FDCWD);
/// What 64-bit programs get without asking, and only from these calls: pipes and sockets don't show it.
const LARGE: OpenFlags = OpenFlags::LARGEFILE;

fn open_with(
    current: &Current,
    directory: Fd,
    name: &[u8],
    flags: OpenFlags,
    mode: Mode,
    walk: WalkFlags,
    in_root: bool,
) -> Outcome {
    if name.is_empty() {
        return Err(Errno::ENOENT);
    }
    // As on Linux before anything is looked for; and a file that is made, or emptied, stays so.
    let number = current.files.reserve(current.fd_limit())?;
    let mut view = view_at(current, directory, name)?;
    if in_root {
        view.root = view.start.clone();
    }
    // Unknown bits are dropped and the mode matters only for a new file, as open(2) has always done.
    let mut flags = OpenFlags::from_bits_truncate(flags.bits());
    if flags.contains(OpenFlags::PATH) {
        flags &= OpenFlags::PATH | OpenFlags::DIRECTORY | OpenFlags::NOFOLLOW | OpenFlags::CLOEXEC;
    }
    let request = OpenRequest { flags, mode: Mode(mode.0 & 0o7777), umask: current.fs.umask(), walk };
    let file = view.open(name, &request)?;
    let close_on_exec = flags.contains(OpenFlags::CLOEXEC);
    descriptor(number.fill(capability(file), close_on_exec))
}

/// `open`.
pub fn open(current: &mut Current, path: PathName, flags: OpenFlags, mode: Mode) -> Outcome {
    open_with(current, HERE, &path.read()?, flags | LARGE, mode, WalkFlags::empty(), false)
}

/// `openat`.
pub fn openat(current: &mut Current, directory: Fd, path: PathName, flags: OpenFlags, mode: Mode) -> Outcome {
    open_with(current, directory, &path.read()?, flags | LARGE, mode, WalkFlags::empty(), false)
}

/// `creat`.
pub fn creat(current: &mut Current, path: PathName, mode: Mode) -> Outcome {
    let flags = OpenFlags::CREAT | OpenFlags::WRONLY | OpenFlags::TRUNC | LARGE;
    open_with(current, HERE, &path.read()?, flags, mode, WalkFlags::empty(), false)
}

/// `openat2`: as `openat`, with nothing unknown let through.
pub fn openat2(
    current: &mut Current,
    directory: Fd,
    path: PathName,
    how: In<OpenHow>,
    size: usize,
) -> Outcome {
    if size < size_of::<OpenHow>() {
        return Err(Errno::EINVAL);
    }
    if size > hal::PAGE_SIZE {
        return Err(Errno::E2BIG);
    }
    let rest = crate::argument::In::<u8>::read_array;
    let tail = rest(
        crate::argument::Argument::from_raw(how.element(1).address().get()),
        size - size_of::<OpenHow>(),
    )?;
    if tail.iter().any(|&byte| byte != 0) {
        return Err(Errno::E2BIG);
    }
    let how = how.read()?;
    let flags = u32::try_from(how.flags).ok().and_then(OpenFlags::from_bits).ok_or(Errno::EINVAL)?;
    let resolve = ResolveFlags::from_bits(how.resolve).ok_or(Errno::EINVAL)?;
    let creates = flags.contains(OpenFlags::CREAT) || flags.contains(OpenFlags::TMPFILE);
    if how.mode & !0o7777 != 0 || (!creates && how.mode != 0) {
        return Err(Errno::EINVAL);
    }
    if resolve.contains(ResolveFlags::BENEATH | ResolveFlags::IN_ROOT) {
        return Err(Errno::EINVAL);
    }
    if resolve.contains(ResolveFlags::CACHED) {
        return Err(Errno::EAGAIN); // a program asks again without it
    }
    let mut walk = WalkFlags::empty();
    walk.set(WalkFlags::NO_XDEV, resolve.contains(ResolveFlags::NO_XDEV));
    walk.set(WalkFlags::NO_MAGICLINKS, resolve.contains(ResolveFlags::NO_MAGICLINKS));
    walk.set(WalkFlags::NO_SYMLINKS, resolve.contains(ResolveFlags::NO_SYMLINKS));
    walk.set(WalkFlags::BENEATH, resolve.contains(ResolveFlags::BENEATH));
    let in_root = resolve.contains(ResolveFlags::IN_ROOT);
    let mode = Mode(how.mode as u32);
    let name = path.read()?;
    if in_root && name.first() == Some(&b'/') {
        // "/" is the directory itself: the view's root, once it is set, starts the walk.
        let relative = [b".".as_slice(), &name].concat();
        return open_with(current, directory, &relative, flags, mode, walk, true);
    }
    open_with(current, directory, &name, flags, mode, walk, in_root)
}

/// `close`.
pub fn close(current: &mut Current, fd: Fd) -> Outcome {
    current.files.close(fd)?;
    DONE
}
