//! New threads and processes: `fork`, `vfork`, `clone`, `clone3`.

mod enter;
mod seed;
mod unshare;

use crate::current::Current;
use crate::exit::VforkWait;
use crate::memory;
use crate::pidfd;
use crate::process::Process;
use crate::program::Program;
use crate::seccomp;
use crate::signal::{Actions, AltStack, Signals};
use crate::table;
use crate::thread::{Parts, Thread};
use crate::user::zombies;
use abi::{CloneFlags, Errno, Resource, Signal};
use alloc::sync::Arc;
use chroma::cred::Cap;
use chroma::fdtable::{Fd, Used, capability};
use core::sync::atomic::Ordering;
use hal::{UserAddr, UserContext, user};
use seed::{Seed, make_task};
use unshare::new_namespaces;

pub use enter::enter;
pub(crate) use seed::start_first;
pub use unshare::unshare;

/// What is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request {
    /// What is shared, and more.
    pub flags: CloneFlags,
    /// What the child's end sends to the parent.
    pub exit_signal: Option<Signal>,
    /// The child's stack pointer; the parent's if null.
    pub stack: UserAddr,
    /// The base of FS, with `SETTLS`.
    pub tls: u64,
    /// Where the child's number is written in the parent's memory, with `PARENT_SETTID`.
    pub parent_tid: UserAddr,
    /// Where it is written in the child's memory, with `CHILD_SETTID`, or cleared at its end, with `CHILD_CLEARTID`.
    pub child_tid: UserAddr,
    /// Where a descriptor of the child is written in the parent's memory, with `PIDFD`.
    pub pidfd: UserAddr,
}

/// Namespaces that do not exist here: what Linux says without them in its configuration.
const MISSING_NAMESPACES: CloneFlags = CloneFlags::NEWCGROUP
    .union(CloneFlags::NEWIPC)
    .union(CloneFlags::NEWUSER)
    .union(CloneFlags::NEWPID)
    .union(CloneFlags::NEWNET)
    .union(CloneFlags::NEWTIME);

/// The combinations that `clone(2)` refuses.
fn check(flags: CloneFlags, caller_is_init: bool) -> Result<(), Errno> {
    let has = |flag| flags.contains(flag);
    let without = |flag, other| has(flag) && !has(other);
    let both = |flag, other| has(flag) && has(other);
    let refused = both(CloneFlags::NEWNS, CloneFlags::FS)
        || without(CloneFlags::THREAD, CloneFlags::SIGHAND)
        || without(CloneFlags::SIGHAND, CloneFlags::VM)
        || both(CloneFlags::CLEAR_SIGHAND, CloneFlags::SIGHAND)
        || (has(CloneFlags::PARENT) && caller_is_init)
        || (has(CloneFlags::PIDFD) && flags.intersects(CloneFlags::THREAD | CloneFlags::DETACHED))
        || flags.intersects(MISSING_NAMESPACES | CloneFlags::INTO_CGROUP);
    if refused { Err(Errno::EINVAL) } else { Ok(()) }
}

/// What a thread takes of the kernel's memory: a stack, its registers, and its place in many lists.
const THREAD_BYTES: usize = 48 * 1024;

fn check_limits(current: &Current) -> Result<(), Errno> {
    let user = current.thread.parts(|parts| parts.user.clone());
    let limit = current.process.limits.current(Resource::Nproc);
    let over = user.threads.load(Ordering::Relaxed) >= limit;
    let spared =
        current.cred.uid.is_root() || current.cred.has(Cap::SYS_RESOURCE) || current.cred.has(Cap::SYS_ADMIN);
    let all = table::with(|tree| tree.thread_count()) as u64 + zombies();
    if (over && !spared) || all >= crate::boot::thread_limit() {
        return Err(Errno::EAGAIN);
    }
    memory::room_for_another()?;
    aegis::charge::admit(THREAD_BYTES)
}

/// The memory of the child.
fn child_program(current: &Current, flags: CloneFlags) -> Result<Arc<Program>, Errno> {
    if flags.contains(CloneFlags::VM) {
        return Ok(current.program.clone());
    }
    let space = Arc::new(current.program.space.fork()?);
    Ok(Arc::new(current.program.duplicate(space)))
}

