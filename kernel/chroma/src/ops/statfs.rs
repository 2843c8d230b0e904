//! `statfs`.

use abi::Errno;
use abi::fs::{MountFlags, StatfsFlags};
use abi::stat::Statfs;

use crate::mount::Path;

/// The figures of the file system that `path` is on, with the flags of its mount.
pub fn statfs(path: &Path) -> Result<Statfs, Errno> {
    let mut answer = path.mount.superblock().ops.statfs();
    let mount = path.mount.flags();
    let mut flags = StatfsFlags::VALID;
    for (is, shown) in [
        (MountFlags::RDONLY, StatfsFlags::RDONLY),
        (MountFlags::NOSUID, StatfsFlags::NOSUID),
        (MountFlags::NODEV, StatfsFlags::NODEV),
        (MountFlags::NOEXEC, StatfsFlags::NOEXEC),
        (MountFlags::NOATIME, StatfsFlags::NOATIME),
        (MountFlags::NODIRATIME, StatfsFlags::NODIRATIME),
        (MountFlags::RELATIME, StatfsFlags::RELATIME),
    ] {
        flags.set(shown, mount.contains(is));
    }
    flags.set(StatfsFlags::RDONLY, path.mount.check_writable().is_err());
    answer.f_flags = flags.bits();
    Ok(answer)
}
