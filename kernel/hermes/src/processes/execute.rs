//! `execve`.

use abi::process::MAX_ARG_STRLEN;
use abi::{AtFlags, Errno, Resource};
use alloc::vec::Vec;
use chroma::Fd;
use hal::UserAddr;
use process::Current;
use process::exec::{self, Request, Strings};

use crate::argument::{Argument, In, PathName, StringList, read_string};
use crate::dispatch::RETURNED;
use crate::row::Outcome;
use crate::support::{any_file, known, view_at, walk_flags};

const HERE: Fd = Fd(abi::fs::AT_FDCWD);

/// Copies an array of strings that ends with a null pointer; `room` is how many bytes they and their pointers may have.
fn strings(list: UserAddr, room: &mut u64) -> Result<Strings, Errno> {
    let mut strings = Strings::default();
    if list.is_null() {
        return Ok(strings); // Linux takes it for an empty list
    }
    let list: In<u64> = In::from_raw(list.get());
    for index in 0.. {
        let at = list.element(index).read()?;
        if at == 0 {
            break;
        }
        let text = read_string(UserAddr::new(at), MAX_ARG_STRLEN)?.ok_or(Errno::E2BIG)?;
        *room = room.checked_sub(text.len() as u64 + 1 + 8).ok_or(Errno::E2BIG)?;
        strings.push(&text)?;
    }
    Ok(strings)
}

fn execute(
    current: &mut Current,
    directory: Fd,
    path: PathName,
    arguments: UserAddr,
    environment: UserAddr,
    flags: AtFlags,
) -> Outcome {
    let name = path.read()?;
    let follow = !flags.contains(AtFlags::SYMLINK_NOFOLLOW);
    let (path, name) = if name.is_empty() && flags.contains(AtFlags::EMPTY_PATH) {
        let path = any_file(current, directory)?.path().clone();
        (path, alloc::format!("/dev/fd/{}", directory.0).into_bytes())
    } else {
        let path = view_at(current, directory, &name)?.resolve(&name, walk_flags(flags, follow))?;
        let shown = shown_name(current, directory, name)?;
        (path, shown)
    };
    if !follow && path.dentry.inode()?.kind() == chroma::inode::FileKind::Symlink {
        return Err(Errno::ELOOP);
    }
    let mut room = exec::room_for_arguments(current.process.limits.current(Resource::Stack));
    let environment_first = strings(environment, &mut room)?;
    let mut arguments = strings(arguments, &mut room)?;
    if arguments.count() == 0 {
        arguments.push(b"")?; // since 5.18 Linux sees to it that there is a first argument
    }
    exec::exec(current, Request { path, name, arguments, environment: environment_first })?;
    Err(RETURNED)
}

/// What a script's interpreter can open: a name relative to a descriptor goes through `/dev/fd`.
fn shown_name(current: &Current, directory: Fd, name: Vec<u8>) -> Result<Vec<u8>, Errno> {
    if directory == HERE || name.first() == Some(&b'/') {
        return Ok(name);
    }
    any_file(current, directory)?;
    let mut shown = alloc::format!("/dev/fd/{}/", directory.0).into_bytes();
    shown.extend_from_slice(&name);
    Ok(shown)
}

/// `execve`.
pub fn execve(
    current: &mut Current,
    path: PathName,
    arguments: StringList,
    environment: UserAddr,
) -> Outcome {
    execute(current, HERE, path, arguments.0, environment, AtFlags::empty())
}

/// `execveat`.
pub fn execveat(
    current: &mut Current,
    directory: Fd,
    path: PathName,
    arguments: StringList,
    environment: UserAddr,
    flags: AtFlags,
) -> Outcome {
    known(flags, AtFlags::EMPTY_PATH | AtFlags::SYMLINK_NOFOLLOW)?;
    execute(current, directory, path, arguments.0, environment, flags)
}
