//! Descriptors themselves: `dup`, `fcntl`, `ioctl`, `pipe`.

use abi::fs::{CloseRangeFlags, MemfdFlags, OwnerEx, fcntl as command};
use abi::{Errno, OpenFlags, ioctl as request};
use alloc::sync::Arc;
use cerberus::Rights;
use chroma::fdtable::capability;
use chroma::file::{Ioctl, SignalOwner};
use chroma::pipe::{make_pipe, pipe_of};
use chroma::{Fd, OpenFile, tmpfs};
use process::Current;

use super::locks;
use crate::argument::{InOut, Out, read_string};
use crate::row::Outcome;
use crate::support::{DONE, any_file, count, descriptor, file};
use hal::UserAddr;

/// `dup`.
pub fn dup(current: &mut Current, fd: Fd) -> Outcome {
    let capability = current.files.get(fd)?;
    descriptor(current.files.insert(capability, false, 0, current.fd_limit())?)
}

/// `dup2`: nothing happens when both are the same.
pub fn dup2(current: &mut Current, old: Fd, new: Fd) -> Outcome {
    if old == new {
        current.files.get(old)?;
        return descriptor(new);
    }
    dup_to(current, old, new, false)
}

/// `dup3`.
pub fn dup3(current: &mut Current, old: Fd, new: Fd, flags: OpenFlags) -> Outcome {
    if !OpenFlags::CLOEXEC.contains(flags) || old == new {
        return Err(Errno::EINVAL);
    }
    dup_to(current, old, new, flags.contains(OpenFlags::CLOEXEC))
}

fn dup_to(current: &Current, old: Fd, new: Fd, close_on_exec: bool) -> Outcome {
    let capability = current.files.get(old)?;
    current.files.replace(new, capability, close_on_exec, current.fd_limit())?;
    descriptor(new)
}

fn duplicate_from(current: &Current, fd: Fd, from: u64, close_on_exec: bool) -> Outcome {
    let capability = current.files.get(fd)?;
    let from = u32::try_from(from).ok().filter(|from| *from < current.fd_limit()).ok_or(Errno::EINVAL)?;
    descriptor(current.files.insert(capability, close_on_exec, from, current.fd_limit())?)
}

/// `fcntl`.
pub fn fcntl(current: &mut Current, fd: Fd, operation: i32, argument: u64) -> Outcome {
    match operation {
        command::F_DUPFD => duplicate_from(current, fd, argument, false),
        command::F_DUPFD_CLOEXEC => duplicate_from(current, fd, argument, true),
        command::F_GETFD => Ok(u64::from(current.files.is_close_on_exec(fd)?)),
        command::F_SETFD => {
            current.files.set_close_on_exec(fd, argument & command::FD_CLOEXEC as u64 != 0)?;
            DONE
        }
        // Of all commands these work on a mere path.
        command::F_GETFL => {
            let flags = any_file(current, fd)?.flags();
            Ok(u64::from(flags.bits()))
        }
        _ => on_file(current, fd, operation, argument),
    }
}

fn on_file(current: &mut Current, fd: Fd, operation: i32, argument: u64) -> Outcome {
    let file = file(current, fd, Rights::FCNTL)?;
    let address = UserAddr::new(argument);
    match operation {
        command::F_SETFL => {
            let flags = OpenFlags::from_bits_truncate(argument as u32);
            file.set_flags(&current.cred, flags)?;
            DONE
        }
        command::F_GETLK | command::F_OFD_GETLK => locks::get(current, &file, operation, address),
        command::F_SETLK | command::F_SETLKW | command::F_OFD_SETLK | command::F_OFD_SETLKW => {
            locks::set(current, &file, operation, address)
        }
        command::F_SETPIPE_SZ => {
            let pipe = pipe_of(&file).ok_or(Errno::EBADF)?;
            let size = usize::try_from(argument as u32).map_err(|_| Errno::EINVAL)?;
            count(pipe.set_capacity(&current.cred, size)?)
        }
        command::F_GETPIPE_SZ => count(pipe_of(&file).ok_or(Errno::EBADF)?.capacity()),
        command::F_GETSIG => Ok(u64::from(file.owner().signal)),
        command::F_SETSIG => {
            let signal = u32::try_from(argument).ok().filter(|n| *n <= 64).ok_or(Errno::EINVAL)?;
            file.set_owner(|owner| owner.signal = signal);
            DONE
        }
        command::F_GETOWN => Ok(i64::from(own_id(&file)).cast_unsigned()),
        command::F_SETOWN => {
            let id = argument as i32;
            let (kind, id) = if id < 0 { (2, id.checked_neg().ok_or(Errno::EINVAL)?) } else { (1, id) };
            file.set_owner(|owner| (owner.kind, owner.id) = (kind, id));
            DONE
        }
        command::F_GETOWN_EX => {
            let SignalOwner { kind, id, .. } = file.owner();
            let owner = OwnerEx { kind: kind.cast_signed(), pid: id };
            hal::user::write(address, &owner).map_err(|_| Errno::EFAULT)?;
            DONE
        }
        command::F_SETOWN_EX => {
            let owner: OwnerEx = hal::user::read(address).map_err(|_| Errno::EFAULT)?;
            let kind = u32::try_from(owner.kind).ok().filter(|k| *k <= 2).ok_or(Errno::EINVAL)?;
            file.set_owner(|own| (own.kind, own.id) = (kind, owner.pid));
            DONE
        }
        command::F_ADD_SEALS => {
            let seals = u32::try_from(argument).map_err(|_| Errno::EINVAL)?;
            tmpfs::add_seals(&file, seals)?;
            DONE
        }
        command::F_GET_SEALS => Ok(u64::from(tmpfs::seals(&file)?)),
        command::F_GETLEASE => Ok(command::F_UNLCK as u64),
        command::F_SETLEASE if argument as i16 == command::F_UNLCK => Err(Errno::EAGAIN),
        _ => Err(Errno::EINVAL),
    }
}

