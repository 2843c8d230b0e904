//! The running thread as it sees itself.
//!
//! A [`Current`] lives on the thread's kernel stack and is handed to whatever serves its system calls: its parts can be used
//! without a lock, because only the thread itself replaces them. Each is mirrored in [`Thread`], for others to look at; the
//! two are changed together, here.

use crate::exit::VforkWait;
use crate::namespaces::Namespaces;
use crate::process::Process;
use crate::program::Program;
use crate::seccomp::Filter;
use crate::signal::AltStack;
use crate::thread::Thread;
use crate::user;
use abi::{Errno, Resource, SigSet, Signal};
use alloc::boxed::Box;
use alloc::sync::Arc;
use chroma::fdtable::Used;
use chroma::{Cred, FdTable, FsContext, View};
use chronos::Work;
use core::sync::atomic::Ordering;
use hal::{UserAddr, UserContext};

/// Finishes a call that a signal interrupted, when `restart_syscall` asks for it.
pub type Restart = Box<dyn FnOnce(&mut Current) -> Result<u64, Errno> + Send>;

/// What the last fault was: the signal frame shows it.
#[derive(Clone, Copy, Debug, Default)]
pub struct FaultState {
    /// The exception's number.
    pub trap: u64,
    /// Its error code.
    pub error: u64,
    /// The address of a page fault.
    pub address: u64,
}

/// The running thread.
pub struct Current {
    /// The thread, for others.
    pub thread: Arc<Thread>,
    /// The kernel thread that runs it.
    pub task: Arc<chronos::Thread>,
    /// Its process.
    pub process: Arc<Process>,
    /// What it runs.
    pub program: Arc<Program>,
    /// Its descriptors.
    pub files: Used,
    /// Its root, working directory and umask.
    pub fs: Arc<FsContext>,
    /// What it sees of the system.
    pub namespaces: Namespaces,
    /// Who it is.
    pub cred: Arc<Cred>,
    /// Its registers.
    pub context: UserContext,
    /// Where signal handlers may run.
    pub alt_stack: AltStack,
    /// The mask to go back to after the handler that ends a call such as `sigsuspend`.
    pub saved_mask: Option<SigSet>,
    /// The number of the call that was interrupted, and how it wants to be resolved.
    pub interrupted: Option<(u64, Errno)>,
    /// How to finish the interrupted call.
    pub restart: Option<Restart>,
    /// The last fault.
    pub fault: FaultState,
    /// Where 0 is written, and a futex woken, at the thread's end.
    pub clear_child_tid: UserAddr,
    /// The list of robust futexes.
    pub robust_list: UserAddr,
    /// The filters of its calls, as it took them last.
    pub(crate) filters: Option<Arc<Filter>>,
    /// Who waits for this thread to execute or end.
    pub(crate) vfork: Option<Arc<VforkWait>>,
    /// The thread is to end, so.
    pub(crate) end: Option<crate::tree::ExitStatus>,
}

