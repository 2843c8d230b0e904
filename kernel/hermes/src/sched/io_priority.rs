//! Priorities of input and output. All file systems live in memory, so there is no queue that they could order: a priority is
//! kept and told only.

use abi::io_priority::{Class, IoPriority, WHO_PGRP, WHO_PROCESS, WHO_USER};
use abi::process::{PRIO_PGRP, PRIO_PROCESS, PRIO_USER};
use abi::{Errno, Uid};
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::cred::Cap;
use chronos::Policy;
use process::{Current, Thread};

use super::priority::{chosen, threads_of};
use crate::row::Outcome;
use crate::support::DONE;

fn threads(current: &Current, which: i32, who: i32) -> Result<Vec<Arc<Thread>>, Errno> {
    let which = match which {
        WHO_PROCESS => PRIO_PROCESS,
        WHO_PGRP => PRIO_PGRP,
        WHO_USER => PRIO_USER,
        _ => return Err(Errno::EINVAL),
    };
    chosen(current, which, who)
}

/// The priority that a thread has, set or not: then it follows from how it shares the processor. `None` when it has ended.
fn effective(thread: &Thread) -> Option<IoPriority> {
    let own = thread.io_priority();
    if !own.is(Class::None) {
        return Some(own);
    }
    let scheduling = thread.task()?.scheduling();
    let class = match scheduling.policy {
        Policy::Idle => Class::Idle,
        Policy::Fifo(_) | Policy::RoundRobin(_) => Class::RealTime,
        Policy::Fair | Policy::Batch => Class::BestEffort,
    };
    Some(IoPriority::new(class, (i16::from(scheduling.nice) + 20).unsigned_abs() / 5))
}

/// `ioprio_get`: of one thread what was set, of several the best that they have.
pub fn ioprio_get(current: &mut Current, which: i32, who: i32) -> Outcome {
    let threads = threads(current, which, who)?;
    let best = if which == WHO_PROCESS {
        threads.first().map(|thread| thread.io_priority())
    } else {
        threads.iter().filter_map(|thread| effective(thread)).min()
    };
    best.map(|priority| priority.bits().into()).ok_or(Errno::ESRCH)
}

/// `ioprio_set`. The user 0 is the superuser, not the caller, as on Linux.
pub fn ioprio_set(current: &mut Current, which: i32, who: i32, value: i32) -> Outcome {
    let priority = IoPriority::from_user(value)?;
    if priority.is(Class::RealTime) && !current.cred.has(Cap::SYS_ADMIN) {
        current.cred.require(Cap::SYS_NICE)?;
    }
    let threads = match which {
        WHO_USER => threads_of(Uid(who.cast_unsigned())),
        _ => threads(current, which, who)?,
    };
    if threads.is_empty() {
        return Err(Errno::ESRCH);
    }
    // Those before the first that may not be changed are changed, as on Linux.
    for thread in threads {
        check(current, &thread)?;
        thread.set_io_priority(priority);
    }
    DONE
}

/// Whether the caller may change a thread's priority: its user's own with no more rights than the caller's.
fn check(current: &Current, thread: &Thread) -> Result<(), Errno> {
    let (own, other) = (&current.cred, thread.cred());
    let is_owner = other.uid == own.euid || other.uid == own.uid;
    if is_owner && own.permitted.contains(other.permitted) { Ok(()) } else { own.require(Cap::SYS_NICE) }
}
