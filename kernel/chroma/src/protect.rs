//! Protections of links and files that belong to somebody else (`/proc/sys/fs/protected_*`, proc(5)).
//!
//! In a directory where everybody may write, another user can leave a link or a file in the way of a program that trusts the
//! name. The levels are those that Debian's kernel boots with.

use core::sync::atomic::{AtomicU8, Ordering};

use abi::Errno;
use abi::stat::{S_ISGID, S_ISUID, S_ISVTX};

use crate::cred::{Access, Cred};
use crate::inode::{FileKind, Inode};

const OTHERS_WRITE: u32 = 0o002;
const GROUP_WRITE: u32 = 0o020;
const GROUP_EXECUTE: u32 = 0o010;

/// A setting, and the highest value that it may have.
pub struct Level {
    value: AtomicU8,
    highest: u8,
}

impl Level {
    const fn new(value: u8, highest: u8) -> Level {
        Level { value: AtomicU8::new(value), highest }
    }

    /// The present value.
    pub fn get(&self) -> u8 {
        self.value.load(Ordering::Relaxed)
    }

    /// Changes it; `EINVAL` above the highest.
    pub fn set(&self, value: u8) -> Result<(), Errno> {
        if value > self.highest {
            return Err(Errno::EINVAL);
        }
        self.value.store(value, Ordering::Relaxed);
        Ok(())
    }
}

/// `protected_hardlinks`: who does not own a file links it only where they could read and write it.
pub static HARDLINKS: Level = Level::new(1, 1);
/// `protected_symlinks`: links in sticky directories that all may write to are followed by their owners only.
pub static SYMLINKS: Level = Level::new(1, 1);
/// `protected_fifos`: `O_CREAT` does not open other people's FIFOs in such directories (2: also where the group may write).
pub static FIFOS: Level = Level::new(0, 2);
/// `protected_regular`: as above, for regular files.
pub static REGULAR: Level = Level::new(0, 2);

/// Whether `cred` may give the file one more name: `EPERM`.
pub(crate) fn may_link(cred: &Cred, inode: &Inode) -> Result<(), Errno> {
    if HARDLINKS.get() == 0 {
        return Ok(());
    }
    let (mode, uid) = inode.read_attributes(|a| (a.mode.0, a.uid));
    let gains_group = mode & (S_ISGID | GROUP_EXECUTE) == S_ISGID | GROUP_EXECUTE;
    let harmless = inode.kind() == FileKind::Regular
        && mode & S_ISUID == 0
        && !gains_group
        && inode.permission(cred, Access::READ | Access::WRITE).is_ok();
    if harmless || cred.owns(uid) { Ok(()) } else { Err(Errno::EPERM) }
}

/// Whether `cred` may follow the link at the end of a path, found in `directory`: `EACCES`.
pub(crate) fn may_follow(cred: &Cred, directory: &Inode, link: &Inode) -> Result<(), Errno> {
    const STICKY_FOR_ALL: u32 = S_ISVTX | OTHERS_WRITE;
    if SYMLINKS.get() == 0 {
        return Ok(());
    }
    let owner = link.read_attributes(|a| a.uid);
    let (mode, keeper) = directory.read_attributes(|a| (a.mode.0, a.uid));
    let trusted = owner == cred.fsuid || mode & STICKY_FOR_ALL != STICKY_FOR_ALL || owner == keeper;
    if trusted { Ok(()) } else { Err(Errno::EACCES) }
}

/// Whether `O_CREAT` may open what is there already, found in `directory`: `EACCES`.
pub(crate) fn may_open_existing(cred: &Cred, directory: &Inode, inode: &Inode) -> Result<(), Errno> {
    let level = match inode.kind() {
        FileKind::Fifo => FIFOS.get(),
        FileKind::Regular => REGULAR.get(),
        _ => 0,
    };
    let (mode, keeper) = directory.read_attributes(|a| (a.mode.0, a.uid));
    if level == 0 || mode & S_ISVTX == 0 {
        return Ok(());
    }
    let owner = inode.read_attributes(|a| a.uid);
    let open_to_others = mode & OTHERS_WRITE != 0 || (level >= 2 && mode & GROUP_WRITE != 0);
    if owner == keeper || owner == cred.fsuid || !open_to_others { Ok(()) } else { Err(Errno::EACCES) }
}

#[cfg(test)]
mod tests {
    use super::{Level, may_link};
    use abi::{Errno, Mode};

    use crate::testing::World;

    #[test]
    fn strangers_link_only_what_they_could_change() {
        let world = World::new();
        let view = world.view();
        view.write_file("f", "");
        let path = view.at("f").unwrap();
        let inode = path.dentry.inode().unwrap();
        assert_eq!(may_link(&world.user, inode), Err(Errno::EPERM));
        crate::ops::chmod(&world.superuser, &path, Mode(0o666)).unwrap();
        assert_eq!(may_link(&world.user, inode), Ok(()));
        crate::ops::chmod(&world.superuser, &path, Mode(0o4666)).unwrap();
        assert_eq!(may_link(&world.user, inode), Err(Errno::EPERM));
        assert_eq!(may_link(&world.superuser, inode), Ok(()));
    }

    #[test]
    fn levels_have_an_upper_end() {
        let level = Level::new(0, 2);
        assert_eq!((level.set(3), level.get()), (Err(Errno::EINVAL), 0));
        assert_eq!((level.set(2), level.get()), (Ok(()), 2));
    }
}
