//! Signals.

use abi::signal::{SIG_BLOCK, SIG_SETMASK, SIG_UNBLOCK, Sigaction, Stack, code};
use abi::{Errno, SigSet, Siginfo, Signal, Timespec};
use process::Current;
use process::signal::{Action, AltStack, Info, fault, return_from_handler, send, wait};
use process::table;

use crate::argument::{In, Out, SignalNumber};
use crate::dispatch::RETURNED;
use crate::row::Outcome;
use crate::support::{DONE, after, duration};

fn check_size(size: usize) -> Result<(), Errno> {
    if size == size_of::<SigSet>() { Ok(()) } else { Err(Errno::EINVAL) }
}

/// `rt_sigaction`.
pub fn rt_sigaction(
    current: &mut Current,
    signal: SignalNumber,
    new: In<Sigaction>,
    old: Out<Sigaction>,
    size: usize,
) -> Outcome {
    check_size(size)?;
    let action = new.read_optional()?;
    let signal = signal.signal()?;
    if action.is_some() && SigSet::UNBLOCKABLE.contains(signal) {
        return Err(Errno::EINVAL);
    }
    let before = {
        let mut signals = current.process.lock_signals();
        match action.as_ref().map(Action::from_abi) {
            None => signals.actions.get(signal),
            Some(action) => {
                let before = signals.actions.set(signal, action);
                if action.ignores(signal) {
                    // What is pending has no effect any more (POSIX, 2.4.3).
                    signals.discard(SigSet::EMPTY.with(signal));
                }
                before
            }
        }
    };
    old.write_optional(&before.to_abi())?;
    DONE
}

/// `rt_sigprocmask`.
pub fn rt_sigprocmask(
    current: &mut Current,
    how: i32,
    new: In<SigSet>,
    old: Out<SigSet>,
    size: usize,
) -> Outcome {
    check_size(size)?;
    let before = current.thread.blocked();
    if let Some(set) = new.read_optional()? {
        let set = set.difference(SigSet::UNBLOCKABLE);
        let after = match how {
            SIG_BLOCK => before.union(set),
            SIG_UNBLOCK => before.difference(set),
            SIG_SETMASK => set,
            _ => return Err(Errno::EINVAL),
        };
        if after != before {
            current.set_blocked(after);
        }
    }
    old.write_optional(&before)?;
    DONE
}

/// `rt_sigpending`.
pub fn rt_sigpending(current: &mut Current, to: Out<u64>, size: usize) -> Outcome {
    if size > size_of::<SigSet>() {
        return Err(Errno::EINVAL);
    }
    let pending = current.pending_signals().intersection(current.thread.blocked());
    let bytes = pending.0.to_ne_bytes();
    let bytes = bytes.get(..size).unwrap_or_default();
    hal::user::write_bytes(to.address(), bytes).map_err(|_| Errno::EFAULT)?;
    DONE
}

/// `rt_sigsuspend`.
pub fn rt_sigsuspend(current: &mut Current, mask: In<SigSet>, size: usize) -> Outcome {
    check_size(size)?;
    let mask = mask.read()?;
    Err(wait::suspend(current, Some(mask)))
}

/// `pause`.
pub fn pause(current: &mut Current) -> Outcome {
    Err(wait::suspend(current, None))
}

/// `rt_sigtimedwait`.
pub fn rt_sigtimedwait(
    current: &mut Current,
    set: In<SigSet>,
    to: Out<Siginfo>,
    timeout: In<Timespec>,
    size: usize,
) -> Outcome {
    check_size(size)?;
    let set = set.read()?;
    let until = match timeout.read_optional()? {
        Some(time) => Some(after(duration(time)?)),
        None => None,
    };
    let info = wait::wait_for(current, set, until)?;
    to.write_optional(&info.to_abi())?;
    Ok(u64::from(info.signal.number()))
}

