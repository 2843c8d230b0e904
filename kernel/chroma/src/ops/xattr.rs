//! Extended attributes: the rules of the name spaces; what is kept is the file system's.

use abi::Errno;
use abi::inotify::InotifyMask;
use alloc::vec::Vec;

use crate::cred::{Access, Cap, Cred};
use crate::inode::{FileKind, Inode};
use crate::mount::Path;
use crate::notify;

/// The longest name in bytes.
const NAME_MAX: usize = 255;
/// The longest value in bytes.
const VALUE_MAX: usize = 65536;

/// Checks an attribute's name and whether `cred` may use it: `ERANGE` for its length, `EOPNOTSUPP` for an unknown name
/// space, `EPERM` or `ENODATA` where the space is not for this caller or file.
fn check(cred: &Cred, inode: &Inode, name: &[u8], writing: bool) -> Result<(), Errno> {
    if name.is_empty() || name.len() > NAME_MAX {
        return Err(Errno::ERANGE);
    }
    let refused = if writing { Errno::EPERM } else { Errno::ENODATA };
    if name.starts_with(b"trusted.") {
        return if cred.has(Cap::SYS_ADMIN) { Ok(()) } else { Err(refused) };
    }
    if name.starts_with(b"security.") {
        return if !writing || cred.has(Cap::SYS_ADMIN) { Ok(()) } else { Err(Errno::EPERM) };
    }
    if name.starts_with(b"user.") {
        if !matches!(inode.kind(), FileKind::Regular | FileKind::Directory) {
            return Err(refused);
        }
        return inode.permission(cred, if writing { Access::WRITE } else { Access::READ });
    }
    Err(Errno::EOPNOTSUPP)
}

/// `getxattr`.
pub fn get_xattr(cred: &Cred, path: &Path, name: &[u8]) -> Result<Vec<u8>, Errno> {
    let inode = path.dentry.inode()?;
    check(cred, inode, name, false)?;
    inode.ops().get_xattr(inode, name)
}

/// `setxattr`, with `XATTR_CREATE` (1) and `XATTR_REPLACE` (2).
pub fn set_xattr(cred: &Cred, path: &Path, name: &[u8], value: &[u8], flags: u32) -> Result<(), Errno> {
    if flags & !3 != 0 {
        return Err(Errno::EINVAL);
    }
    if value.len() > VALUE_MAX {
        return Err(Errno::E2BIG);
    }
    path.mount.check_writable()?;
    let inode = path.dentry.inode()?;
    check(cred, inode, name, true)?;
    inode.ops().set_xattr(inode, name, value, flags)?;
    inode.touch_changed();
    notify::dentry(&path.dentry, InotifyMask::ATTRIB);
    Ok(())
}

/// `removexattr`.
pub fn remove_xattr(cred: &Cred, path: &Path, name: &[u8]) -> Result<(), Errno> {
    path.mount.check_writable()?;
    let inode = path.dentry.inode()?;
    check(cred, inode, name, true)?;
    inode.ops().remove_xattr(inode, name)?;
    inode.touch_changed();
    notify::dentry(&path.dentry, InotifyMask::ATTRIB);
    Ok(())
}

/// `listxattr`: names with a NUL each; those of `trusted.` only for the superuser.
pub fn list_xattr(cred: &Cred, path: &Path) -> Result<Vec<u8>, Errno> {
    let inode = path.dentry.inode()?;
    let mut names = inode.ops().list_xattr(inode)?;
    if !cred.has(Cap::SYS_ADMIN) {
        hide_trusted(&mut names);
    }
    Ok(names)
}

/// Moves the names that may be seen together, and forgets the others.
fn hide_trusted(names: &mut Vec<u8>) {
    let (mut from, mut to) = (0, 0);
    while let Some(rest) = names.get(from..)
        && let Some(end) = rest.iter().position(|byte| *byte == 0)
    {
        let next = from + end + 1;
        if !rest.starts_with(b"trusted.") {
            names.copy_within(from..next, to);
            to += next - from;
        }
        from = next;
    }
    names.truncate(to);
}
