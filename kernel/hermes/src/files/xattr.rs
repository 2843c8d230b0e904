//! Extended attributes.

use abi::{AtFlags, Errno};
use alloc::vec::Vec;
use chroma::{Fd, Path, Sink, ops};
use hal::UserAddr;
use process::Current;

use crate::argument::{InBytes, OutBytes, PathName, read_string};
use crate::row::Outcome;
use crate::support::{DONE, count, file, path_at};
use cerberus::Rights;

const HERE: Fd = Fd(abi::fs::AT_FDCWD);
/// The longest name, without the NUL.
const NAME_MAX: usize = 255;
/// The largest value.
const SIZE_MAX: usize = 65536;

fn name(address: UserAddr) -> Result<Vec<u8>, Errno> {
    read_string(address, NAME_MAX + 1)?.filter(|name| !name.is_empty()).ok_or(Errno::ERANGE)
}

fn put(answer: &[u8], to: OutBytes, size: usize) -> Outcome {
    if size == 0 || answer.is_empty() {
        return count(answer.len());
    }
    if size < answer.len() {
        return Err(Errno::ERANGE);
    }
    if Sink::user(to.0, size).put(answer)? < answer.len() {
        return Err(Errno::EFAULT);
    }
    count(answer.len())
}

fn path(current: &Current, name: PathName) -> Result<Path, Errno> {
    path_at(current, HERE, name, AtFlags::empty())
}

fn link(current: &Current, name: PathName) -> Result<Path, Errno> {
    path_at(current, HERE, name, AtFlags::SYMLINK_NOFOLLOW)
}

fn open(current: &Current, fd: Fd) -> Result<Path, Errno> {
    Ok(file(current, fd, Rights::empty())?.path().clone())
}

macro_rules! variants {
    ($($find:ident($target:ident: $kind:ty): $get:ident $set:ident $list:ident $remove:ident;)*) => {
        $(
            #[doc = concat!("`", stringify!($get), "`.")]
            pub fn $get(current: &mut Current, $target: $kind, attribute: UserAddr, value: OutBytes, size: usize) -> Outcome {
                let path = $find(current, $target)?;
                put(&ops::get_xattr(&current.cred, &path, &name(attribute)?)?, value, size)
            }

            #[doc = concat!("`", stringify!($set), "`.")]
            pub fn $set(current: &mut Current, $target: $kind, attribute: UserAddr, value: InBytes, size: usize, flags: u32) -> Outcome {
                if flags & !3 != 0 {
                    return Err(Errno::EINVAL);
                }
                if size > SIZE_MAX {
                    return Err(Errno::E2BIG);
                }
                let attribute = name(attribute)?;
                let mut bytes = Vec::new();
                aegis::charge::reserve(&mut bytes, size)?;
                bytes.resize(size, 0);
                hal::user::read_bytes(value.0, &mut bytes).map_err(|_| Errno::EFAULT)?;
                let path = $find(current, $target)?;
                ops::set_xattr(&current.cred, &path, &attribute, &bytes, flags)?;
                DONE
            }

            #[doc = concat!("`", stringify!($list), "`.")]
            pub fn $list(current: &mut Current, $target: $kind, list: OutBytes, size: usize) -> Outcome {
                let path = $find(current, $target)?;
                put(&ops::list_xattr(&current.cred, &path)?, list, size)
            }

            #[doc = concat!("`", stringify!($remove), "`.")]
            pub fn $remove(current: &mut Current, $target: $kind, attribute: UserAddr) -> Outcome {
                let path = $find(current, $target)?;
                ops::remove_xattr(&current.cred, &path, &name(attribute)?)?;
                DONE
            }
        )*
    };
}

variants! {
    path(target: PathName): getxattr setxattr listxattr removexattr;
    link(target: PathName): lgetxattr lsetxattr llistxattr lremovexattr;
    open(target: Fd): fgetxattr fsetxattr flistxattr fremovexattr;
}
