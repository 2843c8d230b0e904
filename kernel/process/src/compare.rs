//! Comparing what two threads have (`kcmp(2)`).
//!
//! The order of two different things is that of their addresses, hidden by a random key for each kind: it is one order of all,
//! and tells nothing of where they are.

use crate::access;
use crate::current::Current;
use crate::ids;
use crate::ipc::semaphores;
use crate::process::Process;
use crate::table;
use crate::thread::Thread;
use abi::Errno;
use abi::process::kcmp::KINDS;
use alloc::sync::Arc;
use chroma::{Fd, OpenFile};
use hal::Once;

/// A part of a thread, shared with others or not.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// Its address space.
    Memory,
    /// Its descriptors.
    Files,
    /// Its root and working directory.
    Directories,
    /// What it does on signals.
    Handlers,
    /// Its priority of input and output, if it has set one.
    InputOutput,
    /// What is undone of semaphores at its end.
    Undo,
}

/// A thread that is compared, or a process that has ended and has nothing any more.
pub struct Subject {
    process: Arc<Process>,
    thread: Option<Arc<Thread>>,
}

impl Subject {
    /// The thread with this number.
    ///
    /// # Errors
    /// `ESRCH`.
    pub fn find(number: i32) -> Result<Self, Errno> {
        let number = u32::try_from(number).map_err(|_| Errno::ESRCH)?;
        if let Some(thread) = table::thread(number) {
            return Ok(Self { process: thread.process().clone(), thread: Some(thread) });
        }
        let process = table::process(number).ok_or(Errno::ESRCH)?;
        Ok(Self { process, thread: None })
    }

    /// Whether the running thread may look into it.
    ///
    /// # Errors
    /// `EPERM`.
    pub fn check(&self, current: &Current) -> Result<(), Errno> {
        let cred = &current.cred;
        let may = match &self.thread {
            Some(thread) => access::may_attach(current, thread),
            None => ids::allowed_as(cred, (cred.uid, cred.gid), &self.process.cred(), true),
        };
        if may { Ok(()) } else { Err(Errno::EPERM) }
    }

    /// Where the part is; 0 if there is none.
    pub fn part(&self, part: Part) -> usize {
        let Some(thread) = &self.thread else { return 0 };
        let address = match part {
            Part::Memory => thread.program().map(|program| Arc::as_ptr(&program).addr()),
            Part::Files => thread.files().map(|files| Arc::as_ptr(&files).addr()),
            Part::Directories => thread.fs().map(|fs| Arc::as_ptr(&fs).addr()),
            Part::Handlers => Some(Arc::as_ptr(&self.process.lock_signals().actions).addr()),
            Part::InputOutput => {
                thread.parts(|parts| parts.io_priority.as_ref().map(|own| Arc::as_ptr(own).addr()))
            }
            Part::Undo => semaphores::has_undo(self.process.pid()).then(|| Arc::as_ptr(&self.process).addr()),
        };
        address.unwrap_or(0)
    }

    /// One of its files.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn file(&self, fd: Fd) -> Result<Arc<OpenFile>, Errno> {
        let files = self.thread.as_ref().and_then(|thread| thread.files()).ok_or(Errno::EBADF)?;
        Ok(files.get(fd)?.object().clone())
    }
}

/// What hides the addresses of a kind: one is added by bits, the other, which is odd, multiplies: so no two become one.
struct Key {
    bits: u64,
    factor: u64,
}

static KEYS: [Once<Key>; KINDS] = [const { Once::new() }; KINDS];

fn choose() -> Key {
    let (mut bits, mut factor) = ([0; 8], [0; 8]);
    hal::random::fill(&mut bits);
    hal::random::fill(&mut factor);
    Key { bits: u64::from_le_bytes(bits), factor: u64::from_le_bytes(factor) | 1 << 63 | 1 }
}

/// 0: both are the same; 1: the first comes before the second; 2: behind it.
pub fn order(kind: usize, first: usize, second: usize) -> u64 {
    let Some(place) = KEYS.get(kind) else { return 0 };
    let key = match place.get() {
        Some(key) => key,
        None => {
            let _ = place.set(choose()); // somebody else may have been faster
            match place.get() {
                Some(key) => key,
                None => return 0,
            }
        }
    };
    let hidden = |address: usize| (address as u64 ^ key.bits).wrapping_mul(key.factor);
    match hidden(first).cmp(&hidden(second)) {
        core::cmp::Ordering::Equal => 0,
        core::cmp::Ordering::Less => 1,
        core::cmp::Ordering::Greater => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn there_is_one_order_of_all() {
        let places: std::vec::Vec<usize> = (1..40_usize).map(|step| step * 64).collect();
        let before = |at: &usize| places.iter().filter(|other| order(0, **other, *at) == 1).count();
        let mut ranks: std::vec::Vec<usize> = places.iter().map(before).collect();
        assert!(places.iter().all(|at| order(0, *at, *at) == 0));
        assert_ne!(ranks, (0..39).collect::<std::vec::Vec<_>>(), "not that of the addresses");
        ranks.sort_unstable();
        assert_eq!(ranks, (0..39).collect::<std::vec::Vec<_>>());
    }
}
