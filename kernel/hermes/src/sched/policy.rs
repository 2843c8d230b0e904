//! Scheduling policies, and their priorities.

use abi::sched::{
    SCHED_BATCH, SCHED_DEADLINE, SCHED_FIFO, SCHED_FLAG_KEEP_PARAMS, SCHED_FLAG_KEEP_POLICY,
    SCHED_FLAG_RESET_ON_FORK, SCHED_FLAG_UTIL_CLAMP, SCHED_FLAGS, SCHED_IDLE, SCHED_NORMAL,
    SCHED_RESET_ON_FORK, SCHED_RR, SchedAttr,
};
use abi::{Errno, Resource, Timespec};
use chroma::cred::Cap;
use chronos::{Policy, ROUND_ROBIN_TURN, Scheduling};
use core::time::Duration;
use process::{Current, Thread};

use super::priority::may_have_nice;
use super::{is_owner, task, thread};
use crate::argument::{Argument, In, InOut, Out};
use crate::row::Outcome;
use crate::support::DONE;

/// What a call asks for.
struct Wanted {
    /// The policy's number; none: it stays.
    policy: Option<i32>,
    priority: i32,
    /// The nice value for a fair policy; none: it stays.
    nice: Option<i8>,
    resets_on_fork: bool,
}

fn number(policy: Policy) -> i32 {
    match policy {
        Policy::Fifo(_) => SCHED_FIFO,
        Policy::RoundRobin(_) => SCHED_RR,
        Policy::Fair => SCHED_NORMAL,
        Policy::Batch => SCHED_BATCH,
        Policy::Idle => SCHED_IDLE,
    }
}

fn priority(policy: Policy) -> u8 {
    match policy {
        Policy::Fifo(priority) | Policy::RoundRobin(priority) => priority,
        Policy::Fair | Policy::Batch | Policy::Idle => 0,
    }
}

fn policy_of(number: i32, priority: i32) -> Result<Policy, Errno> {
    let real_time = u8::try_from(priority).ok().filter(|p| (1..=99).contains(p)).ok_or(Errno::EINVAL);
    match number {
        SCHED_FIFO => Ok(Policy::Fifo(real_time?)),
        SCHED_RR => Ok(Policy::RoundRobin(real_time?)),
        SCHED_NORMAL if priority == 0 => Ok(Policy::Fair),
        SCHED_BATCH if priority == 0 => Ok(Policy::Batch),
        SCHED_IDLE if priority == 0 => Ok(Policy::Idle),
        _ => Err(Errno::EINVAL),
    }
}

/// Whether the thread's limits and owner allow a change without `CAP_SYS_NICE`.
fn is_allowed(current: &Current, thread: &Thread, old: Scheduling, new: Scheduling) -> bool {
    let (was, is) = (priority(old.policy), priority(new.policy));
    let real_time = || {
        let limit = thread.process().limits.current(Resource::Rtprio);
        (number(old.policy) == number(new.policy) || limit > 0) && (is <= was || u64::from(is) <= limit)
    };
    let leaves_idle = old.policy == Policy::Idle && new.policy != Policy::Idle;
    let needs_nice = new.nice < old.nice || leaves_idle;
    (is == 0 || real_time())
        && (!needs_nice || may_have_nice(current, thread, new.nice))
        && is_owner(current, thread)
        && (new.resets_on_fork || !old.resets_on_fork)
}

fn set(current: &Current, pid: i32, wanted: &Wanted) -> Outcome {
    let thread = thread(current, pid)?;
    let task = task(&thread)?;
    let old = task.scheduling();
    let policy = policy_of(wanted.policy.unwrap_or_else(|| number(old.policy)), wanted.priority)?;
    let has_nice = matches!(policy, Policy::Fair | Policy::Batch);
    let new = Scheduling {
        policy,
        nice: wanted.nice.filter(|_| has_nice).unwrap_or(old.nice),
        resets_on_fork: if wanted.policy.is_some() { wanted.resets_on_fork } else { old.resets_on_fork },
    };
    if !is_allowed(current, &thread, old, new) {
        current.cred.require(Cap::SYS_NICE)?;
    }
    task.set_scheduling(new);
    DONE
}

fn set_with_priority(current: &Current, pid: i32, policy: Option<i32>, priority: In<i32>) -> Outcome {
    if priority.is_null() || pid < 0 {
        return Err(Errno::EINVAL);
    }
    let wanted = Wanted {
        policy: policy.map(|policy| policy & !SCHED_RESET_ON_FORK),
        priority: priority.read()?,
        nice: None,
        resets_on_fork: policy.is_some_and(|policy| policy & SCHED_RESET_ON_FORK != 0),
    };
    set(current, pid, &wanted)
}

/// `sched_setscheduler`.
pub fn sched_setscheduler(current: &mut Current, pid: i32, policy: i32, priority: In<i32>) -> Outcome {
    if policy < 0 {
        return Err(Errno::EINVAL);
    }
    set_with_priority(current, pid, Some(policy), priority)
}

/// `sched_setparam`.
pub fn sched_setparam(current: &mut Current, pid: i32, priority: In<i32>) -> Outcome {
    set_with_priority(current, pid, None, priority)
}

/// `sched_getscheduler`.
pub fn sched_getscheduler(current: &mut Current, pid: i32) -> Outcome {
    let scheduling = task(&*thread(current, pid)?)?.scheduling();
    let flag = if scheduling.resets_on_fork { SCHED_RESET_ON_FORK } else { 0 };
    Ok((number(scheduling.policy) | flag).unsigned_abs().into())
}

