//! Which process or thread a directory is about.

use crate::process::Process;
use crate::thread::Thread;
use crate::{current, ids, table};
use abi::{Errno, Gid, Uid};
use alloc::sync::{Arc, Weak};
use chroma::Cred;

/// A process or a thread, not kept alive.
#[derive(Clone)]
pub(super) struct Subject {
    /// The number of its directory.
    pub number: u32,
    process: Weak<Process>,
    /// The thread, where it is not the process's first.
    thread: Option<Weak<Thread>>,
    /// Below `task`: about a thread alone.
    pub is_task: bool,
}

/// A subject while somebody looks at it.
pub(super) struct Target {
    /// The process.
    pub process: Arc<Process>,
    /// The thread; a zombie has none.
    pub thread: Option<Arc<Thread>>,
    /// The number of its directory.
    pub number: u32,
    /// About the thread alone.
    pub is_task: bool,
}

impl Subject {
    /// The process with this number, or the thread, which `/proc` finds too, though it doesn't list it (`proc(5)`).
    pub fn find(number: u32) -> Option<Self> {
        let subject = |process: &Arc<Process>, thread| Self {
            number,
            process: Arc::downgrade(process),
            thread,
            is_task: false,
        };
        if let Some(process) = table::process(number) {
            return Some(subject(&process, None));
        }
        let thread = table::thread(number)?;
        Some(subject(thread.process(), Some(Arc::downgrade(&thread))))
    }

    /// One of the process's threads.
    pub fn task(&self, tid: u32) -> Result<Self, Errno> {
        let process = self.target()?.process;
        let thread = table::thread(tid).filter(|thread| Arc::ptr_eq(thread.process(), &process));
        // A zombie is still listed as its own first thread.
        if thread.is_none() && tid != process.pid() {
            return Err(Errno::ENOENT);
        }
        let thread = thread.filter(|_| tid != process.pid()).map(|thread| Arc::downgrade(&thread));
        Ok(Self { number: tid, process: self.process.clone(), thread, is_task: true })
    }

    /// The process and the thread; `ESRCH` when they are gone.
    pub fn target(&self) -> Result<Target, Errno> {
        let process = self.process.upgrade().ok_or(Errno::ESRCH)?;
        let known = table::process(process.pid()).ok_or(Errno::ESRCH)?;
        if !Arc::ptr_eq(&process, &known) {
            return Err(Errno::ESRCH);
        }
        let thread = match &self.thread {
            None => process.first_thread(), // a zombie while others go on
            Some(thread) => {
                let thread = thread.upgrade().ok_or(Errno::ESRCH)?;
                let known = table::thread(thread.tid()).ok_or(Errno::ESRCH)?;
                Some(thread).filter(|thread| Arc::ptr_eq(thread, &known))
            }
        };
        if self.thread.is_some() && thread.is_none() {
            return Err(Errno::ESRCH);
        }
        Ok(Target { process, thread, number: self.number, is_task: self.is_task })
    }
}

impl Target {
    /// Who the subject is.
    pub fn cred(&self) -> Arc<Cred> {
        self.thread.as_ref().map_or_else(|| self.process.cred(), |thread| thread.cred())
    }

    /// Its name.
    pub fn name(&self) -> crate::thread::Name {
        self.thread.as_ref().map_or_else(|| self.process.last_name(), |thread| thread.name())
    }

    fn is_dumpable(&self) -> bool {
        let program = self.thread.as_ref().and_then(|thread| thread.program());
        program.is_none_or(|program| program.is_dumpable())
    }

    /// Who owns its files: its effective user, or the superuser if others must not look into it.
    pub fn owner(&self) -> (Uid, Gid) {
        let cred = self.cred();
        if self.is_dumpable() { (cred.euid, cred.egid) } else { (Uid(0), Gid(0)) }
    }

    /// Whether `caller` may look into it (`ptrace(2)`, "Ptrace access mode checking", with the file system's ids).
    pub fn is_open_to(&self, caller: &Cred) -> bool {
        let own = current::thread().is_some_and(|thread| Arc::ptr_eq(thread.process(), &self.process));
        own || allowed(caller, &self.cred(), self.is_dumpable())
    }

    /// `EACCES` unless `caller` may look into it.
    pub fn check(&self, caller: &Cred) -> Result<(), Errno> {
        if self.is_open_to(caller) { Ok(()) } else { Err(Errno::EACCES) }
    }
}

fn allowed(caller: &Cred, target: &Cred, is_dumpable: bool) -> bool {
    ids::allowed_as(caller, (caller.fsuid, caller.fsgid), target, is_dumpable)
}

#[cfg(test)]
mod tests {
    use super::allowed;
    use crate::ids;
    use abi::Uid;
    use chroma::Cred;

    #[test]
    fn only_the_same_user_or_the_superuser_may_look_into_a_process() {
        let root = Cred::root();
        let user = |id| {
            let mut cred = ids::set_user(&root, Uid(id)).unwrap();
            (cred.gid, cred.egid, cred.sgid, cred.fsgid) = Default::default();
            cred
        };
        assert!(allowed(&root, &user(7), false));
        assert!(allowed(&user(7), &user(7), true));
        assert!(!allowed(&user(7), &user(7), false));
        assert!(!allowed(&user(7), &user(8), true));
        assert!(!allowed(&user(7), &root, true));
        let mut switched = user(7);
        switched.euid = Uid(9);
        assert!(!allowed(&user(7), &switched, true), "a set-user-id program is closed to who started it");
    }
}
