//! What a new thread begins with, and how it begins.

use crate::current::Current;
use crate::exit::VforkWait;
use crate::namespaces::Namespaces;
use crate::process::Process;
use crate::program::Program;
use crate::run;
use crate::signal::AltStack;
use crate::table;
use crate::thread::Thread;
use abi::{Errno, Signal};
use alloc::sync::Arc;
use chroma::FsContext;
use chroma::fdtable::Used;
use hal::{UserAddr, UserContext, user};

/// What a new thread begins with.
pub(super) struct Seed {
    pub(super) thread: Arc<Thread>,
    pub(super) process: Arc<Process>,
    pub(super) program: Arc<Program>,
    pub(super) files: Used,
    pub(super) fs: Arc<FsContext>,
    pub(super) namespaces: Namespaces,
    pub(super) context: UserContext,
    pub(super) alt_stack: AltStack,
    pub(super) clear_child_tid: UserAddr,
    pub(super) set_child_tid: UserAddr,
    pub(super) vfork: Option<Arc<VforkWait>>,
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
            filters: None, // taken at the first call
            vfork: self.vfork,
            end: None,
        }
    }
}

pub(super) fn make_task(
    current: &Current,
    seed: Seed,
    tls: Option<u64>,
) -> Result<Arc<chronos::Thread>, Errno> {
    let thread = seed.thread.clone();
    let space = seed.program.space.tables().clone();
    let name = crate::thread::shown(&thread.name());
    let scheduling = current.task.scheduling().inherited();
    let body = move || {
        let word = seed.set_child_tid;
        let tid = seed.thread.tid();
        let current = seed.grow();
        if !word.is_null() {
            let _ = user::write(word, &tid.cast_signed()); // as above
        }
        run::user_thread_main(current);
    };
    aegis::inject::point()?;
    let task = chronos::Thread::new_user(&name, scheduling, true, body).map_err(|_| Errno::ENOMEM)?;
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

/// Starts the first thread: `before` runs in it before its program does.
pub(crate) fn start_first(
    thread: &Arc<Thread>,
    before: impl FnOnce(&mut Current) + Send + 'static,
) -> Result<(), Errno> {
    let parts = thread.parts(Clone::clone);
    let (Some(program), Some(files), Some(fs), Some(namespaces)) =
        (parts.program, parts.files, parts.fs, parts.namespaces)
    else {
        return Err(Errno::EINVAL);
    };
    let process = thread.process().clone();
    let seed = Seed {
        thread: thread.clone(),
        process: process.clone(),
        program: program.clone(),
        files: Used::new(files),
        fs,
        namespaces,
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
    let task = chronos::Thread::new_user("init", chronos::Policy::NORMAL.into(), false, body)
        .map_err(|_| Errno::ENOMEM)?;
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
