//! `setns`: into the namespaces of another process.

use crate::access;
use crate::current::Current;
use crate::process::Process;
use crate::table;
use abi::{CloneFlags, Errno};
use alloc::sync::Arc;
use chroma::cred::Cap;

/// What can be entered. Of all but mounts and host names there is one, which everybody is in.
const KINDS: CloneFlags = CloneFlags::NEWNS
    .union(CloneFlags::NEWUTS)
    .union(CloneFlags::NEWIPC)
    .union(CloneFlags::NEWNET)
    .union(CloneFlags::NEWTIME)
    .union(CloneFlags::NEWUSER)
    .union(CloneFlags::NEWPID)
    .union(CloneFlags::NEWCGROUP);

/// Enters the namespaces of a process: all that `flags` name, or none. Root and working directory become the root of the mounts
/// that are entered. May sleep.
///
/// # Errors
/// `EINVAL`: what cannot be entered; the one namespace of users, which nobody enters again; mounts alone, while another thread
/// shares the working directory. `ESRCH`: the process has ended. `EPERM`; `EUSERS`: the time, with other threads.
pub fn enter(current: &mut Current, process: &Arc<Process>, flags: CloneFlags) -> Result<(), Errno> {
    if flags.is_empty() || !KINDS.contains(flags) {
        return Err(Errno::EINVAL);
    }
    let thread = table::thread(process.pid()).filter(|thread| Arc::ptr_eq(thread.process(), process));
    let thread = thread.ok_or(Errno::ESRCH)?;
    if !access::may_attach(current, &thread) {
        return Err(Errno::EPERM);
    }
    let theirs = thread.parts(|parts| parts.namespaces.clone()).ok_or(Errno::ESRCH)?;
    if flags.contains(CloneFlags::NEWUSER) {
        return Err(Errno::EINVAL);
    }
    let mut entered = current.namespaces.clone();
    let mut root = None;
    if flags.contains(CloneFlags::NEWNS) {
        current.cred.require(Cap::SYS_CHROOT)?;
        current.cred.require(Cap::SYS_ADMIN)?;
        if flags == CloneFlags::NEWNS && shares_directory(current) {
            return Err(Errno::EINVAL);
        }
        root = Some(theirs.mounts.top().ok_or(Errno::EINVAL)?);
        entered.mounts = theirs.mounts;
    }
    if flags.contains(CloneFlags::NEWUTS) {
        entered.names = theirs.names;
    }
    // The time comes last.
    if !flags.difference(CloneFlags::NEWNS | CloneFlags::NEWTIME).is_empty() {
        current.cred.require(Cap::SYS_ADMIN)?;
    }
    if flags.contains(CloneFlags::NEWTIME) {
        if current.process.thread_count() > 1 {
            return Err(Errno::EUSERS);
        }
        current.cred.require(Cap::SYS_ADMIN)?;
    }
    current.set_namespaces(entered);
    if let Some(root) = root {
        current.fs.translate(|_| Some(root.clone()));
    }
    Ok(())
}

/// Whether another thread has the running one's root and working directory.
fn shares_directory(current: &Current) -> bool {
    let is_shared = |fs: Option<Arc<_>>| fs.is_some_and(|fs| Arc::ptr_eq(&fs, &current.fs));
    table::with(|tree| tree.threads().filter(|(_, thread)| is_shared(thread.fs())).count() > 1)
}
