//! Limits and what was used.

use abi::process::{RUSAGE_CHILDREN, RUSAGE_SELF, RUSAGE_THREAD, Rusage};
use abi::{Errno, Resource, Rlimit};
use alloc::sync::Arc;
use chroma::cred::Cap;
use core::sync::atomic::Ordering;
use process::timer::interval;
use process::{Current, Process, Usage, table};

use crate::argument::{In, Out};
use crate::row::Outcome;
use crate::support::DONE;

fn resource(number: u32) -> Result<Resource, Errno> {
    Resource::from_number(number).ok_or(Errno::EINVAL)
}

/// `getrlimit`.
pub fn getrlimit(current: &mut Current, number: u32, to: Out<Rlimit>) -> Outcome {
    to.write(&current.process.limits.get(resource(number)?))?;
    DONE
}

/// `setrlimit`.
pub fn setrlimit(current: &mut Current, number: u32, limit: In<Rlimit>) -> Outcome {
    let limit = limit.read()?;
    set(current, &current.process.clone(), resource(number)?, limit)?;
    DONE
}

fn set(
    current: &Current,
    process: &Arc<Process>,
    resource: Resource,
    limit: Rlimit,
) -> Result<Rlimit, Errno> {
    let old = process.limits.set(resource, limit, current.cred.has(Cap::SYS_RESOURCE))?;
    let space = process.main_thread().and_then(|thread| thread.program());
    let memory = space.as_ref().map(|program| program.space.limits());
    match (resource, memory) {
        (Resource::As, Some(limits)) => limits.address_space.store(limit.rlim_cur, Ordering::Relaxed),
        (Resource::Data, Some(limits)) => limits.data.store(limit.rlim_cur, Ordering::Relaxed),
        (Resource::Stack, Some(limits)) => limits.stack.store(limit.rlim_cur, Ordering::Relaxed),
        (Resource::Cpu, _) => interval::limit_changed(process),
        _ => {}
    }
    Ok(old)
}

/// `prlimit64`.
pub fn prlimit64(current: &mut Current, pid: i32, number: u32, new: In<Rlimit>, old: Out<Rlimit>) -> Outcome {
    let resource = resource(number)?;
    let new = new.read_optional()?;
    let process = match pid {
        0 => current.process.clone(),
        pid => table::process(u32::try_from(pid).map_err(|_| Errno::ESRCH)?).ok_or(Errno::ESRCH)?,
    };
    if !Arc::ptr_eq(&process, &current.process) && !is_same_user(current, &process) {
        current.cred.require(Cap::SYS_RESOURCE)?;
    }
    let before = match new {
        Some(new) => set(current, &process, resource, new)?,
        None => process.limits.get(resource),
    };
    old.write_optional(&before)?;
    DONE
}

/// Whether all ids of a process are the caller's real ones.
fn is_same_user(current: &Current, process: &Process) -> bool {
    let (own, other) = (&current.cred, process.cred());
    [other.uid, other.euid, other.suid].iter().all(|id| *id == own.uid)
        && [other.gid, other.egid, other.sgid].iter().all(|id| *id == own.gid)
}

/// `getrusage`.
pub fn getrusage(current: &mut Current, who: i32, to: Out<Rusage>) -> Outcome {
    let usage = match who {
        RUSAGE_SELF => current.process.usage(),
        RUSAGE_CHILDREN => current.process.children_usage(),
        RUSAGE_THREAD => Usage::of_thread(&current.thread),
        _ => return Err(Errno::EINVAL),
    };
    to.write(&usage.to_abi())?;
    DONE
}