/// The process of the child.
fn child_process(current: &Current, flags: CloneFlags, pid: u32) -> Arc<Process> {
    if flags.contains(CloneFlags::THREAD) {
        return current.process.clone();
    }
    let actions = current.process.signals.lock_irq().actions.clone();
    let actions = if flags.contains(CloneFlags::SIGHAND) {
        actions
    } else {
        let copy = actions.copy();
        if flags.contains(CloneFlags::CLEAR_SIGHAND) {
            copy.reset_caught();
        }
        Arc::<Actions>::new(copy)
    };
    let limits = current.process.limits.copy();
    let process = Process::new(pid, Signals::new(actions), limits, current.cred.clone());
    process.oom_adjustment.store(current.process.oom_adjustment(), Ordering::Relaxed);
    let left = current.process.has_left_terminal.load(Ordering::Relaxed);
    process.has_left_terminal.store(left, Ordering::Relaxed);
    Arc::new(process)
}

/// Makes a child; gives its number. Waits for it after `vfork`.
///
/// # Errors
/// `EINVAL`: a combination that `clone(2)` refuses; `EAGAIN`: a limit; `ENOMEM`; `EPERM`: a namespace;
/// [`Errno::RESTART_NO_INTR`]: a signal is to be handled first.
pub fn clone(current: &mut Current, request: &Request) -> Result<u32, Errno> {
    let flags = request.flags;
    check(flags, current.process.is_init())?;
    if current.is_interrupted() && current.has_deliverable() {
        return Err(Errno::RESTART_NO_INTR);
    }
    check_limits(current)?;

    let fs =
        if flags.contains(CloneFlags::FS) { current.fs.clone() } else { Arc::new(current.fs.duplicate()) };
    let namespaces = new_namespaces(current, flags, &fs)?;
    let files = if flags.contains(CloneFlags::FILES) {
        current.files.clone()
    } else {
        Used::new(Arc::new(current.files.duplicate()?))
    };
    let program = child_program(current, flags)?;
    let tid = table::with(|tree| tree.choose_number())?;
    let process = child_process(current, flags, tid);
    let parts = Parts {
        program: Some(program.clone()),
        files: Some(files.table().clone()),
        fs: Some(fs.clone()),
        namespaces: Some(namespaces.clone()),
        cred: current.cred.clone(),
        user: current.thread.parts(|parts| parts.user.clone()),
        name: current.thread.name(),
        io_priority: current.thread.io_priority_of_child(flags.contains(CloneFlags::IO)),
    };
    let thread = Arc::new(Thread::new(tid, process.clone(), parts, current.thread.blocked()));
    thread.set_personality(current.thread.personality());

    let vfork = flags.contains(CloneFlags::VFORK).then(|| Arc::new(VforkWait::default()));
    let has = |flag, address: UserAddr| if flags.contains(flag) { address } else { UserAddr::NULL };
    let mut context = UserContext::new();
    context.regs = current.context.regs;
    context.regs.rax = 0;
    if !request.stack.is_null() {
        context.regs.rsp = request.stack.get();
    }
    // A thread that shares memory but is no `vfork` child must not share the alternate stack (sigaltstack(2)).
    let keeps_alt_stack = !flags.contains(CloneFlags::VM) || flags.contains(CloneFlags::VFORK);
    let seed = Seed {
        thread: thread.clone(),
        process: process.clone(),
        program,
        files,
        fs,
        namespaces,
        context,
        alt_stack: if keeps_alt_stack { current.alt_stack } else { AltStack::NONE },
        clear_child_tid: has(CloneFlags::CHILD_CLEARTID, request.child_tid),
        set_child_tid: has(CloneFlags::CHILD_SETTID, request.child_tid),
        vfork: vfork.clone(),
    };
    let tls = flags.contains(CloneFlags::SETTLS).then_some(request.tls);
    let task = make_task(current, seed, tls)?;
    let pidfd = match flags.contains(CloneFlags::PIDFD) {
        true => match give_pidfd(current, &process, request.pidfd) {
            Ok(fd) => Some(fd),
            Err(error) => {
                task.give_up();
                return Err(error);
            }
        },
        false => None,
    };
    if let Err(error) = publish(current, &thread, request) {
        if let Some(fd) = pidfd {
            let _ = current.files.close(fd); // nobody else knows of it
        }
        task.give_up();
        return Err(error);
    }
    let parent_tid = has(CloneFlags::PARENT_SETTID, request.parent_tid);
    if !parent_tid.is_null() {
        // As Linux: a bad address is not an error of the call.
        let _ = user::write(parent_tid, &tid.cast_signed());
    }
    task.start();
    if let Some(vfork) = vfork {
        vfork.wait();
    }
    Ok(tid)
}