impl Current {
    /// A view of the file system from the working directory.
    #[inline]
    pub fn view(&self) -> View<'_> {
        self.fs.view(&self.cred)
    }

    /// The thread's number.
    #[inline]
    pub fn tid(&self) -> u32 {
        self.thread.tid()
    }

    /// The process's number.
    #[inline]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The limit of descriptor numbers.
    #[inline]
    pub fn fd_limit(&self) -> u32 {
        u32::try_from(self.process.limits.current(Resource::Nofile)).unwrap_or(u32::MAX)
    }

    /// Becomes somebody else.
    pub fn set_cred(&mut self, cred: Cred) {
        let cred = Arc::new(cred);
        let user = user::of(cred.uid);
        let old = self.thread.change_parts(|parts| {
            let changed = parts.cred.uid != cred.uid;
            let old_cred = core::mem::replace(&mut parts.cred, cred.clone());
            let old_user = changed.then(|| {
                user.threads.fetch_add(1, Ordering::Relaxed);
                parts.user.threads.fetch_sub(1, Ordering::Relaxed);
                core::mem::replace(&mut parts.user, user.clone())
            });
            (old_cred, old_user)
        });
        drop(old);
        if cred.euid != self.cred.euid || cred.egid != self.cred.egid || cred.fsuid != self.cred.fsuid {
            self.program.set_dumpable(false);
        }
        self.process.set_cred(cred.clone());
        self.cred = cred;
    }

    /// Uses another table of descriptors.
    pub fn set_files(&mut self, files: FdTable) {
        let files = Used::new(Arc::new(files));
        let old = self.thread.change_parts(|parts| parts.files.replace(files.table().clone()));
        drop(old);
        self.files = files; // may close what the thread used before
    }

    /// Uses another root, working directory and umask.
    pub fn set_fs(&mut self, fs: Arc<FsContext>) {
        let old = self.thread.change_parts(|parts| parts.fs.replace(fs.clone()));
        self.fs = fs;
        drop(old);
    }

    /// Sees other namespaces.
    pub fn set_namespaces(&mut self, namespaces: Namespaces) {
        let old = self.thread.change_parts(|parts| parts.namespaces.replace(namespaces.clone()));
        self.namespaces = namespaces;
        drop(old);
    }

    /// Runs another program.
    pub(crate) fn set_program(&mut self, program: Arc<Program>) {
        let old = self.thread.change_parts(|parts| parts.program.replace(program.clone()));
        self.program = program;
        if let Some(context) = self.task.context() {
            context.set_space(Some(self.program.space.tables().clone()));
        }
        drop(old);
    }

    /// Blocks other signals, and sees to those that can be delivered now.
    pub fn set_blocked(&mut self, set: SigSet) {
        self.thread.set_blocked(set);
        self.look_for_signals();
    }

    /// Sets the work bit if a signal can be delivered. What is pending for the process may have waited for this thread.
    pub fn look_for_signals(&self) {
        if self.has_deliverable() {
            self.task.notify(Work::SIGNAL);
        }
    }

    /// Whether a signal can be delivered.
    pub fn has_deliverable(&self) -> bool {
        let blocked = self.thread.blocked();
        let shared = self.process.signals.lock_irq().pending.set();
        !shared.union(self.thread.pending_set()).difference(blocked).is_empty()
    }

    /// The signals that are pending, for the thread or its process.
    pub fn pending_signals(&self) -> SigSet {
        self.process.signals.lock_irq().pending.set().union(self.thread.pending_set())
    }

    /// Ends the thread, once its present call is done; if it is the last one, the process ends with this status.
    pub fn finish(&mut self, status: crate::tree::ExitStatus) {
        self.end = Some(status);
        self.task.notify(Work::END);
    }

    /// `PR_SET_PDEATHSIG`.
    pub fn set_parent_death_signal(&self, signal: Option<Signal>) {
        let number = signal.map_or(0, |signal| u32::from(signal.number()));
        self.thread.parent_death_signal.store(number, Ordering::Relaxed);
    }

    /// `PR_SET_NO_NEW_PRIVS`: no program that it executes gets more rights than it has; for good.
    pub fn forbid_new_privileges(&self) {
        self.thread.no_new_privileges.store(true, Ordering::Relaxed);
    }

    /// See [`Current::forbid_new_privileges`].
    pub fn has_no_new_privileges(&self) -> bool {
        self.thread.no_new_privileges.load(Ordering::Relaxed)
    }

    /// Whether something waits that ends an interruptible wait.
    #[inline]
    pub fn is_interrupted(&self) -> bool {
        self.task.work().intersects(Work::SIGNAL | Work::KILL | Work::STOP)
    }

    /// Whether the thread is to end: work that takes long stops then, at a place of its own.
    #[inline]
    pub fn is_killed(&self) -> bool {
        self.task.work().contains(Work::KILL)
    }
}

/// The running thread, where no [`Current`] is at hand (in a file's operations, say); `None` in kernel threads.
pub fn thread() -> Option<Arc<Thread>> {
    chronos::thread::with_current(|task| {
        let local = task?.local()?.clone();
        local.downcast::<Thread>().ok()
    })
}
