//! Scheduling.

use abi::process::{
    PRIO_PGRP, PRIO_PROCESS, PRIO_USER, SCHED_BATCH, SCHED_FIFO, SCHED_IDLE, SCHED_NORMAL,
    SCHED_RESET_ON_FORK, SCHED_RR,
};
use abi::{Errno, Resource, Timespec, Uid};
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::cred::Cap;
use chronos::Policy;
use core::time::Duration;
use process::{Current, Thread, table};

use crate::argument::{In, InBytes, Out, OutBytes};
use crate::row::Outcome;
use crate::support::{DONE, count};

/// `sched_yield`.
pub fn sched_yield(_current: &mut Current) -> Outcome {
    chronos::thread::yield_now();
    DONE
}

fn thread(current: &Current, pid: i32) -> Result<Arc<Thread>, Errno> {
    match pid {
        0 => Ok(current.thread.clone()),
        pid => {
            let tid = u32::try_from(pid).map_err(|_| Errno::EINVAL)?;
            table::thread(tid).ok_or(Errno::ESRCH)
        }
    }
}

fn task(thread: &Thread) -> Result<Arc<chronos::Thread>, Errno> {
    thread.task().ok_or(Errno::ESRCH)
}

/// Whether the caller may change how a thread is scheduled.
fn check_owner(current: &Current, thread: &Thread) -> Result<(), Errno> {
    let (own, other) = (&current.cred, thread.cred());
    let same = own.euid == other.euid || own.euid == other.uid;
    if same || own.has(Cap::SYS_NICE) { Ok(()) } else { Err(Errno::EPERM) }
}

fn number(policy: Policy) -> i32 {
    match policy {
        Policy::Fifo(_) => SCHED_FIFO,
        Policy::RoundRobin(_) => SCHED_RR,
        Policy::Fair(_) => SCHED_NORMAL,
        Policy::Batch => SCHED_IDLE,
    }
}

fn nice(policy: Policy) -> i8 {
    match policy {
        Policy::Fair(nice) => nice,
        _ => 0,
    }
}

fn policy_of(number: i32, priority: i32, old: Policy) -> Result<Policy, Errno> {
    let real_time = u8::try_from(priority).ok().filter(|p| (1..=99).contains(p)).ok_or(Errno::EINVAL);
    match number & !SCHED_RESET_ON_FORK {
        SCHED_FIFO => Ok(Policy::Fifo(real_time?)),
        SCHED_RR => Ok(Policy::RoundRobin(real_time?)),
        SCHED_NORMAL | SCHED_BATCH if priority == 0 => Ok(Policy::Fair(nice(old))),
        SCHED_IDLE if priority == 0 => Ok(Policy::Batch),
        _ => Err(Errno::EINVAL),
    }
}

fn set_policy(current: &Current, pid: i32, number: Option<i32>, priority: In<i32>) -> Outcome {
    if priority.is_null() || pid < 0 {
        return Err(Errno::EINVAL);
    }
    let priority = priority.read()?;
    let thread = thread(current, pid)?;
    let task = task(&thread)?;
    let old = task.policy();
    let new = policy_of(number.unwrap_or(self::number(old)), priority, old)?;
    check_owner(current, &thread)?;
    if let Policy::Fifo(wanted) | Policy::RoundRobin(wanted) = new {
        let limit = thread.process().limits.current(Resource::Rtprio);
        if u64::from(wanted) > limit && !current.cred.has(Cap::SYS_NICE) {
            return Err(Errno::EPERM);
        }
    }
    task.set_policy(new);
    DONE
}

/// `sched_setscheduler`.
pub fn sched_setscheduler(current: &mut Current, pid: i32, policy: i32, priority: In<i32>) -> Outcome {
    if policy < 0 {
        return Err(Errno::EINVAL);
    }
    set_policy(current, pid, Some(policy), priority)
}

/// `sched_setparam`.
pub fn sched_setparam(current: &mut Current, pid: i32, priority: In<i32>) -> Outcome {
    set_policy(current, pid, None, priority)
}

/// `sched_getscheduler`.
pub fn sched_getscheduler(current: &mut Current, pid: i32) -> Outcome {
    let policy = task(&*thread(current, pid)?)?.policy();
    Ok(number(policy).unsigned_abs().into())
}

/// `sched_getparam`.
pub fn sched_getparam(current: &mut Current, pid: i32, to: Out<i32>) -> Outcome {
    if to.is_null() {
        return Err(Errno::EINVAL);
    }
    let priority = match task(&*thread(current, pid)?)?.policy() {
        Policy::Fifo(priority) | Policy::RoundRobin(priority) => i32::from(priority),
        Policy::Fair(_) | Policy::Batch => 0,
    };
    to.write(&priority)?;
    DONE
}

