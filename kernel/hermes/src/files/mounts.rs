//! Mounts.

use abi::fs::UmountFlags;
use abi::{AtFlags, Errno, MountFlags};
use alloc::string::String;
use alloc::vec::Vec;
use chroma::cred::Cap;
use chroma::mount::{Kind, Mount, MountNamespace, MountRequest, find_type};
use chroma::walk::WalkFlags;
use chroma::{Fd, Path};
use hal::UserAddr;
use process::{Current, table};

use crate::argument::{PathName, read_string};
use crate::row::Outcome;
use crate::support::{DONE, known, path_at};

const HERE: Fd = Fd(abi::fs::AT_FDCWD);
/// Programs from long ago put this into the upper half of the flags.
const MAGIC: u64 = 0xc0ed_0000;
const MAGIC_MASK: u64 = 0xffff_0000;
/// The kernel's own mounts only.
const NOUSER: u64 = 1 << 31;
const KINDS: MountFlags =
    MountFlags::SHARED.union(MountFlags::PRIVATE).union(MountFlags::SLAVE).union(MountFlags::UNBINDABLE);

fn text(address: UserAddr) -> Result<Option<Vec<u8>>, Errno> {
    if address.is_null() {
        return Ok(None);
    }
    read_string(address, hal::PAGE_SIZE)?.map(Some).ok_or(Errno::EINVAL)
}

/// The options: up to a page, which need not end with a NUL.
fn options(address: UserAddr) -> Result<Vec<u8>, Errno> {
    if address.is_null() {
        return Ok(Vec::new());
    }
    let mut bytes = alloc::vec![0; hal::PAGE_SIZE];
    let read = hal::user::read_partial(address, &mut bytes);
    if read == 0 {
        return Err(Errno::EFAULT);
    }
    bytes.truncate(read);
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(read.min(hal::PAGE_SIZE - 1));
    bytes.truncate(end);
    Ok(bytes)
}

/// `mount`: a new mount, or, by its flags, a change of one.
pub fn mount(
    current: &mut Current,
    source: UserAddr,
    target: PathName,
    kind: UserAddr,
    flags: u64,
    data: UserAddr,
) -> Outcome {
    let bits = if flags & MAGIC_MASK == MAGIC { flags & !MAGIC_MASK } else { flags };
    let flags = MountFlags::from_bits_truncate(bits);
    let kind = text(kind)?;
    let source = text(source)?;
    let data = options(data)?;
    let at = path_at(current, HERE, target, AtFlags::empty())?;
    if bits & NOUSER != 0 {
        return Err(Errno::EINVAL);
    }
    current.cred.require(Cap::SYS_ADMIN)?;
    let mounts = &current.namespaces.mounts;
    let other = || {
        let name = source.as_deref().filter(|name| !name.is_empty()).ok_or(Errno::EINVAL)?;
        current.view().resolve(name, WalkFlags::FOLLOW)
    };
    if flags.contains(MountFlags::REMOUNT | MountFlags::BIND) {
        mounts.remount_bind(&at, flags)?;
    } else if flags.contains(MountFlags::REMOUNT) {
        mounts.remount(&at, flags, &data)?;
    } else if flags.contains(MountFlags::BIND) {
        mounts.bind(&other()?, &at, flags.contains(MountFlags::REC))?;
    } else if flags.intersects(KINDS) {
        MountNamespace::change_kind(&at, kind_of(bits)?, flags.contains(MountFlags::REC))?;
    } else if flags.contains(MountFlags::MOVE) {
        mounts.move_mount(&other()?, &at)?;
    } else {
        new_mount(current, &at, kind, source, flags, &data)?;
    }
    DONE
}

/// The one kind that is asked for, with no other flag but two. An `int`'s bits count.
fn kind_of(bits: u64) -> Result<Kind, Errno> {
    let others = MountFlags::REC | MountFlags::SILENT;
    match MountFlags::from_bits_retain(bits & u64::from(u32::MAX)) - others {
        MountFlags::SHARED => Ok(Kind::Shared),
        MountFlags::PRIVATE => Ok(Kind::Private),
        MountFlags::SLAVE => Ok(Kind::Slave),
        MountFlags::UNBINDABLE => Ok(Kind::Unbindable),
        _ => Err(Errno::EINVAL),
    }
}

fn new_mount(
    current: &Current,
    at: &Path,
    kind: Option<Vec<u8>>,
    source: Option<Vec<u8>>,
    flags: MountFlags,
    data: &[u8],
) -> Result<(), Errno> {
    let kind = String::from_utf8(kind.ok_or(Errno::EINVAL)?).map_err(|_| Errno::ENODEV)?;
    let source = source.map_or_else(|| String::from("none"), |s| String::from_utf8_lossy(&s).into_owned());
    let kind = find_type(&kind)?;
    let request = MountRequest { source: &source, options: data, flags, cred: &current.cred };
    let root = kind.mount(&request)?;
    // Without a say, access times are kept as `relatime` does.
    let times = MountFlags::NOATIME | MountFlags::RELATIME | MountFlags::STRICTATIME;
    let flags = if flags.intersects(times) { flags } else { flags | MountFlags::RELATIME };
    current.namespaces.mounts.attach(Mount::new(root, &source, flags)?, at)
}

/// `umount2`.
pub fn umount2(current: &mut Current, target: PathName, flags: UmountFlags) -> Outcome {
    known(flags, UmountFlags::all())?;
    let mut walk = WalkFlags::UNMOUNT;
    walk.set(WalkFlags::FOLLOW, !flags.contains(UmountFlags::NOFOLLOW));
    let at = current.view().resolve(&target.read()?, walk)?;
    current.cred.require(Cap::SYS_ADMIN)?;
    let root = current.fs.root().mount;
    current.namespaces.mounts.umount(at, flags, &root)?;
    DONE
}

/// `pivot_root`: whoever has the old root as root or working directory gets the new one.
pub fn pivot_root(current: &mut Current, new_root: PathName, put_old: PathName) -> Outcome {
    current.cred.require(Cap::SYS_ADMIN)?;
    let new_root = path_at(current, HERE, new_root, AtFlags::empty())?;
    let put_old = path_at(current, HERE, put_old, AtFlags::empty())?;
    let is_directory = |path: &Path| path.dentry.inode().map(|inode| inode.is_directory());
    if !is_directory(&new_root)? || !is_directory(&put_old)? {
        return Err(Errno::ENOTDIR);
    }
    let root = current.fs.root();
    let pivoted = current.namespaces.mounts.pivot_root(&root, &new_root, &put_old)?;
    let contexts: Vec<_> = table::with(|tree| tree.threads().filter_map(|(_, thread)| thread.fs()).collect());
    for fs in contexts {
        fs.translate(|path| path.is(&pivoted.old).then(|| pivoted.new.clone()));
    }
    DONE
}
