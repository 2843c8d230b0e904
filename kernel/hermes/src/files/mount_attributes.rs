//! `mount_setattr`.

use abi::mount::{MountAttr, MountAttributes};
use abi::{AtFlags, Errno, MountFlags};
use cerberus::Rights;
use chroma::Fd;
use chroma::cred::Cap;
use chroma::mount::{AttributeChange, Kind};
use process::Current;

use crate::argument::{Argument, In, PathName};
use crate::row::Outcome;
use crate::support::{DONE, file, known, path_at};

/// The bits of the choice how access times are kept.
pub(super) const TIMES: u64 = MountAttributes::ATIME;

/// A mount's flags of its attributes, those for access times as well if they are `chosen`. `EINVAL`: there is no such choice.
pub(super) fn mount_flags(attributes: MountAttributes, chosen: bool) -> Result<MountFlags, Errno> {
    let mut flags = MountFlags::empty();
    for (attribute, flag) in [
        (MountAttributes::RDONLY, MountFlags::RDONLY),
        (MountAttributes::NOSUID, MountFlags::NOSUID),
        (MountAttributes::NODEV, MountFlags::NODEV),
        (MountAttributes::NOEXEC, MountFlags::NOEXEC),
        (MountAttributes::NODIRATIME, MountFlags::NODIRATIME),
        (MountAttributes::NOSYMFOLLOW, MountFlags::NOSYMFOLLOW),
    ] {
        flags.set(flag, attributes.contains(attribute));
    }
    if !chosen {
        return Ok(flags);
    }
    match MountAttributes::from_bits_retain(attributes.bits() & TIMES) {
        MountAttributes::STRICTATIME => Ok(flags),
        MountAttributes::NOATIME => Ok(flags | MountFlags::NOATIME),
        times if times.is_empty() => Ok(flags | MountFlags::RELATIME),
        _ => Err(Errno::EINVAL),
    }
}

/// What a program asks for, but for the tree.
fn change(current: &Current, attr: &MountAttr) -> Result<AttributeChange, Errno> {
    let kind = match u32::try_from(attr.propagation).map(|bits| MountFlags::from_bits_retain(bits.into())) {
        Ok(MountFlags::SHARED) => Some(Kind::Shared),
        Ok(MountFlags::PRIVATE) => Some(Kind::Private),
        Ok(MountFlags::SLAVE) => Some(Kind::Slave),
        Ok(MountFlags::UNBINDABLE) => Some(Kind::Unbindable),
        Ok(none) if none.is_empty() => None,
        _ => return Err(Errno::EINVAL),
    };
    let set = MountAttributes::from_bits_retain(attr.attr_set);
    let clear = MountAttributes::from_bits_retain(attr.attr_clr);
    known(set | clear, MountAttributes::all() | MountAttributes::from_bits_retain(TIMES))?;
    let cleared = clear.bits() & TIMES;
    let chosen = cleared == TIMES;
    if !chosen && (cleared != 0 || set.bits() & TIMES != 0) {
        return Err(Errno::EINVAL);
    }
    let mut change = AttributeChange {
        set: mount_flags(set, chosen)?,
        clear: mount_flags(clear, false)?,
        kind,
        recursive: false,
    };
    if chosen {
        change.clear |= MountFlags::NOATIME | MountFlags::RELATIME;
    }
    if (set | clear).contains(MountAttributes::IDMAP) {
        if clear.contains(MountAttributes::IDMAP) {
            return Err(Errno::EINVAL);
        }
        let fd = i32::try_from(attr.userns_fd).map_err(|_| Errno::EINVAL)?;
        file(current, Fd(fd), Rights::empty())?;
        return Err(Errno::EINVAL); // there are no namespaces of users
    }
    Ok(change)
}

/// `mount_setattr`.
pub fn mount_setattr(
    current: &mut Current,
    directory: Fd,
    path: PathName,
    flags: AtFlags,
    attributes: In<MountAttr>,
    size: usize,
) -> Outcome {
    let at = AtFlags::EMPTY_PATH | AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    known(flags, at | AtFlags::RECURSIVE)?;
    if size > hal::PAGE_SIZE {
        return Err(Errno::E2BIG);
    }
    let more = size.checked_sub(size_of::<MountAttr>()).ok_or(Errno::EINVAL)?;
    current.cred.require(Cap::SYS_ADMIN)?;
    let tail = In::<u8>::from_raw(attributes.element(1).address().get()).read_array(more)?;
    if tail.iter().any(|&byte| byte != 0) {
        return Err(Errno::E2BIG);
    }
    let attr = attributes.read()?;
    if attr.attr_set == 0 && attr.attr_clr == 0 && attr.propagation == 0 {
        return DONE;
    }
    let mut change = change(current, &attr)?;
    change.recursive = flags.contains(AtFlags::RECURSIVE);
    let at = path_at(current, directory, path, flags & at)?;
    current.namespaces.mounts.set_attributes(&at, change)?;
    DONE
}
