//! Scheduling: how threads share the processors ([`policy`], [`priority`], [`io_priority`]), and on which they run.

mod io_priority;
mod policy;
mod priority;

pub use io_priority::{ioprio_get, ioprio_set};
pub use policy::{
    sched_get_priority_max, sched_get_priority_min, sched_getattr, sched_getparam, sched_getscheduler,
    sched_rr_get_interval, sched_setattr, sched_setparam, sched_setscheduler,
};
pub use priority::{getpriority, setpriority};

use abi::Errno;
use alloc::sync::Arc;
use chroma::cred::Cap;
use process::{Current, Thread, table};

use crate::argument::{InBytes, Out, OutBytes};
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

fn is_owner(current: &Current, thread: &Thread) -> bool {
    let (own, other) = (&current.cred, thread.cred());
    own.euid == other.euid || own.euid == other.uid
}

/// Whether the caller may change how a thread is scheduled.
fn check_owner(current: &Current, thread: &Thread) -> Result<(), Errno> {
    if is_owner(current, thread) || current.cred.has(Cap::SYS_NICE) { Ok(()) } else { Err(Errno::EPERM) }
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