/// `sched_getparam`.
pub fn sched_getparam(current: &mut Current, pid: i32, to: Out<i32>) -> Outcome {
    if to.is_null() {
        return Err(Errno::EINVAL);
    }
    let policy = task(&*thread(current, pid)?)?.policy();
    to.write(&priority(policy).into())?;
    DONE
}

/// Reads attributes of the size that their first field tells (`sched_setattr(2)`).
fn read_attributes(from: InOut<SchedAttr>) -> Result<SchedAttr, Errno> {
    let start = from.address().get();
    let told = In::<u32>::from_raw(start).read()? as usize;
    let size = if told == 0 { SchedAttr::FIRST_SIZE } else { told };
    let whole = size_of::<SchedAttr>();
    if !(SchedAttr::FIRST_SIZE..=hal::PAGE_SIZE).contains(&size) {
        return Err(too_big(start));
    }
    let bytes = In::<u8>::from_raw(start).read_array(size)?;
    let (known, unknown) = bytes.split_at_checked(whole).unwrap_or((&bytes, &[]));
    if unknown.iter().any(|&byte| byte != 0) {
        return Err(too_big(start));
    }
    let attributes = SchedAttr::from_prefix(known);
    if size < whole && attributes.flags & SCHED_FLAG_UTIL_CLAMP != 0 {
        return Err(Errno::EINVAL);
    }
    Ok(attributes)
}

/// Tells the size that would not be.
fn too_big(start: u64) -> Errno {
    match Out::<u32>::from_raw(start).write(&(size_of::<SchedAttr>() as u32)) {
        Ok(()) => Errno::E2BIG,
        Err(error) => error,
    }
}

/// `sched_setattr`. No deadline is admitted: `EBUSY`, as where there is no processor time left for one.
pub fn sched_setattr(current: &mut Current, pid: i32, attributes: InOut<SchedAttr>, flags: u32) -> Outcome {
    if attributes.is_null() || pid < 0 || flags != 0 {
        return Err(Errno::EINVAL);
    }
    let attributes = read_attributes(attributes)?;
    let policy = i32::try_from(attributes.policy).map_err(|_| Errno::EINVAL)?;
    let flags = attributes.flags;
    let has = |flag| flags & flag != 0;
    let target = task(&*thread(current, pid)?)?;
    if has(SCHED_FLAG_UTIL_CLAMP) {
        return Err(Errno::EOPNOTSUPP);
    }
    if flags & !SCHED_FLAGS != 0 {
        return Err(Errno::EINVAL);
    }
    if policy == SCHED_DEADLINE && !has(SCHED_FLAG_KEEP_POLICY) {
        if !attributes.has_deadline() {
            return Err(Errno::EINVAL);
        }
        current.cred.require(Cap::SYS_NICE)?;
        return Err(Errno::EBUSY);
    }
    let now = target.scheduling();
    let wanted = Wanted {
        policy: (!has(SCHED_FLAG_KEEP_POLICY)).then_some(policy),
        priority: match has(SCHED_FLAG_KEEP_PARAMS) {
            true => priority(now.policy).into(),
            false => i32::try_from(attributes.priority).map_err(|_| Errno::EINVAL)?,
        },
        nice: (!has(SCHED_FLAG_KEEP_PARAMS)).then_some(attributes.nice.clamp(-20, 19) as i8),
        resets_on_fork: has(SCHED_FLAG_RESET_ON_FORK),
    };
    set(current, pid, &wanted)
}

/// `sched_getattr`.
pub fn sched_getattr(current: &mut Current, pid: i32, to: Out<SchedAttr>, size: u32, flags: u32) -> Outcome {
    let size = size as usize;
    let fits = (SchedAttr::FIRST_SIZE..=hal::PAGE_SIZE).contains(&size);
    if to.is_null() || pid < 0 || !fits || flags != 0 {
        return Err(Errno::EINVAL);
    }
    let scheduling = task(&*thread(current, pid)?)?.scheduling();
    let policy = scheduling.policy;
    let size = size.min(size_of::<SchedAttr>());
    let is_real_time = priority(policy) != 0;
    let attributes = SchedAttr {
        size: size as u32,
        policy: number(policy).unsigned_abs(),
        flags: if scheduling.resets_on_fork { SCHED_FLAG_RESET_ON_FORK } else { 0 },
        nice: if is_real_time { 0 } else { scheduling.nice.into() },
        priority: priority(policy).into(),
        ..SchedAttr::default()
    };
    if size < size_of::<SchedAttr>() {
        Out::<[u8; SchedAttr::FIRST_SIZE]>::from_raw(to.address().get())
            .write(&attributes.first_version())?;
    } else {
        to.write(&attributes)?;
    }
    DONE
}

fn bounds(policy: i32) -> Result<(u64, u64), Errno> {
    match policy {
        SCHED_FIFO | SCHED_RR => Ok((1, 99)),
        SCHED_NORMAL | SCHED_BATCH | SCHED_IDLE | SCHED_DEADLINE => Ok((0, 0)),
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
        Policy::RoundRobin(_) => ROUND_ROBIN_TURN,
        Policy::Fair | Policy::Batch | Policy::Idle => Duration::from_millis(4),
    };
    to.write(&slice.into())?;
    DONE
}
