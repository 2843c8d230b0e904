//! A thread as others see it. What only the thread itself touches is in [`crate::Current`].

use crate::fail_nth::FailNth;
use crate::lock_classes;
use crate::namespaces::Namespaces;
use crate::process::Process;
use crate::program::Program;
use crate::seccomp::Seccomp;
use crate::signal::Pending;
use crate::user::User;
use abi::io_priority::IoPriority;
use abi::process::TASK_COMM_LEN;
use abi::{Personality, ProtFlags, SigSet, Signal};
use alloc::string::String;
use alloc::sync::{Arc, Weak};
use chroma::{Cred, FdTable, FsContext};
use chronos::Work;
use core::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicU64, Ordering};
use hal::{Instant, Once, SpinLock};

/// The name of a thread, padded with NULs.
pub type Name = [u8; TASK_COMM_LEN];

/// A name as text.
pub(crate) fn shown(name: &Name) -> String {
    let text = name.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

/// What a thread consists of, each part shared or not. A part is gone when the thread has ended.
#[derive(Clone)]
pub struct Parts {
    /// What it runs.
    pub program: Option<Arc<Program>>,
    /// Its descriptors.
    pub files: Option<Arc<FdTable>>,
    /// Its root, working directory and umask.
    pub fs: Option<Arc<FsContext>>,
    /// What it sees of the system.
    pub namespaces: Option<Namespaces>,
    /// Who it is.
    pub cred: Arc<Cred>,
    /// The counters of its real user.
    pub user: Arc<User>,
    /// Its name.
    pub name: Name,
    /// Its priority of input and output, once it was set; shared with children that were made with `CLONE_IO`.
    pub io_priority: Option<Arc<AtomicU16>>,
}

/// A thread.
pub struct Thread {
    /// Changes once at most: when it executes a program and takes the process's number over.
    tid: AtomicU32,
    process: Arc<Process>,
    task: Once<Weak<chronos::Thread>>,
    parts: SpinLock<Parts>,
    pub(crate) pending: SpinLock<Pending>,
    blocked: AtomicU64,
    /// Waits for the end of a stop.
    pub(crate) is_parked: AtomicBool,
    /// The signal it gets when the thread that made it ends (`PR_SET_PDEATHSIG`); 0 for none.
    pub(crate) parent_death_signal: AtomicU32,
    /// `PR_SET_NO_NEW_PRIVS`.
    pub(crate) no_new_privileges: AtomicBool,
    personality: AtomicU32,
    /// Which calls it has given up.
    pub seccomp: Seccomp,
    pub(crate) fail_nth: FailNth,
    started: Instant,
}

impl Thread {
    /// A thread that is not among its process's yet.
    pub(crate) fn new(tid: u32, process: Arc<Process>, parts: Parts, blocked: SigSet) -> Self {
        parts.user.threads.fetch_add(1, Ordering::Relaxed);
        Self {
            tid: AtomicU32::new(tid),
            process,
            task: Once::new(),
            parts: SpinLock::new(&lock_classes::PARTS, parts),
            pending: SpinLock::new(&lock_classes::PENDING, Pending::new()),
            blocked: AtomicU64::new(blocked.0),
            is_parked: AtomicBool::new(false),
            parent_death_signal: AtomicU32::new(0),
            no_new_privileges: AtomicBool::new(false),
            personality: AtomicU32::new(0),
            seccomp: Seccomp::new(),
            fail_nth: FailNth::default(),
            started: chronos::clock::now(),
        }
    }

    /// Its number.
    #[inline]
    pub fn tid(&self) -> u32 {
        self.tid.load(Ordering::Relaxed)
    }

    pub(crate) fn set_tid(&self, tid: u32) {
        self.tid.store(tid, Ordering::Relaxed);
    }

    /// The process it belongs to.
    #[inline]
    pub fn process(&self) -> &Arc<Process> {
        &self.process
    }

    /// The kernel thread that runs it, while there is one.
    pub fn task(&self) -> Option<Arc<chronos::Thread>> {
        self.task.get().and_then(Weak::upgrade)
    }

    pub(crate) fn set_task(&self, task: &Arc<chronos::Thread>) {
        let _ = self.task.set(Arc::downgrade(task)); // set once, by who makes the thread
    }

    /// When it was made.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Looks at its parts.
    pub fn parts<R>(&self, look: impl FnOnce(&Parts) -> R) -> R {
        look(&self.parts.lock())
    }

    /// Changes its parts; only the thread itself does, but for its priority of input and output, and drops what was replaced
    /// afterwards.
    pub(crate) fn change_parts<R>(&self, change: impl FnOnce(&mut Parts) -> R) -> R {
        change(&mut self.parts.lock())
    }

    /// Who it is.
    pub fn cred(&self) -> Arc<Cred> {
        self.parts(|parts| parts.cred.clone())
    }

    /// What it runs; `None` when it has ended.
    pub fn program(&self) -> Option<Arc<Program>> {
        self.parts(|parts| parts.program.clone())
    }

    /// Its descriptors; `None` when it has ended.
    pub fn files(&self) -> Option<Arc<FdTable>> {
        self.parts(|parts| parts.files.clone())
    }

    /// Its root and working directory; `None` when it has ended.
    pub fn fs(&self) -> Option<Arc<FsContext>> {
        self.parts(|parts| parts.fs.clone())
    }

    /// Its name.
    pub fn name(&self) -> Name {
        self.parts(|parts| parts.name)
    }

    /// Changes its name; a longer one is cut.
    pub fn set_name(&self, text: &[u8]) {
        let mut name = Name::default();
        for (to, from) in name.iter_mut().take(TASK_COMM_LEN - 1).zip(text) {
            *to = *from;
        }
        self.change_parts(|parts| parts.name = name);
        if let Some(task) = self.task() {
            task.set_name(&shown(&name));
        }
    }

    /// Its priority of input and output, as it was set.
    pub fn io_priority(&self) -> IoPriority {
        let value = self.parts(|parts| parts.io_priority.as_ref().map(|value| value.load(Ordering::Relaxed)));
        IoPriority::from_bits(value.unwrap_or(0))
    }

    /// Sets it, for all who share it. It is kept and told only: there is no disk whose queue it could order.
    pub fn set_io_priority(&self, priority: IoPriority) {
        let fresh = Arc::new(AtomicU16::new(priority.bits()));
        let unused = self.change_parts(|parts| match &parts.io_priority {
            Some(there) => {
                there.store(priority.bits(), Ordering::Relaxed);
                Some(fresh)
            }
            None => parts.io_priority.replace(fresh),
        });
        drop(unused);
    }

    /// That of a child.
    pub(crate) fn io_priority_of_child(&self, is_shared: bool) -> Option<Arc<AtomicU16>> {
        let own = self.parts(|parts| parts.io_priority.clone())?;
        if is_shared { Some(own) } else { Some(Arc::new(AtomicU16::new(own.load(Ordering::Relaxed)))) }
    }

    /// The signals it blocks.
    #[inline]
    pub fn blocked(&self) -> SigSet {
        SigSet(self.blocked.load(Ordering::Relaxed))
    }

    /// Changes the signals it blocks. By the thread itself, which looks for deliverable ones afterwards.
    pub(crate) fn set_blocked(&self, set: SigSet) {
        self.blocked.store(set.difference(SigSet::UNBLOCKABLE).0, Ordering::Relaxed);
    }

    /// What it asked to be like (`personality(2)`).
    #[inline]
    pub fn personality(&self) -> Personality {
        Personality::from_bits_retain(self.personality.load(Ordering::Relaxed))
    }

    /// Changes that; by the thread itself, or before it runs.
    pub fn set_personality(&self, personality: Personality) {
        self.personality.store(personality.bits(), Ordering::Relaxed);
    }

    /// What mappings with these rights have beside them (`READ_IMPLIES_EXEC`).
    #[inline]
    pub fn implied(&self, protection: ProtFlags) -> ProtFlags {
        let implies = protection.contains(ProtFlags::READ)
            && self.personality().contains(Personality::READ_IMPLIES_EXEC);
        if implies { ProtFlags::EXEC } else { ProtFlags::empty() }
    }

    /// Gives it work to do before it goes on with its program.
    pub(crate) fn notify(&self, work: Work) {
        if let Some(task) = self.task() {
            task.notify(work);
        }
    }

    /// Whether it has a signal of its own pending.
    pub fn pending_set(&self) -> SigSet {
        self.pending.lock_irq().set()
    }

    /// Whether it waits for the end of a stop.
    pub fn is_parked(&self) -> bool {
        self.is_parked.load(Ordering::Relaxed)
    }

    /// `PR_SET_PDEATHSIG`'s signal.
    pub fn parent_death_signal(&self) -> Option<Signal> {
        Signal::from_user(self.parent_death_signal.load(Ordering::Relaxed).cast_signed())
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.parts.get_mut().user.threads.fetch_sub(1, Ordering::Relaxed);
    }
}
