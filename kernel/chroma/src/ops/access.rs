//! `access`.

use abi::Errno;
use abi::fs::AccessFlags;

use super::{check_access, may_execute};
use crate::cred::{Access, Cred};
use crate::inode::FileKind;
use crate::mount::Path;

/// `faccessat`: whether `cred` may do this (make it with [`Cred::with_real_ids`] unless `AT_EACCESS`). `EACCES`, or `EROFS`
/// for writing.
pub fn access(cred: &Cred, path: &Path, wanted: AccessFlags) -> Result<(), Errno> {
    let inode = path.dentry.inode()?;
    if wanted.contains(AccessFlags::X_OK) && inode.kind() == FileKind::Regular && !may_execute(&path.mount) {
        return Err(Errno::EACCES);
    }
    if wanted.is_empty() {
        return Ok(());
    }
    // Permission comes before the read-only mount here: what the mode forbids is `EACCES` even there.
    let access = Access::from_bits_truncate(wanted.bits());
    if access.contains(Access::WRITE) && inode.superblock().is_read_only() {
        return check_access(cred, &path.mount, inode, access);
    }
    inode.permission(cred, access)?;
    check_access(cred, &path.mount, inode, access)
}
