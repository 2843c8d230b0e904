//! Process groups and sessions.

use abi::Errno;
use process::{Current, table, terminals};

use crate::row::Outcome;
use crate::support::DONE;

fn pid_or_own(current: &Current, pid: i32) -> Result<u32, Errno> {
    if pid == 0 { Ok(current.pid()) } else { u32::try_from(pid).map_err(|_| Errno::ESRCH) }
}

/// `setpgid`.
pub fn setpgid(current: &mut Current, pid: i32, group: i32) -> Outcome {
    let group = u32::try_from(group).map_err(|_| Errno::EINVAL)?;
    let pid = u32::try_from(pid).map_err(|_| Errno::ESRCH)?;
    let own = current.pid();
    table::with(|tree| tree.set_group(own, pid, group))?;
    DONE
}

/// `getpgid`.
pub fn getpgid(current: &mut Current, pid: i32) -> Outcome {
    let pid = pid_or_own(current, pid)?;
    table::group_of(pid).map(u64::from).ok_or(Errno::ESRCH)
}

/// `getpgrp`.
pub fn getpgrp(current: &mut Current) -> Outcome {
    getpgid(current, 0)
}

/// `setsid`: the new session has no terminal.
pub fn setsid(current: &mut Current) -> Outcome {
    terminals::new_session(&current.process).map(u64::from)
}

/// `getsid`.
pub fn getsid(current: &mut Current, pid: i32) -> Outcome {
    let pid = pid_or_own(current, pid)?;
    table::session_of(pid).map(u64::from).ok_or(Errno::ESRCH)
}
