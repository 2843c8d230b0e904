//! `seccomp`, and what `prctl` offers of it.

use abi::Errno;
use abi::seccomp::{
    self as op, FilterFlags, MODE_FILTER, MODE_STRICT, NotifSizes, SockFilter, SockFprog, action,
};
use hal::UserAddr;
use process::Current;
use process::seccomp::{self, LONGEST, Mode};

use crate::argument::{Argument, In, Out};
use crate::row::Outcome;
use crate::support::DONE;

/// `seccomp`.
pub fn seccomp(current: &mut Current, operation: u32, flags: FilterFlags, arguments: UserAddr) -> Outcome {
    if operation == op::SET_MODE_FILTER {
        return filter(current, flags, arguments);
    }
    if !flags.is_empty() {
        return Err(Errno::EINVAL);
    }
    match operation {
        op::SET_MODE_STRICT if arguments.is_null() => seccomp::set_strict(current).map(|()| 0),
        op::GET_ACTION_AVAIL => match In::<u32>::from_raw(arguments.get()).read()? {
            action::KILL_PROCESS
            | action::KILL_THREAD
            | action::TRAP
            | action::ERRNO
            | action::USER_NOTIF
            | action::TRACE
            | action::LOG
            | action::ALLOW => DONE,
            _ => Err(Errno::EOPNOTSUPP),
        },
        op::GET_NOTIF_SIZES => {
            let to: Out<NotifSizes> = Out::from_raw(arguments.get());
            to.write(&NotifSizes { seccomp_notif: 80, seccomp_notif_resp: 24, seccomp_data: 64 })?;
            DONE
        }
        _ => Err(Errno::EINVAL),
    }
}

fn filter(current: &Current, flags: FilterFlags, program: UserAddr) -> Outcome {
    if !FilterFlags::all().contains(flags) {
        return Err(Errno::EINVAL);
    }
    let program = In::<SockFprog>::from_raw(program.get()).read()?;
    let length = usize::from(program.len);
    if length == 0 || length > LONGEST {
        return Err(Errno::EINVAL);
    }
    seccomp::may_install(current)?;
    if program.filter == 0 {
        return Err(Errno::EINVAL);
    }
    let code = In::<SockFilter>::from_raw(program.filter).read_array(length)?;
    seccomp::install(current, code, flags).map(u64::from)
}

/// `PR_SET_SECCOMP`.
pub fn set_mode(current: &Current, mode: u64, program: u64) -> Outcome {
    match mode {
        MODE_STRICT => seccomp::set_strict(current).map(|()| 0),
        MODE_FILTER => filter(current, FilterFlags::empty(), UserAddr::new(program)),
        _ => Err(Errno::EINVAL),
    }
}

/// `PR_GET_SECCOMP`.
pub fn mode(current: &Current) -> Outcome {
    Ok(number(current.thread.seccomp.mode()))
}

fn number(mode: Mode) -> u64 {
    mode as u64
}
