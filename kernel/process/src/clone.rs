//! New threads and processes: `fork`, `vfork`, `clone`, `clone3`.

use crate::current::Current;
use crate::exit::VforkWait;
use crate::namespaces::Namespaces;
use crate::process::Process;
use crate::program::Program;
use crate::run;
use crate::signal::{Actions, AltStack, Signals};
use crate::table;
use crate::thread::{Parts, Thread};
use abi::{CloneFlags, Errno, Resource, Signal};
use alloc::string::String;
use alloc::sync::Arc;
use chroma::cred::Cap;
use chroma::{FdTable, FsContext};
use core::sync::atomic::Ordering;
use hal::{UserAddr, UserContext, user};

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
        || flags.intersects(MISSING_NAMESPACES | CloneFlags::PIDFD | CloneFlags::INTO_CGROUP);
    if refused { Err(Errno::EINVAL) } else { Ok(()) }
}

/// The namespaces of a child or of a thread after `unshare`.
///
/// # Errors
/// `EPERM`: without `CAP_SYS_ADMIN`; `ENOMEM`.
pub(crate) fn new_namespaces(
    current: &Current,
    flags: CloneFlags,
    fs: &FsContext,
) -> Result<Namespaces, Errno> {
    let mut namespaces = current.namespaces.clone();
    if !flags.intersects(CloneFlags::NEWNS | CloneFlags::NEWUTS) {
        return Ok(namespaces);
    }
    current.cred.require(Cap::SYS_ADMIN)?;
    if flags.contains(CloneFlags::NEWNS) {
        let (mounts, translation) = namespaces.mounts.duplicate()?;
        fs.translate(|path| Some(translation.apply(path)));
        namespaces.mounts = mounts;
    }
    if flags.contains(CloneFlags::NEWUTS) {
        namespaces.names = Arc::new(namespaces.names.duplicate());
    }
    Ok(namespaces)
}

