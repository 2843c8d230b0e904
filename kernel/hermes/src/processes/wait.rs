//! Waiting for children.

use abi::process::{P_ALL, P_PGID, P_PID, P_PIDFD, Rusage};
use abi::{Errno, Siginfo, Signal, WaitFlags};
use chroma::Fd;
use process::pidfd::exists;
use process::signal::Info;
use process::wait::{Change, Which, wait_for_child};
use process::{Current, table};

use super::pidfd::named;
use crate::argument::Out;
use crate::row::Outcome;
use crate::support::DONE;

/// `wait4`.
pub fn wait4(
    current: &mut Current,
    pid: i32,
    status: Out<i32>,
    options: WaitFlags,
    usage: Out<Rusage>,
) -> Outcome {
    let known = WaitFlags::NOHANG
        | WaitFlags::STOPPED
        | WaitFlags::CONTINUED
        | WaitFlags::NOTHREAD
        | WaitFlags::CLONE
        | WaitFlags::ALL;
    if !known.contains(options) {
        return Err(Errno::EINVAL);
    }
    let which = match pid {
        -1 => Which::Any,
        0 => Which::Group(own_group(current)?),
        i32::MIN => return Err(Errno::ESRCH),
        _ if pid < 0 => Which::Group(pid.unsigned_abs()),
        _ => Which::Process(pid.unsigned_abs()),
    };
    let change = wait_for_child(current, which, options | WaitFlags::EXITED)?;
    let Some(change) = change else { return DONE };
    status.write_optional(&change.event.status())?;
    usage.write_optional(&change.usage.to_abi())?;
    Ok(u64::from(change.pid))
}

fn own_group(current: &Current) -> Result<u32, Errno> {
    table::group_of(current.pid()).ok_or(Errno::ESRCH)
}

fn info(change: &Change) -> Siginfo {
    let (code, status) = change.event.code_and_status();
    Info::child(code, change.pid, change.uid, status, 0, 0).to_abi()
}

/// `waitid`: without a change of state the information's signal and process are 0.
pub fn waitid(
    current: &mut Current,
    kind: i32,
    id: u32,
    to: Out<Siginfo>,
    options: WaitFlags,
    usage: Out<Rusage>,
) -> Outcome {
    let events = WaitFlags::EXITED | WaitFlags::STOPPED | WaitFlags::CONTINUED;
    if !WaitFlags::all().contains(options) || !options.intersects(events) {
        return Err(Errno::EINVAL);
    }
    let mut options = options;
    let waited_for = options;
    let which = match kind {
        P_PIDFD => {
            let fd = i32::try_from(id).map_err(|_| Errno::EINVAL)?;
            let (process, file) = named(current, Fd(fd))?;
            if file.nonblocking() {
                options |= WaitFlags::NOHANG;
            }
            if !exists(&process) {
                return Err(Errno::ECHILD);
            }
            Which::Process(process.pid())
        }
        P_ALL => Which::Any,
        P_PID if id > 0 && id <= i32::MAX.unsigned_abs() => Which::Process(id),
        P_PGID if id == 0 => Which::Group(own_group(current)?),
        P_PGID if id <= i32::MAX.unsigned_abs() => Which::Group(id),
        _ => return Err(Errno::EINVAL),
    };
    let change = wait_for_child(current, which, options)?;
    if kind == P_PIDFD && change.is_none() && !waited_for.contains(WaitFlags::NOHANG) {
        return Err(Errno::EAGAIN);
    }
    let answer = change.as_ref().map(info).unwrap_or_default();
    if let Some(change) = &change {
        usage.write_optional(&change.usage.to_abi())?;
    }
    to.write_optional(&answer)?;
    debug_assert!(answer.si_signo == 0 || answer.si_signo == Signal::SIGCHLD.as_i32());
    DONE
}