fn bounds(policy: i32) -> Result<(u64, u64), Errno> {
    match policy {
        SCHED_FIFO | SCHED_RR => Ok((1, 99)),
        SCHED_NORMAL | SCHED_BATCH | SCHED_IDLE | abi::process::SCHED_DEADLINE => Ok((0, 0)),
        _ => Err(Errno::EINVAL),
    }
}

/// `sched_get_priority_max`.
pub fn sched_get_priority_max(_current: &mut Current, policy: i32) -> Outcome {
    Ok(bounds(policy)?.1)
}

/// `sched_get_priority_min`.
pub fn sched_get_priority_min(_current: &mut Current, policy: i32) -> Outcome {
    Ok(bounds(policy)?.0)
}

/// `sched_rr_get_interval`.
pub fn sched_rr_get_interval(current: &mut Current, pid: i32, to: Out<Timespec>) -> Outcome {
    let slice = match task(&*thread(current, pid)?)?.policy() {
        Policy::Fifo(_) => Duration::ZERO,
        Policy::RoundRobin(_) => Duration::from_millis(100),
        Policy::Fair(_) | Policy::Batch => Duration::from_millis(4),
    };
    to.write(&slice.into())?;
    DONE
}

/// `sched_getaffinity`. The result is the size of the kernel's own set.
pub fn sched_getaffinity(current: &mut Current, pid: i32, size: u32, to: OutBytes) -> Outcome {
    let size = size as usize;
    if size * 8 < hal::cpu::online() || !size.is_multiple_of(size_of::<u64>()) {
        return Err(Errno::EINVAL);
    }
    let allowed = task(&*thread(current, pid)?)?.allowed() & hal::cpu::online_set();
    hal::user::write_bytes(to.0, &allowed.to_ne_bytes()).map_err(|_| Errno::EFAULT)?;
    count(size_of::<u64>())
}

/// `sched_setaffinity`; a set without any processor that exists is refused.
pub fn sched_setaffinity(current: &mut Current, pid: i32, size: u32, from: InBytes) -> Outcome {
    let mut bytes = [0; size_of::<u64>()];
    let given = bytes.get_mut(..(size as usize).min(size_of::<u64>())).unwrap_or_default();
    hal::user::read_bytes(from.0, given).map_err(|_| Errno::EFAULT)?;
    let thread = thread(current, pid)?;
    check_owner(current, &thread)?;
    if task(&thread)?.bind(u64::from_ne_bytes(bytes)) { DONE } else { Err(Errno::EINVAL) }
}

/// `getcpu`.
pub fn getcpu(_current: &mut Current, cpu: Out<u32>, node: Out<u32>) -> Outcome {
    let number = u32::try_from(hal::cpu::current().index()).unwrap_or(0);
    cpu.write_optional(&number)?;
    node.write_optional(&0)?;
    DONE
}

/// The threads that `getpriority` and `setpriority` are about.
fn chosen(current: &Current, which: i32, who: i32) -> Result<Vec<Arc<Thread>>, Errno> {
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
        PRIO_USER => {
            let user = if number == 0 { current.cred.uid } else { Uid(number) };
            let all: Vec<_> = table::with(|tree| tree.threads().map(|(_, t)| t.clone()).collect());
            all.into_iter().filter(|thread: &Arc<Thread>| thread.cred().uid == user).collect()
        }
        _ => return Err(Errno::EINVAL),
    };
    Ok(threads)
}

/// `getpriority`: 20 less the nice value, the best of all chosen.
pub fn getpriority(current: &mut Current, which: i32, who: i32) -> Outcome {
    let threads = chosen(current, which, who)?;
    let best = threads.iter().filter_map(|t| t.task()).map(|task| 20 - i64::from(nice(task.policy()))).max();
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
    let (own, other) = (&current.cred, thread.cred());
    let privileged = own.has(Cap::SYS_NICE);
    if !privileged && own.euid != other.uid && own.euid != other.euid {
        return Err(Errno::EPERM);
    }
    let task = task(thread)?;
    let limit = thread.process().limits.current(Resource::Nice);
    let wanted = (20 - i64::from(value)).cast_unsigned();
    if value < nice(task.policy()) && wanted > limit && !privileged {
        return Err(Errno::EACCES);
    }
    if let Policy::Fair(_) = task.policy() {
        task.set_policy(Policy::Fair(value));
    }
    Ok(())
}
