//! Changes of what an inode says about itself: `chmod`, `chown`, `truncate`.

use abi::inotify::InotifyMask;
use abi::stat::{S_ISGID, S_ISUID};
use abi::{Errno, Gid, Mode, Uid};
use alloc::sync::Arc;

use super::check_access;
use crate::cred::{Access, Cap, Cred, caller};
use crate::file::OpenFile;
use crate::inode::{Attributes, Change, FileKind, Inode, now};
use crate::mount::Path;
use crate::notify;

/// `chmod`: `EPERM` unless the caller owns the file. A set-group-id bit for a group that the caller is not in is dropped.
pub fn chmod(cred: &Cred, path: &Path, mode: Mode) -> Result<(), Errno> {
    path.mount.check_writable()?;
    let inode = path.dentry.inode()?;
    inode.ops().may_change(inode, Change::Mode)?;
    if inode.kind() == FileKind::Symlink {
        return Err(Errno::EOPNOTSUPP);
    }
    let now = now();
    inode.change_attributes(|a| {
        if !cred.owns(a.uid) {
            return Err(Errno::EPERM);
        }
        let mut bits = mode.0 & 0o7777;
        if !cred.in_group(a.gid) && !cred.has(Cap::FSETID) {
            bits &= !S_ISGID;
        }
        a.mode = Mode(bits);
        a.ctime = now;
        Ok(())
    })?;
    notify::dentry(&path.dentry, InotifyMask::ATTRIB);
    Ok(())
}

/// `chown`; [`Uid::KEEP`] and [`Gid::KEEP`] leave things as they are. `EPERM` unless the caller may: the superuser, or the
/// owner giving the file to a group that they are in. Files that are no directories lose set-id bits.
pub fn chown(cred: &Cred, path: &Path, uid: Uid, gid: Gid) -> Result<(), Errno> {
    path.mount.check_writable()?;
    let inode = path.dentry.inode()?;
    inode.ops().may_change(inode, Change::Owner)?;
    let now = now();
    let is_directory = inode.is_directory();
    inode.change_attributes(|a| {
        let owner = cred.fsuid == a.uid;
        let uid_allowed = uid == Uid::KEEP || cred.has(Cap::CHOWN) || (owner && uid == a.uid);
        let gid_allowed =
            gid == Gid::KEEP || cred.has(Cap::CHOWN) || (owner && (gid == a.gid || cred.in_group(gid)));
        if !uid_allowed || !gid_allowed {
            return Err(Errno::EPERM);
        }
        if uid != Uid::KEEP {
            a.uid = uid;
        }
        if gid != Gid::KEEP {
            a.gid = gid;
        }
        if !is_directory {
            drop_set_id(a);
        }
        a.ctime = now;
        Ok(())
    })?;
    notify::dentry(&path.dentry, InotifyMask::ATTRIB);
    Ok(())
}

/// Takes away set-user-id, and set-group-id where it means that (with group execute).
fn drop_set_id(attributes: &mut Attributes) {
    attributes.mode.0 &= !S_ISUID;
    if attributes.mode.0 & 0o010 != 0 {
        attributes.mode.0 &= !S_ISGID;
    }
}

/// What a write does to set-id bits, unless who writes has `CAP_FSETID`: the running thread, whoever opened the file.
#[inline]
pub fn drop_privileges_of_written(file: &OpenFile, inode: &Inode) {
    if inode.read_attributes(|a| a.mode.0 & (S_ISUID | S_ISGID) != 0) {
        match caller() {
            Some(cred) => drop_privileges_on_write(&cred, inode),
            None => drop_privileges_on_write(file.cred(), inode),
        }
    }
}

fn drop_privileges_on_write(cred: &Cred, inode: &Inode) {
    inode.change_attributes(|a| {
        if a.mode.0 & (S_ISUID | S_ISGID) != 0 && !cred.has(Cap::FSETID) {
            drop_set_id(a);
        }
    });
}

/// `truncate` by path: `EISDIR`, `EINVAL` for what has no size, `EACCES`, `EROFS`, `ETXTBSY`.
pub fn truncate(cred: &Cred, path: &Path, size: u64) -> Result<(), Errno> {
    let inode = path.dentry.inode()?;
    match inode.kind() {
        FileKind::Regular => {}
        FileKind::Directory => return Err(Errno::EISDIR),
        _ => return Err(Errno::EINVAL),
    }
    path.mount.check_writable()?;
    check_access(cred, &path.mount, inode, Access::WRITE)?;
    inode.add_writer()?;
    let result = truncate_inode(cred, inode, size);
    inode.remove_writer();
    result?;
    notify::dentry(&path.dentry, InotifyMask::MODIFY);
    Ok(())
}

/// Sets the size of a regular file (`ftruncate`, `O_TRUNC`), which does to set-id bits what a write does; the caller has
/// checked the right to. Sleeps.
pub fn truncate_inode(cred: &Cred, inode: &Arc<Inode>, size: u64) -> Result<(), Errno> {
    let _content = inode.content.lock();
    inode.ops().truncate(inode, size)?;
    drop_privileges_on_write(cred, inode);
    Ok(())
}
