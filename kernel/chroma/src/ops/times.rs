//! Times of inodes: `utimensat`, and the access time that reading leaves.

use abi::Errno;
use abi::fs::MountFlags;
use abi::inotify::InotifyMask;
use abi::time::Timespec;

use crate::cred::{Access, Cred};
use crate::inode::{Change, Inode, now};
use crate::mount::{Mount, Path};
use crate::notify;

/// What `utimensat` does with one of the two times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewTime {
    /// `UTIME_NOW`.
    Now,
    /// `UTIME_OMIT`.
    Keep,
    /// This time.
    At(Timespec),
}

/// `utimensat`: only the owner may set times freely (`EPERM`); whoever may write may set both to now (`EACCES`).
pub fn set_times(cred: &Cred, path: &Path, atime: NewTime, mtime: NewTime) -> Result<(), Errno> {
    if (atime, mtime) == (NewTime::Keep, NewTime::Keep) {
        return Ok(());
    }
    path.mount.check_writable()?;
    let inode = path.dentry.inode()?;
    inode.ops().may_change(inode, Change::Times)?;
    let owns = cred.owns(inode.read_attributes(|a| a.uid));
    if (atime, mtime) == (NewTime::Now, NewTime::Now) {
        if !owns {
            inode.permission(cred, Access::WRITE)?;
        }
    } else if !owns {
        return Err(Errno::EPERM);
    }
    let now = now();
    let apply = |new: NewTime, time: &mut Timespec| match new {
        NewTime::Now => *time = now,
        NewTime::Keep => {}
        NewTime::At(at) => *time = at,
    };
    inode.change_attributes(|a| {
        apply(atime, &mut a.atime);
        apply(mtime, &mut a.mtime);
        a.ctime = now;
    });
    let mask = match (atime, mtime) {
        (_, NewTime::Keep) => InotifyMask::ACCESS,
        (NewTime::Keep, _) => InotifyMask::MODIFY,
        _ => InotifyMask::ATTRIB,
    };
    notify::dentry(&path.dentry, mask);
    Ok(())
}

/// Seconds after which a `relatime` mount updates an access time anyway.
const RELATIME_SECONDS: i64 = 24 * 60 * 60;

/// Notes that an inode was read through a mount, as the mount's flags want it.
#[inline]
pub fn touch_accessed(mount: &Mount, inode: &Inode) {
    let flags = mount.flags();
    if flags.intersects(MountFlags::NOATIME | MountFlags::RDONLY)
        || (flags.contains(MountFlags::NODIRATIME) && inode.is_directory())
        || inode.superblock().is_read_only()
    {
        return;
    }
    let now = now();
    inode.change_attributes(|a| {
        let stale = a.atime <= a.mtime || a.atime <= a.ctime;
        let old = now.tv_sec.saturating_sub(a.atime.tv_sec) >= RELATIME_SECONDS;
        if stale || old || !flags.contains(MountFlags::RELATIME) {
            a.atime = now;
        }
    });
}