fn own_id(file: &OpenFile) -> i32 {
    let owner = file.owner();
    if owner.kind == 2 { owner.id.saturating_neg() } else { owner.id }
}

/// `ioctl`: what concerns the descriptor is done here, the rest by the file.
pub fn ioctl(current: &mut Current, fd: Fd, command: u32, argument: u64) -> Outcome {
    let file = file(current, fd, Rights::IOCTL)?;
    let pointer: InOut<i32> = crate::argument::Argument::from_raw(argument);
    match command {
        request::FIOCLEX | request::FIONCLEX => {
            current.files.set_close_on_exec(fd, command == request::FIOCLEX)?;
            return DONE;
        }
        request::FIONBIO | request::FIOASYNC => {
            let flag = if command == request::FIONBIO { OpenFlags::NONBLOCK } else { OpenFlags::ASYNC };
            let mut flags = file.flags();
            flags.set(flag, pointer.read()? != 0);
            file.set_flags(&current.cred, flags)?;
            return DONE;
        }
        _ => {}
    }
    let call = Ioctl {
        command,
        arg: argument,
        cred: &current.cred,
        fds: &current.files,
        fd_limit: current.fd_limit(),
    };
    Ok(file.ops().ioctl(&file, &call)?.cast_unsigned())
}

/// Puts a new file into the table.
pub(crate) fn publish(current: &Current, file: Arc<OpenFile>, close_on_exec: bool) -> Outcome {
    descriptor(current.files.insert(capability(file), close_on_exec, 0, current.fd_limit())?)
}

/// `pipe`.
pub fn pipe(current: &mut Current, ends: Out<[i32; 2]>) -> Outcome {
    pipe2(current, ends, OpenFlags::empty())
}

/// `pipe2`.
pub fn pipe2(current: &mut Current, ends: Out<[i32; 2]>, flags: OpenFlags) -> Outcome {
    if !(OpenFlags::CLOEXEC | OpenFlags::NONBLOCK | OpenFlags::DIRECT).contains(flags) {
        return Err(Errno::EINVAL);
    }
    let close_on_exec = flags.contains(OpenFlags::CLOEXEC);
    let (reader, writer) = make_pipe(&current.cred, flags.difference(OpenFlags::CLOEXEC))?;
    let limit = current.fd_limit();
    let (read_end, write_end) = (current.files.reserve(limit)?, current.files.reserve(limit)?);
    ends.write(&[read_end.fd().0, write_end.fd().0])?;
    read_end.fill(capability(reader), close_on_exec);
    write_end.fill(capability(writer), close_on_exec);
    DONE
}

/// `close_range`.
pub fn close_range(current: &mut Current, first: u32, last: u32, flags: CloseRangeFlags) -> Outcome {
    if !CloseRangeFlags::all().contains(flags) || first > last {
        return Err(Errno::EINVAL);
    }
    if flags.contains(CloseRangeFlags::UNSHARE) {
        process::clone::unshare(current, abi::CloneFlags::FILES)?;
    }
    if flags.contains(CloseRangeFlags::CLOEXEC) {
        current.files.close_range_on_exec(first, last);
    } else {
        current.files.close_range(first, last);
    }
    DONE
}

/// `memfd_create`.
pub fn memfd_create(current: &mut Current, name: UserAddr, flags: MemfdFlags) -> Outcome {
    /// The longest name, without the NUL: `NAME_MAX` less the prefix that Linux adds.
    const LONGEST: usize = 249;
    if !(MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).contains(flags) {
        return Err(Errno::EINVAL);
    }
    let name = read_string(name, LONGEST + 1)?.ok_or(Errno::EINVAL)?;
    let file = tmpfs::memory_file(&current.cred, &name, flags.contains(MemfdFlags::ALLOW_SEALING))?;
    publish(current, file, flags.contains(MemfdFlags::CLOEXEC))
}
