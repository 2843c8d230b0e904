//! `prctl`, `arch_prctl` and `personality`.

use abi::process::prctl as op;
use abi::process::{ARCH_GET_FS, ARCH_GET_GS, ARCH_SET_FS, ARCH_SET_GS, TASK_COMM_LEN};
use abi::{Errno, Personality, Signal};
use chroma::cred::{Cap, CapSet};
use hal::UserAddr;
use process::Current;
use process::ids::SECBIT_KEEP_CAPS;

use crate::argument::{Argument, Out, read_string};
use crate::processes::seccomp;
use crate::row::Outcome;
use crate::support::DONE;

/// `prctl`.
pub fn prctl(
    current: &mut Current,
    operation: i32,
    second: u64,
    third: u64,
    fourth: u64,
    fifth: u64,
) -> Outcome {
    let unused = third == 0 && fourth == 0 && fifth == 0;
    let to: Out<i32> = Out::from_raw(second);
    match operation {
        op::PR_SET_PDEATHSIG => {
            let signal = i32::try_from(second).map_err(|_| Errno::EINVAL)?;
            if signal != 0 && Signal::from_user(signal).is_none() {
                return Err(Errno::EINVAL);
            }
            current.set_parent_death_signal(Signal::from_user(signal));
            DONE
        }
        op::PR_GET_PDEATHSIG => {
            let signal = current.thread.parent_death_signal().map_or(0, Signal::as_i32);
            to.write(&signal)?;
            DONE
        }
        op::PR_SET_NAME => {
            // Longer names are cut, and need not end within the first bytes.
            let mut name = [0; TASK_COMM_LEN];
            let text = name.get_mut(..TASK_COMM_LEN - 1).unwrap_or_default();
            let length = hal::user::read_string(UserAddr::new(second), text).map_err(|_| Errno::EFAULT)?;
            let length = length.unwrap_or(TASK_COMM_LEN - 1);
            current.thread.set_name(name.get(..length).unwrap_or_default());
            DONE
        }
        op::PR_GET_NAME => {
            let to: Out<[u8; TASK_COMM_LEN]> = Out::from_raw(second);
            to.write(&current.thread.name())?;
            DONE
        }
        op::PR_GET_DUMPABLE => Ok(u64::from(current.program.is_dumpable())),
        op::PR_SET_DUMPABLE => {
            if second > 1 {
                return Err(Errno::EINVAL);
            }
            current.program.set_dumpable(second == 1);
            DONE
        }
        op::PR_GET_KEEPCAPS => Ok(u64::from(current.cred.securebits & SECBIT_KEEP_CAPS != 0)),
        op::PR_SET_KEEPCAPS => {
            if second > 1 {
                return Err(Errno::EINVAL);
            }
            let mut cred = (*current.cred).clone();
            let kept = if second == 1 { SECBIT_KEEP_CAPS } else { 0 };
            cred.securebits = (cred.securebits & !SECBIT_KEEP_CAPS) | kept;
            current.set_cred(cred);
            DONE
        }
        op::PR_CAPBSET_READ => {
            let cap = Cap::from_number(second).ok_or(Errno::EINVAL)?;
            Ok(u64::from(current.cred.bounding.has(cap)))
        }
        op::PR_CAPBSET_DROP => {
            let cap = Cap::from_number(second).ok_or(Errno::EINVAL)?;
            current.cred.require(Cap::SETPCAP)?;
            let mut cred = (*current.cred).clone();
            cred.bounding = cred.bounding.without(cap.set());
            current.set_cred(cred);
            DONE
        }
        op::PR_CAP_AMBIENT => ambient(current, second, third),
        op::PR_GET_SECUREBITS => Ok(u64::from(current.cred.securebits)),
        op::PR_SET_SECUREBITS => {
            current.cred.require(Cap::SETPCAP)?;
            let mut cred = (*current.cred).clone();
            cred.securebits = u32::try_from(second).map_err(|_| Errno::EPERM)?;
            current.set_cred(cred);
            DONE
        }
        op::PR_SET_NO_NEW_PRIVS if second == 1 && unused => {
            current.forbid_new_privileges();
            DONE
        }
        op::PR_GET_NO_NEW_PRIVS if second == 0 && unused => Ok(u64::from(current.has_no_new_privileges())),
        op::PR_SET_CHILD_SUBREAPER => {
            let pid = current.pid();
            process::table::with(|tree| {
                if let Some(node) = tree.get_mut(pid) {
                    node.is_subreaper = second != 0;
                }
            });
            DONE
        }
        op::PR_GET_CHILD_SUBREAPER => {
            let pid = current.pid();
            let is = process::table::with(|tree| tree.get(pid).is_some_and(|node| node.is_subreaper));
            to.write(&i32::from(is))?;
            DONE
        }
        op::PR_GET_SECCOMP => seccomp::mode(current),
        op::PR_SET_SECCOMP => seccomp::set_mode(current, second, third),
        op::PR_GET_TIMERSLACK => Ok(50_000),
        op::PR_SET_TIMERSLACK => DONE, // timers are as exact as the machine
        op::PR_GET_THP_DISABLE if second == 0 && unused => Ok(1),
        op::PR_SET_THP_DISABLE if unused => DONE,
        op::PR_GET_TID_ADDRESS => {
            let to: Out<u64> = Out::from_raw(second);
            to.write(&current.clear_child_tid.get())?;
            DONE
        }
        op::PR_SET_VMA => {
            // Names for anonymous memory: checked, and shown nowhere.
            if fifth != 0 {
                read_string(UserAddr::new(fifth), 80)?.ok_or(Errno::EINVAL)?;
            }
            Err(Errno::EINVAL)
        }
        _ => Err(Errno::EINVAL),
    }
}

