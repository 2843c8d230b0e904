//! Making and ending threads and processes.

use abi::process::{CLONE_ARGS_SIZE_VER0, CSIGNAL, CloneArgs};
use abi::{CloneFlags, Errno, Signal};
use cerberus::Rights;
use chroma::Fd;
use hal::UserAddr;
use process::clone::{self, Request};
use process::{Current, ExitStatus, exit, pidfd};

use crate::argument::{Argument, In};
use crate::dispatch::RETURNED;
use crate::row::Outcome;
use crate::support::{DONE, file};

fn number(outcome: Result<u32, Errno>) -> Outcome {
    outcome.map(u64::from)
}

/// `fork`.
pub fn fork(current: &mut Current) -> Outcome {
    number(clone::clone(current, &Request { exit_signal: Some(Signal::SIGCHLD), ..Request::default() }))
}

/// `vfork`.
pub fn vfork(current: &mut Current) -> Outcome {
    let flags = CloneFlags::VFORK | CloneFlags::VM;
    let request = Request { flags, exit_signal: Some(Signal::SIGCHLD), ..Request::default() };
    number(clone::clone(current, &request))
}

/// `clone`: the flags' low byte is the signal that the child's end sends.
pub fn clone(
    current: &mut Current,
    flags: u64,
    stack: UserAddr,
    parent_tid: UserAddr,
    child_tid: UserAddr,
    tls: u64,
) -> Outcome {
    let signal = Signal::from_user((flags & CSIGNAL) as i32);
    // The upper half is clone3's alone.
    let flags = CloneFlags::from_bits_truncate(flags & !CSIGNAL & 0xffff_ffff);
    // There is one place for both.
    if flags.contains(CloneFlags::PIDFD | CloneFlags::PARENT_SETTID) {
        return Err(Errno::EINVAL);
    }
    let request =
        Request { flags, exit_signal: signal, stack, tls, parent_tid, child_tid, pidfd: parent_tid };
    number(clone::clone(current, &request))
}

/// `clone3`.
pub fn clone3(current: &mut Current, arguments: In<CloneArgs>, size: usize) -> Outcome {
    let whole = size_of::<CloneArgs>();
    if size < CLONE_ARGS_SIZE_VER0 {
        return Err(Errno::EINVAL);
    }
    if size > hal::PAGE_SIZE {
        return Err(Errno::E2BIG);
    }
    let mut args = CloneArgs::default();
    let bytes = zerocopy::IntoBytes::as_mut_bytes(&mut args);
    let known = bytes.get_mut(..size.min(whole)).unwrap_or_default();
    hal::user::read_bytes(arguments.address(), known).map_err(|_| Errno::EFAULT)?;
    if size > whole {
        let tail: In<u8> = In::from_raw(arguments.element(1).address().get());
        if tail.read_array(size - whole)?.iter().any(|&byte| byte != 0) {
            return Err(Errno::E2BIG);
        }
    }
    let flags = CloneFlags::from_bits(args.flags).ok_or(Errno::EINVAL)?;
    let sound = args.set_tid_size == 0
        && args.set_tid == 0
        && args.exit_signal <= 64
        && !flags.contains(CloneFlags::DETACHED)
        && (args.stack == 0) == (args.stack_size == 0)
        && !(flags.intersects(CloneFlags::THREAD | CloneFlags::PARENT) && args.exit_signal != 0);
    if !sound {
        return Err(Errno::EINVAL);
    }
    let request = Request {
        flags,
        exit_signal: Signal::from_user(args.exit_signal as i32),
        stack: UserAddr::new(args.stack.wrapping_add(args.stack_size)),
        tls: args.tls,
        parent_tid: UserAddr::new(args.parent_tid),
        child_tid: UserAddr::new(args.child_tid),
        pidfd: UserAddr::new(args.pidfd),
    };
    number(clone::clone(current, &request))
}

/// `unshare`.
pub fn unshare(current: &mut Current, flags: CloneFlags) -> Outcome {
    clone::unshare(current, flags)?;
    DONE
}

/// `setns`: into namespaces of a process that a descriptor names.
pub fn setns(current: &mut Current, fd: Fd, flags: u32) -> Outcome {
    let file = file(current, fd, Rights::empty())?;
    let process = pidfd::process_of(&file).ok_or(Errno::EINVAL)?;
    clone::enter(current, process, CloneFlags::from_bits_retain(flags.into()))?;
    DONE
}

/// `exit`: the thread.
pub fn exit(current: &mut Current, code: i32) -> Outcome {
    current.finish(ExitStatus::exited(code));
    Err(RETURNED)
}

/// `exit_group`: the process.
pub fn exit_group(current: &mut Current, code: i32) -> Outcome {
    exit::end_process(current, ExitStatus::exited(code));
    Err(RETURNED)
}

/// `set_tid_address`.
pub fn set_tid_address(current: &mut Current, word: UserAddr) -> Outcome {
    current.clear_child_tid = word;
    Ok(u64::from(current.tid()))
}

/// `getpid`.
pub fn getpid(current: &mut Current) -> Outcome {
    Ok(u64::from(current.pid()))
}

/// `gettid`.
pub fn gettid(current: &mut Current) -> Outcome {
    Ok(u64::from(current.tid()))
}

/// `getppid`.
pub fn getppid(current: &mut Current) -> Outcome {
    Ok(u64::from(current.process.parent()))
}
