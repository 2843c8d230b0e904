//! Descriptors of processes.

use abi::{Errno, OpenFlags, Siginfo};
use alloc::sync::Arc;
use cerberus::Rights;
use chroma::{Fd, OpenFile};
use process::signal::{Info, send};
use process::{Current, Process, access, pidfd, proc, table};

use crate::argument::{In, SignalNumber};
use crate::files::descriptors::publish;
use crate::row::Outcome;
use crate::signals::queued;
use crate::support::{DONE, any_file, descriptor, file};

/// The process behind a descriptor.
///
/// # Errors
/// `EBADF`: it names none.
pub fn named(current: &Current, fd: Fd) -> Result<(Arc<Process>, Arc<OpenFile>), Errno> {
    let file = file(current, fd, Rights::empty())?;
    let process = pidfd::process_of(&file).cloned().ok_or(Errno::EBADF)?;
    Ok((process, file))
}

/// `pidfd_open`: `EINVAL` for a thread that is not its process's first.
pub fn pidfd_open(current: &mut Current, pid: i32, flags: OpenFlags) -> Outcome {
    if !OpenFlags::NONBLOCK.contains(flags) {
        return Err(Errno::EINVAL);
    }
    let pid = u32::try_from(pid).ok().filter(|pid| *pid > 0).ok_or(Errno::EINVAL)?;
    let Some(process) = table::process(pid) else {
        return Err(if table::thread(pid).is_some() { Errno::EINVAL } else { Errno::ESRCH });
    };
    let file = pidfd::open(&process, flags, &current.cred)?;
    publish(current, file, true)
}

/// `pidfd_send_signal`: to what `pidfd_open` gave, or to what a directory of `/proc` is about.
pub fn pidfd_send_signal(
    current: &mut Current,
    fd: Fd,
    signal: SignalNumber,
    info: In<Siginfo>,
    flags: u32,
) -> Outcome {
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    let file = any_file(current, fd)?;
    let process = match pidfd::process_of(&file) {
        Some(process) => process.clone(),
        None => proc::process_of_directory(&file).ok_or(Errno::EBADF)?,
    };
    let signal = signal.optional();
    let info = match info.read_optional()? {
        Some(given) => {
            let signal = signal?;
            if signal.map_or(0, |signal| signal.as_i32()) != given.si_signo {
                return Err(Errno::EINVAL);
            }
            signal.map(|signal| queued(current, process.pid(), signal, &given)).transpose()?
        }
        None => signal.ok().flatten().map(|signal| Info::user(signal, current.pid(), current.cred.uid)),
    };
    if !pidfd::exists(&process) {
        return Err(Errno::ESRCH);
    }
    let signal = signal?;
    if !(send::Sender { thread: &current.thread }).may_send(&process, signal) {
        return Err(Errno::EPERM);
    }
    if let Some(info) = info {
        send::queue_for_process(&process, info)?;
    }
    DONE
}

/// `pidfd_getfd`: another process's descriptor, for who may look into that process.
pub fn pidfd_getfd(current: &mut Current, pidfd: Fd, fd: Fd, flags: u32) -> Outcome {
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    let (process, _) = named(current, pidfd)?;
    if !pidfd::exists(&process) {
        return Err(Errno::ESRCH);
    }
    let Some(thread) = process.main_thread() else { return Err(Errno::EBADF) };
    if !access::may_attach(current, &thread) {
        return Err(Errno::EPERM);
    }
    let capability = thread.files().ok_or(Errno::EBADF)?.get(fd)?;
    descriptor(current.files.insert(capability, true, 0, current.fd_limit())?)
}
