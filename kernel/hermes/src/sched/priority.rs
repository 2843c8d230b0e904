//! Nice values: the weight of threads that share the processor.

use abi::process::{PRIO_PGRP, PRIO_PROCESS, PRIO_USER};
use abi::{Errno, Resource, Uid};
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::cred::Cap;
use chronos::Scheduling;
use process::{Current, Thread, table};

use super::{check_owner, task, thread};
use crate::row::Outcome;
use crate::support::DONE;

/// The threads that `getpriority` and `setpriority` are about.
pub(super) fn chosen(current: &Current, which: i32, who: i32) -> Result<Vec<Arc<Thread>>, Errno> {
    let number = who.unsigned_abs();
    let threads = match which {
        PRIO_PROCESS => thread(current, who).into_iter().collect(),
        PRIO_PGRP => {
            let group = if number == 0 { table::group_of(current.pid()) } else { Some(number) };
            let members: Vec<_> = table::with(|tree| {
                let members = group.into_iter().flat_map(|group| tree.members(group));
                members.map(|(_, node)| node.process.clone()).collect()
            });
            members.iter().flat_map(|process| process.threads()).collect()
        }
        PRIO_USER => threads_of(if number == 0 { current.cred.uid } else { Uid(number) }),
        _ => return Err(Errno::EINVAL),
    };
    Ok(threads)
}

/// All threads whose real user this is.
pub(super) fn threads_of(user: Uid) -> Vec<Arc<Thread>> {
    let all: Vec<_> = table::with(|tree| tree.threads().map(|(_, t)| t.clone()).collect());
    all.into_iter().filter(|thread: &Arc<Thread>| thread.cred().uid == user).collect()
}

/// `getpriority`: 20 less the nice value, the best of all chosen.
pub fn getpriority(current: &mut Current, which: i32, who: i32) -> Outcome {
    let threads = chosen(current, which, who)?;
    let best =
        threads.iter().filter_map(|t| t.task()).map(|task| 20 - i64::from(task.scheduling().nice)).max();
    best.map(i64::cast_unsigned).ok_or(Errno::ESRCH)
}

/// `setpriority`.
pub fn setpriority(current: &mut Current, which: i32, who: i32, value: i32) -> Outcome {
    let value = value.clamp(-20, 19) as i8;
    let threads = chosen(current, which, who)?;
    let mut outcome = Err(Errno::ESRCH);
    for thread in threads {
        let changed = set_nice(current, &thread, value);
        if outcome != Err(Errno::EPERM) && outcome != Err(Errno::EACCES) {
            outcome = changed;
        }
    }
    outcome?;
    DONE
}

fn set_nice(current: &Current, thread: &Thread, value: i8) -> Result<(), Errno> {
    check_owner(current, thread)?;
    let task = task(thread)?;
    let scheduling = task.scheduling();
    if value < scheduling.nice && !may_have_nice(current, thread, value) {
        return Err(Errno::EACCES);
    }
    task.set_scheduling(Scheduling { nice: value, ..scheduling });
    Ok(())
}

/// Whether the caller may give a thread a nice value that is less than its own.
pub(super) fn may_have_nice(current: &Current, thread: &Thread, value: i8) -> bool {
    let limit = thread.process().limits.current(Resource::Nice);
    let wanted = (20 - i64::from(value)).cast_unsigned();
    wanted <= limit || current.cred.has(Cap::SYS_NICE)
}
