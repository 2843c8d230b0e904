//! `stat` and its kin, and file systems as a whole.

use abi::stat::{STATX_ATTR_MOUNT_ROOT, STATX_RESERVED, StatxMask, StatxTimestamp};
use abi::system::{SYSFS_COUNT, SYSFS_INDEX, SYSFS_NAME, Ustat};
use abi::{AtFlags, DeviceNumber, Errno, Stat, Statfs, Statx};
use chroma::mount::file_system_types;
use chroma::{Fd, Path};
use hal::UserAddr;
use process::Current;

use crate::argument::{Out, PathName};
use crate::row::Outcome;
use crate::support::{DONE, any_file, count, known, path_at};

const HERE: Fd = Fd(abi::fs::AT_FDCWD);

/// `stat`.
pub fn stat(current: &mut Current, path: PathName, to: Out<Stat>) -> Outcome {
    newfstatat(current, HERE, path, to, AtFlags::empty())
}

/// `lstat`.
pub fn lstat(current: &mut Current, path: PathName, to: Out<Stat>) -> Outcome {
    newfstatat(current, HERE, path, to, AtFlags::SYMLINK_NOFOLLOW)
}

/// `fstat`.
pub fn fstat(current: &mut Current, fd: Fd, to: Out<Stat>) -> Outcome {
    let stat = any_file(current, fd)?.inode().stat()?;
    to.write(&stat)?;
    DONE
}

/// `newfstatat`.
pub fn newfstatat(
    current: &mut Current,
    directory: Fd,
    path: PathName,
    to: Out<Stat>,
    flags: AtFlags,
) -> Outcome {
    known(flags, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT | AtFlags::EMPTY_PATH)?;
    let path = path_at(current, directory, path, flags)?;
    let stat = path.dentry.inode()?.stat()?;
    to.write(&stat)?;
    DONE
}

fn timestamp(seconds: i64, nanoseconds: i64) -> StatxTimestamp {
    let tv_nsec = u32::try_from(nanoseconds).unwrap_or(0);
    StatxTimestamp { tv_sec: seconds, tv_nsec, reserved: 0 }
}

fn extended(path: &Path) -> Result<Statx, Errno> {
    let stat = path.dentry.inode()?.stat()?;
    let rdev = DeviceNumber::decode(stat.st_rdev as u32);
    let dev = DeviceNumber::decode(stat.st_dev as u32);
    let unsigned = |value: i64| u64::try_from(value).unwrap_or(0);
    let attributes = if path.is_mount_root() { STATX_ATTR_MOUNT_ROOT } else { 0 };
    Ok(Statx {
        stx_mask: (StatxMask::BASIC_STATS | StatxMask::MNT_ID).bits(),
        stx_blksize: u32::try_from(stat.st_blksize).unwrap_or(0),
        stx_attributes: attributes,
        stx_nlink: u32::try_from(stat.st_nlink).unwrap_or(u32::MAX),
        stx_uid: stat.st_uid,
        stx_gid: stat.st_gid,
        stx_mode: stat.st_mode as u16,
        stx_ino: stat.st_ino,
        stx_size: unsigned(stat.st_size),
        stx_blocks: unsigned(stat.st_blocks),
        stx_attributes_mask: STATX_ATTR_MOUNT_ROOT,
        stx_atime: timestamp(stat.st_atime, stat.st_atime_nsec),
        stx_mtime: timestamp(stat.st_mtime, stat.st_mtime_nsec),
        stx_ctime: timestamp(stat.st_ctime, stat.st_ctime_nsec),
        stx_rdev_major: u32::from(rdev.major()),
        stx_rdev_minor: rdev.minor(),
        stx_dev_major: u32::from(dev.major()),
        stx_dev_minor: dev.minor(),
        stx_mnt_id: path.mount.id(),
        ..Statx::default()
    })
}

/// `statx`.
pub fn statx(
    current: &mut Current,
    directory: Fd,
    path: PathName,
    flags: AtFlags,
    mask: StatxMask,
    to: Out<Statx>,
) -> Outcome {
    let sync = AtFlags::STATX_FORCE_SYNC | AtFlags::STATX_DONT_SYNC;
    known(flags, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT | AtFlags::EMPTY_PATH | sync)?;
    if mask.bits() & STATX_RESERVED != 0 || flags.contains(sync) {
        return Err(Errno::EINVAL);
    }
    let path = path_at(current, directory, path, flags)?;
    to.write(&extended(&path)?)?;
    DONE
}

/// `statfs`.
pub fn statfs(current: &mut Current, path: PathName, to: Out<Statfs>) -> Outcome {
    let path = path_at(current, HERE, path, AtFlags::empty())?;
    to.write(&chroma::ops::statfs(&path)?)?;
    DONE
}

/// `fstatfs`.
pub fn fstatfs(current: &mut Current, fd: Fd, to: Out<Statfs>) -> Outcome {
    let file = any_file(current, fd)?;
    to.write(&chroma::ops::statfs(file.path())?)?;
    DONE
}

/// `ustat`: of the file system with this device's number that the caller sees mounted somewhere.
pub fn ustat(current: &mut Current, device: u32, to: Out<Ustat>) -> Outcome {
    let device = DeviceNumber::decode(device);
    let namespace = current.namespaces.mounts.namespace();
    let superblock = namespace.superblock(device).ok_or(Errno::EINVAL)?;
    let figures = superblock.ops.statfs();
    // Linux cuts the number of blocks off, too.
    to.write(&Ustat { f_tfree: figures.f_bfree as i32, f_tinode: figures.f_ffree, ..Ustat::default() })?;
    DONE
}

/// `sysfs`: types of file systems and their numbers.
pub fn sysfs(_current: &mut Current, question: i32, first: u64, second: UserAddr) -> Outcome {
    match question {
        SYSFS_INDEX => {
            let name = PathName(UserAddr::new(first)).read()?;
            if name.is_empty() {
                return Err(Errno::ENOENT);
            }
            let types = file_system_types();
            count(types.iter().position(|kind| kind.name().as_bytes() == name).ok_or(Errno::EINVAL)?)
        }
        SYSFS_NAME => {
            // The number is an `unsigned int`.
            let types = file_system_types();
            let kind = types.get(first as u32 as usize).ok_or(Errno::EINVAL)?;
            let mut name = kind.name().as_bytes().to_vec();
            name.push(0);
            hal::user::write_bytes(second, &name).map_err(|_| Errno::EFAULT)?;
            DONE
        }
        SYSFS_COUNT => count(file_system_types().len()),
        _ => Err(Errno::EINVAL),
    }
}