fn ambient(current: &mut Current, operation: u64, cap: u64) -> Outcome {
    const IS_SET: u64 = 1;
    const RAISE: u64 = 2;
    const LOWER: u64 = 3;
    const CLEAR_ALL: u64 = 4;
    let mut cred = (*current.cred).clone();
    if operation == CLEAR_ALL {
        if cap != 0 {
            return Err(Errno::EINVAL);
        }
        cred.ambient = CapSet::EMPTY;
        current.set_cred(cred);
        return DONE;
    }
    let cap = Cap::from_number(cap).ok_or(Errno::EINVAL)?;
    match operation {
        IS_SET => return Ok(u64::from(cred.ambient.has(cap))),
        RAISE if !cred.permitted.has(cap) || !cred.inheritable.has(cap) => return Err(Errno::EPERM),
        RAISE => cred.ambient = cred.ambient.or(cap.set()),
        LOWER => cred.ambient = cred.ambient.without(cap.set()),
        _ => return Err(Errno::EINVAL),
    }
    current.set_cred(cred);
    DONE
}

/// `personality`: gives the old one; [`Personality::ASK`] changes nothing.
pub fn personality(current: &mut Current, personality: u32) -> Outcome {
    let old = current.thread.personality();
    if personality != Personality::ASK {
        current.thread.set_personality(Personality::from_bits_retain(personality));
    }
    // Linux gives an `unsigned int`: no value of it is an error.
    Ok(u64::from(old.bits()))
}

/// `arch_prctl`: the bases of FS and GS.
pub fn arch_prctl(current: &mut Current, operation: i32, base: UserAddr) -> Outcome {
    let context = current.task.context().ok_or(Errno::ESRCH)?;
    let to: Out<u64> = Out::from_raw(base.get());
    match operation {
        ARCH_SET_FS | ARCH_SET_GS => {
            if base.get() >= hal::USER_END {
                return Err(Errno::EPERM);
            }
            if operation == ARCH_SET_FS {
                context.set_fs_base(base.get());
            } else {
                context.set_gs_base(base.get());
            }
        }
        ARCH_GET_FS => to.write(&context.fs_base())?,
        ARCH_GET_GS => to.write(&context.gs_base())?,
        _ => return Err(Errno::EINVAL),
    }
    DONE
}
