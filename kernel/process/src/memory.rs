//! Faults of the kernel on behalf of programs, and what happens when memory is short.

use crate::current;
use crate::process::Process;
use crate::signal::{Info, send};
use crate::table;
use abi::Signal;
use aegis::FaultError;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chronos::WaitKind;
use core::time::Duration;
use hal::{Fault, FaultAccess, FaultHandler, Instant, SpinLock, UserAddr};

/// Resolves the kernel's own accesses to user memory: as if the program had made them.
pub(crate) struct KernelFaults;

impl FaultHandler for KernelFaults {
    fn resolve(&self, address: UserAddr, access: FaultAccess) -> Result<(), Fault> {
        let program = current::thread().and_then(|thread| thread.program()).ok_or(Fault)?;
        match program.space.fault(address, access) {
            Ok(()) => Ok(()),
            // Tried again: what a fault takes is single frames, so one is to be had when more than the reserve is left; or the
            // program is ended on the way out. Names are not dropped here as in `make_room`: locks of files may be held.
            Err(FaultError::NoMemory) if aegis::frames::has_for_programs() || choose_and_end() => Ok(()),
            Err(_) => Err(Fault),
        }
    }
}

/// Whom the rule ended last, and when: memory comes back only when that process has gone.
static LAST: SpinLock<Option<(u32, Instant)>> = SpinLock::new(&crate::lock_classes::OOM, None);

/// How bad it would be to lose a process is not weighed: the one that uses most memory goes, moved by its adjustment, in
/// thousandths of all memory (Linux's rule, `proc(5)`, `oom_score_adj`). Beside its resident pages count those that go with
/// its open files: what is in pipes, and in files without a name. `None`: it is spared.
pub fn badness(process: &Process) -> Option<u64> {
    let adjustment = process.oom_adjustment();
    if process.is_init() || adjustment == -1000 {
        return None;
    }
    let thread = process.main_thread()?;
    let resident = thread.program()?.space.tables().resident() as u64;
    let held = thread.files().map_or(0, |files| files.held_pages());
    let shift = i64::from(adjustment) * i64::try_from(aegis::frames::managed()).unwrap_or(0) / 1000;
    Some(resident.saturating_add(held).saturating_add_signed(shift).max(1))
}

/// Ends the process that the rule chooses, unless one that it chose is still on its way out; says whether memory may come back,
/// now or soon. Sleeps.
fn choose_and_end() -> bool {
    /// So long the kernel waits for the chosen process before it chooses another.
    const PATIENCE: Duration = Duration::from_secs(2);
    let now = chronos::clock::now();
    let last = *LAST.lock();
    if let Some((pid, when)) = last
        && now.saturating_since(when) < PATIENCE
        && table::process(pid).is_some_and(|process| process.thread_count() > 0)
    {
        return wait_for(pid);
    }
    let all: Vec<Arc<Process>> =
        table::with(|tree| tree.processes().map(|(_, node)| node.process.clone()).collect());
    let scored = all.iter().filter_map(|process| Some((badness(process)?, process)));
    let Some((score, chosen)) = scored.max_by_key(|(score, _)| *score) else { return false };
    {
        let mut current = LAST.lock();
        if *current != last {
            return true; // somebody else chose meanwhile
        }
        *current = Some((chosen.pid(), now));
    }
    hal::err!("memory", "out of memory: process {} ended ({} pages resident)", chosen.pid(), score);
    send::to_process(chosen, Info::kernel(Signal::SIGKILL));
    wait_for(chosen.pid())
}

/// Gives the chosen process a moment to end; false if it is this one, which gets no more.
fn wait_for(pid: u32) -> bool {
    const MOMENT: Duration = Duration::from_millis(1);
    if current::thread().is_some_and(|thread| thread.process().pid() == pid) {
        return false;
    }
    // Who is killed meanwhile goes on, to his own end.
    let _ = chronos::sleep(WaitKind::Killable, chronos::clock::now() + MOMENT);
    true
}

/// A program touched memory and none is left: says whether it may try again. If it is the chosen one itself, the signal meets
/// it on its way there.
pub(crate) fn make_room() -> bool {
    /// So many idle names go before a process does.
    const NAMES: usize = 1024;
    if aegis::frames::has_for_programs() {
        return true; // somebody has given some back meanwhile, or the failure was asked for
    }
    let before = aegis::frames::free();
    chroma::dentry::shrink(NAMES);
    chronos::reclaim();
    aegis::frames::free() > before || choose_and_end()
}
