//! `fsopen`, `fsconfig`, `fsmount`, `fspick`: file systems that are made step by step.

use abi::mount::{FsmountFlags, FsopenFlags, FspickFlags, MountAttributes, fsconfig as command};
use abi::{AtFlags, Errno, MountFlags};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use cerberus::Rights;
use chroma::cred::Cap;
use chroma::fdtable::capability;
use chroma::mount::{Context, Value};
use chroma::ops::open_detached;
use chroma::{Admission, Fd, OpenFile};
use hal::UserAddr;
use process::Current;

use super::descriptors::publish;
use super::mount_attributes::{TIMES, mount_flags};
use crate::argument::{Argument, In, PathName, read_string};
use crate::row::Outcome;
use crate::support::{DONE, descriptor, file, known, path_at};

/// A text that has to end within so many bytes: `EINVAL`, `EFAULT`.
fn text(address: UserAddr, limit: usize) -> Result<Vec<u8>, Errno> {
    read_string(address, limit)?.ok_or(Errno::EINVAL)
}

/// `fsopen`: a context for a new file system of a type.
pub fn fsopen(current: &mut Current, kind: UserAddr, flags: FsopenFlags) -> Outcome {
    current.cred.require(Cap::SYS_ADMIN)?;
    known(flags, FsopenFlags::all())?;
    let kind = String::from_utf8(text(kind, hal::PAGE_SIZE)?).map_err(|_| Errno::ENODEV)?;
    let file = Context::create_of(&kind)?.open(&current.cred)?;
    publish(current, file, flags.contains(FsopenFlags::CLOEXEC))
}

/// `fspick`: a context for a file system that is mounted.
pub fn fspick(current: &mut Current, directory: Fd, path: PathName, flags: FspickFlags) -> Outcome {
    current.cred.require(Cap::SYS_ADMIN)?;
    known(flags, FspickFlags::all())?;
    let mut at = AtFlags::empty();
    at.set(AtFlags::SYMLINK_NOFOLLOW, flags.contains(FspickFlags::SYMLINK_NOFOLLOW));
    at.set(AtFlags::EMPTY_PATH, flags.contains(FspickFlags::EMPTY_PATH));
    let at = path_at(current, directory, path, at)?;
    let file = Context::change_of(&at)?.open(&current.cred)?;
    publish(current, file, flags.contains(FspickFlags::CLOEXEC))
}

/// Which arguments a command takes: `EINVAL` for others, `EOPNOTSUPP` for a command that does not exist.
fn check(what: u32, key: UserAddr, value: UserAddr, extra: i32) -> Result<(), Errno> {
    let (has_key, has_value) = (!key.is_null(), !value.is_null());
    let fits = match what {
        command::SET_FLAG => has_key && !has_value && extra == 0,
        command::SET_STRING => has_key && has_value && extra == 0,
        command::SET_BINARY => has_key && has_value && (1..=command::BLOB_MAX).contains(&extra),
        command::SET_PATH | command::SET_PATH_EMPTY => {
            has_key && has_value && (extra == abi::fs::AT_FDCWD || extra >= 0)
        }
        command::SET_FD => has_key && !has_value && extra >= 0,
        command::CMD_CREATE | command::CMD_RECONFIGURE => !has_key && !has_value && extra == 0,
        _ => return Err(Errno::EOPNOTSUPP),
    };
    if fits { Ok(()) } else { Err(Errno::EINVAL) }
}

fn context(file: &Arc<OpenFile>) -> Result<&Context, Errno> {
    file.ops_as::<Context>().ok_or(Errno::EINVAL)
}

/// `fsconfig`: says one thing of what is to be made or changed, or has it done.
pub fn fsconfig(
    current: &mut Current,
    fd: Fd,
    what: u32,
    key: UserAddr,
    value: UserAddr,
    extra: i32,
) -> Outcome {
    if fd.0 < 0 {
        return Err(Errno::EINVAL);
    }
    check(what, key, value, extra)?;
    let file = file(current, fd, Rights::empty())?;
    let context = context(&file)?;
    let is_text = matches!(what, command::SET_FLAG | command::SET_STRING);
    match what {
        command::CMD_CREATE => context.create(&current.cred)?,
        command::CMD_RECONFIGURE => context.reconfigure(&current.cred)?,
        _ if !is_text && context.takes_text_only() => return Err(Errno::EOPNOTSUPP),
        _ => {
            let key = text(key, command::TEXT_MAX)?;
            set(current, context, what, &key, value, extra)?;
        }
    }
    DONE
}

fn set(
    current: &Current,
    context: &Context,
    what: u32,
    key: &[u8],
    value: UserAddr,
    extra: i32,
) -> Result<(), Errno> {
    match what {
        command::SET_FLAG => return context.set(key, Value::Flag),
        command::SET_STRING => {
            let value = text(value, command::TEXT_MAX)?;
            return context.set(key, Value::Text(&String::from_utf8_lossy(&value)));
        }
        // No option takes one of these: they are only looked at.
        command::SET_BINARY => {
            In::<u8>::from_raw(value.get()).read_array(usize::try_from(extra).map_err(|_| Errno::EINVAL)?)?;
        }
        command::SET_PATH | command::SET_PATH_EMPTY => {
            let name = PathName(value).read()?;
            if name.is_empty() && what == command::SET_PATH {
                return Err(Errno::ENOENT);
            }
        }
        _ => drop(file(current, Fd(extra), Rights::empty())?),
    }
    context.set(key, Value::Other)
}

/// `fsmount`: mounts what a context has made, nowhere.
pub fn fsmount(current: &mut Current, fd: Fd, flags: FsmountFlags, attributes: u32) -> Outcome {
    current.cred.require(Cap::SYS_ADMIN)?;
    known(flags, FsmountFlags::all())?;
    let attributes = MountAttributes::from_bits_retain(u64::from(attributes));
    known(
        attributes,
        MountAttributes::from_bits_retain(TIMES).union(MountAttributes::all() - MountAttributes::IDMAP),
    )?;
    let flags_of_mount: MountFlags = mount_flags(attributes, true)?;
    let file = file(current, fd, Rights::empty())?;
    // As on Linux a context is used up even if there is no number for the descriptor: but not if there is no memory for it.
    let number = match current.files.reserve(current.fd_limit()) {
        Err(Errno::ENOMEM) => return Err(Errno::ENOMEM),
        other => other,
    };
    let admission = Admission::new(&current.cred)?;
    let tree = context(&file)?.mount(flags_of_mount)?;
    let file = open_detached(tree, admission, current.cred.clone())?;
    descriptor(number?.fill(capability(file), flags.contains(FsmountFlags::CLOEXEC)))
}