/// Gives the parent a descriptor of the child.
///
/// # Errors
/// `EFAULT`, `EMFILE`, `ENOMEM`.
fn give_pidfd(current: &Current, process: &Arc<Process>, to: UserAddr) -> Result<Fd, Errno> {
    let file = pidfd::open(process, abi::OpenFlags::empty(), &current.cred)?;
    let number = current.files.reserve(current.fd_limit())?;
    user::write(to, &number.fd().0).map_err(|_| Errno::EFAULT)?;
    Ok(number.fill(capability(file), true))
}

/// Adds the new thread to its process and to the tree. From here on others see it.
fn publish(current: &Current, thread: &Arc<Thread>, request: &Request) -> Result<(), Errno> {
    let process = thread.process();
    let tid = thread.tid();
    let is_thread = request.flags.contains(CloneFlags::THREAD);
    if !is_thread {
        {
            let _signals = current.process.signals.lock_irq();
            seccomp::inherit(&current.thread, thread);
        }
        let published = table::with(|tree| {
            // A signal to the parent's group is sent under the same lock: it finds the child, or the parent finds the signal.
            if current.is_interrupted() && current.has_deliverable() {
                return false;
            }
            let (parent, creator, signal) = if request.flags.contains(CloneFlags::PARENT) {
                let own = tree.get(current.pid());
                own.map_or((1, 1, None), |node| (node.parent, node.creator, node.exit_signal))
            } else {
                (current.pid(), current.tid(), request.exit_signal)
            };
            process.set_parent(parent);
            tree.add_process(tid, parent, creator, signal, process.clone());
            true
        });
        if !published {
            return Err(Errno::RESTART_NO_INTR);
        }
    }
    table::with(|tree| tree.add_thread(tid, thread.clone()));
    loop {
        let wanted = process.signals.lock_irq().threads.len() + 1;
        let mut larger = alloc::vec::Vec::with_capacity(wanted.next_power_of_two());
        let mut signals = process.signals.lock_irq();
        if signals.ending.is_some() || signals.executing.is_some() {
            drop(signals);
            drop(table::with(|tree| tree.remove_thread(tid)));
            return Err(Errno::RESTART_NO_INTR); // the process ends: nobody sees this
        }
        if is_thread {
            // From here on it is among those that another thread's filter is given to.
            seccomp::inherit(&current.thread, thread);
        }
        if signals.threads.len() < signals.threads.capacity() {
            signals.threads.push(thread.clone());
            return Ok(());
        }
        if larger.capacity() > signals.threads.len() {
            larger.append(&mut signals.threads);
            core::mem::swap(&mut larger, &mut signals.threads);
            signals.threads.push(thread.clone());
            drop(signals);
            drop(larger);
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use abi::{CloneFlags, Errno};

    #[test]
    fn combinations_are_refused_as_on_linux() {
        let refused = |flags| assert_eq!(check(flags, false), Err(Errno::EINVAL), "{flags:?}");
        refused(CloneFlags::THREAD);
        refused(CloneFlags::SIGHAND);
        refused(CloneFlags::THREAD | CloneFlags::VM);
        refused(CloneFlags::NEWNS | CloneFlags::FS);
        refused(CloneFlags::NEWPID);
        refused(CloneFlags::PIDFD | CloneFlags::THREAD | CloneFlags::VM | CloneFlags::SIGHAND);
        let threads = CloneFlags::THREAD | CloneFlags::SIGHAND | CloneFlags::VM | CloneFlags::SETTLS;
        assert_eq!(check(threads, false), Ok(()));
        assert_eq!(check(CloneFlags::PARENT, false), Ok(()));
        assert_eq!(check(CloneFlags::PARENT, true), Err(Errno::EINVAL));
    }
}