/// `rt_sigreturn`.
pub fn rt_sigreturn(current: &mut Current) -> Outcome {
    if return_from_handler(current).is_err() {
        fault::force_segv(current, Signal::SIGSEGV);
    }
    Err(RETURNED)
}

/// `sigaltstack`.
pub fn sigaltstack(current: &mut Current, new: In<Stack>, old: Out<Stack>) -> Outcome {
    let pointer = current.context.regs.rsp;
    let before = current.alt_stack.report(pointer);
    if let Some(stack) = new.read_optional()? {
        if current.alt_stack.holds(pointer) && before.ss_size > 0 {
            return Err(Errno::EPERM);
        }
        current.alt_stack = AltStack::from_abi(&stack)?;
    }
    old.write_optional(&before)?;
    DONE
}

/// `kill`.
pub fn kill(current: &mut Current, pid: i32, signal: SignalNumber) -> Outcome {
    let signal = signal.optional()?;
    if pid == i32::MIN {
        return Err(Errno::ESRCH);
    }
    send::Sender { thread: &current.thread }.kill(pid, signal)?;
    DONE
}

fn positive(number: i32) -> Result<u32, Errno> {
    u32::try_from(number).ok().filter(|number| *number > 0).ok_or(Errno::EINVAL)
}

/// `tkill`.
pub fn tkill(current: &mut Current, tid: i32, signal: SignalNumber) -> Outcome {
    let tid = positive(tid)?;
    let signal = signal.optional()?;
    send::Sender { thread: &current.thread }.thread_kill(None, tid, signal)?;
    DONE
}

/// `tgkill`.
pub fn tgkill(current: &mut Current, pid: i32, tid: i32, signal: SignalNumber) -> Outcome {
    let (pid, tid) = (positive(pid)?, positive(tid)?);
    let signal = signal.optional()?;
    send::Sender { thread: &current.thread }.thread_kill(Some(pid), tid, signal)?;
    DONE
}

/// The information of a queued signal. What a program sends to others must not look like the kernel's or `kill`'s.
pub(crate) fn queued(current: &Current, pid: u32, signal: Signal, info: &Siginfo) -> Result<Info, Errno> {
    let own = pid == current.pid();
    if (info.si_code >= 0 || info.si_code == code::SI_TKILL) && !own {
        return Err(Errno::EPERM);
    }
    Ok(Info::from_abi(signal, info))
}

/// `rt_sigqueueinfo`.
pub fn rt_sigqueueinfo(current: &mut Current, pid: i32, signal: SignalNumber, info: In<Siginfo>) -> Outcome {
    let info = info.read()?;
    let pid = u32::try_from(pid).map_err(|_| Errno::ESRCH)?;
    let signal = signal.optional()?;
    let info = signal.map(|signal| queued(current, pid, signal, &info)).transpose()?;
    let process = table::process(pid).ok_or(Errno::ESRCH)?;
    if !(send::Sender { thread: &current.thread }).may_send(&process, signal) {
        return Err(Errno::EPERM);
    }
    if let Some(info) = info {
        send::queue_for_process(&process, info)?;
    }
    DONE
}

/// `rt_tgsigqueueinfo`.
pub fn rt_tgsigqueueinfo(
    current: &mut Current,
    pid: i32,
    tid: i32,
    signal: SignalNumber,
    info: In<Siginfo>,
) -> Outcome {
    let info = info.read()?;
    let (pid, tid) = (positive(pid)?, positive(tid)?);
    let signal = signal.optional()?;
    let info = signal.map(|signal| queued(current, pid, signal, &info)).transpose()?;
    let thread = table::thread(tid).filter(|thread| thread.process().pid() == pid).ok_or(Errno::ESRCH)?;
    if !(send::Sender { thread: &current.thread }).may_send(thread.process(), signal) {
        return Err(Errno::EPERM);
    }
    if let Some(info) = info {
        send::queue_for_thread(&thread, info)?;
    }
    DONE
}