fn check_limits(current: &Current) -> Result<(), Errno> {
    let user = current.thread.parts(|parts| parts.user.clone());
    let limit = current.process.limits.current(Resource::Nproc);
    let over = user.threads.load(Ordering::Relaxed) >= limit;
    let spared =
        current.cred.uid.is_root() || current.cred.has(Cap::SYS_RESOURCE) || current.cred.has(Cap::SYS_ADMIN);
    let all = table::with(|tree| tree.thread_count()) as u64;
    if (over && !spared) || all >= crate::boot::thread_limit() { Err(Errno::EAGAIN) } else { Ok(()) }
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
    let files: Arc<FdTable> = if flags.contains(CloneFlags::FILES) {
        current.files.clone()
    } else {
        Arc::new(current.files.duplicate()?)
    };
    let program = child_program(current, flags)?;
    let tid = table::with(|tree| tree.choose_number())?;
    let process = child_process(current, flags, tid);
    let parts = Parts {
        program: Some(program.clone()),
        files: Some(files.clone()),
        fs: Some(fs.clone()),
        namespaces: namespaces.clone(),
        cred: current.cred.clone(),
        user: current.thread.parts(|parts| parts.user.clone()),
        name: current.thread.name(),
    };
    let thread = Arc::new(Thread::new(tid, process.clone(), parts, current.thread.blocked()));
    let no_new = current.thread.no_new_privileges.load(Ordering::Relaxed);
    thread.no_new_privileges.store(no_new, Ordering::Relaxed);

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
    publish(current, &thread, request)?;
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

/// What a new thread begins with.
struct Seed {
    thread: Arc<Thread>,
    process: Arc<Process>,
    program: Arc<Program>,
    files: Arc<FdTable>,
    fs: Arc<FsContext>,
    namespaces: Namespaces,
    context: UserContext,
    alt_stack: AltStack,
    clear_child_tid: UserAddr,
    set_child_tid: UserAddr,
    vfork: Option<Arc<VforkWait>>,
}

impl Seed {
    /// What the thread sees of itself, on its own stack.
    fn grow(self) -> Current {
        let cred = self.thread.cred();
        Current {
            task: chronos::thread::current(),
            thread: self.thread,
            process: self.process,
            program: self.program,
            files: self.files,
            fs: self.fs,
            namespaces: self.namespaces,
            cred,
            context: self.context,
            alt_stack: self.alt_stack,
            saved_mask: None,
            interrupted: None,
            restart: None,
            fault: Default::default(),
            clear_child_tid: self.clear_child_tid,
            robust_list: UserAddr::NULL,
            vfork: self.vfork,
            end: None,
        }
    }
}

fn make_task(current: &Current, seed: Seed, tls: Option<u64>) -> Result<Arc<chronos::Thread>, Errno> {
    let thread = seed.thread.clone();
    let space = seed.program.space.tables().clone();
    let name = String::from_utf8_lossy(&thread.name()).into_owned();
    let policy = current.task.policy();
    let body = move || {
        let word = seed.set_child_tid;
        let tid = seed.thread.tid();
        let current = seed.grow();
        if !word.is_null() {
            let _ = user::write(word, &tid.cast_signed()); // as above
        }
        run::user_thread_main(current);
    };
    let task = chronos::Thread::new_user(&name, policy, true, body).map_err(|_| Errno::ENOMEM)?;
    if let Some(context) = task.context() {
        context.set_space(Some(space));
        if let Some(base) = tls {
            context.set_fs_base(base);
        }
    }
    task.set_local(thread.clone());
    thread.set_task(&task);
    Ok(task)
}

/// Adds the new thread to its process and to the tree. From here on others see it.
fn publish(current: &Current, thread: &Arc<Thread>, request: &Request) -> Result<(), Errno> {
    let process = thread.process();
    let tid = thread.tid();
    let is_thread = request.flags.contains(CloneFlags::THREAD);
    if !is_thread {
        table::with(|tree| {
            let (parent, creator, signal) = if request.flags.contains(CloneFlags::PARENT) {
                let own = tree.get(current.pid());
                own.map_or((1, 1, None), |node| (node.parent, node.creator, node.exit_signal))
            } else {
                (current.pid(), current.tid(), request.exit_signal)
            };
            process.set_parent(parent);
            tree.add_process(tid, parent, creator, signal, process.clone());
        });
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

/// `unshare`.
///
/// # Errors
/// `EINVAL`: what cannot be unshared; `EPERM`; `ENOMEM`.
pub fn unshare(current: &mut Current, flags: CloneFlags) -> Result<(), Errno> {
    const KNOWN: CloneFlags = CloneFlags::FS
        .union(CloneFlags::FILES)
        .union(CloneFlags::SYSVSEM)
        .union(CloneFlags::NEWNS)
        .union(CloneFlags::NEWUTS)
        .union(CloneFlags::THREAD)
        .union(CloneFlags::SIGHAND)
        .union(CloneFlags::VM);
    let alone = current.process.thread_count() == 1;
    let shared = CloneFlags::THREAD | CloneFlags::SIGHAND | CloneFlags::VM;
    if !KNOWN.contains(flags) || (flags.intersects(shared) && !alone) {
        return Err(Errno::EINVAL);
    }
    let fs = if flags.intersects(CloneFlags::FS | CloneFlags::NEWNS) {
        Arc::new(current.fs.duplicate())
    } else {
        current.fs.clone()
    };
    let files = if flags.contains(CloneFlags::FILES) && Arc::strong_count(&current.files) > 2 {
        Some(Arc::new(current.files.duplicate()?))
    } else {
        None
    };
    let namespaces = new_namespaces(current, flags, &fs)?;
    current.set_fs(fs);
    current.set_namespaces(namespaces);
    if let Some(files) = files {
        current.set_files(files);
    }
    Ok(())
}

/// Starts the first thread: `before` runs in it before its program does.
pub(crate) fn start_first(
    thread: &Arc<Thread>,
    before: impl FnOnce(&mut Current) + Send + 'static,
) -> Result<(), Errno> {
    let parts = thread.parts(Clone::clone);
    let (Some(program), Some(files), Some(fs)) = (parts.program, parts.files, parts.fs) else {
        return Err(Errno::EINVAL);
    };
    let process = thread.process().clone();
    let seed = Seed {
        thread: thread.clone(),
        process: process.clone(),
        program: program.clone(),
        files,
        fs,
        namespaces: parts.namespaces,
        context: UserContext::new(),
        alt_stack: AltStack::NONE,
        clear_child_tid: UserAddr::NULL,
        set_child_tid: UserAddr::NULL,
        vfork: None,
    };
    let body = move || {
        let mut current = seed.grow();
        before(&mut current);
        run::user_thread_main(current);
    };
    let task =
        chronos::Thread::new_user("init", chronos::Policy::NORMAL, false, body).map_err(|_| Errno::ENOMEM)?;
    if let Some(context) = task.context() {
        context.set_space(Some(program.space.tables().clone()));
    }
    task.set_local(thread.clone());
    thread.set_task(&task);
    table::with(|tree| {
        tree.add_process(process.pid(), 0, 0, Some(Signal::SIGCHLD), process.clone());
        tree.add_thread(thread.tid(), thread.clone());
    });
    let threads = alloc::vec![thread.clone()];
    process.signals.lock_irq().threads = threads;
    task.start();
    Ok(())
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
        let threads = CloneFlags::THREAD | CloneFlags::SIGHAND | CloneFlags::VM | CloneFlags::SETTLS;
        assert_eq!(check(threads, false), Ok(()));
        assert_eq!(check(CloneFlags::PARENT, false), Ok(()));
        assert_eq!(check(CloneFlags::PARENT, true), Err(Errno::EINVAL));
    }
}
