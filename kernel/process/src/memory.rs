//! Faults of the kernel on behalf of programs, and what happens when memory is short.
//!
//! Whoever runs short looks for room: idle names go first, then a process. One thread at a time does so; the others sleep until
//! there is room, for the processor is what those who end need to give their memory back.

use crate::current;
use crate::process::Process;
use crate::signal::{Info, send};
use crate::table;
use abi::{Errno, Signal};
use aegis::FaultError;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chronos::thread::Work;
use chronos::{Events, WaitKind, WaitQueue};
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use hal::{Fault, FaultAccess, FaultHandler, Instant, SpinLock, UserAddr};

/// Resolves the kernel's own accesses to user memory: as if the program had made them.
pub(crate) struct KernelFaults;

impl FaultHandler for KernelFaults {
    fn resolve(&self, address: UserAddr, access: FaultAccess) -> Result<(), Fault> {
        let program = current::thread().and_then(|thread| thread.program()).ok_or(Fault)?;
        match program.space.fault(address, access) {
            Ok(()) => Ok(()),
            // Tried again: what a fault takes is single frames, so one is to be had when more than the reserve is left. Names
            // are not dropped here as in `make_room`: locks of files may be held.
            Err(FaultError::NoMemory) if aegis::frames::has_for_programs() => Ok(()),
            // Not by who ends: the call fails, and its thread meets the signal on the way out.
            Err(FaultError::NoMemory) if !is_ending() && end_one() => {
                wait_for_room();
                Ok(())
            }
            Err(_) => Err(Fault),
        }
    }
}

/// Whom the rule chose last, and when: memory comes back only when that process has gone.
static LAST: SpinLock<Option<(u32, Instant)>> = SpinLock::new(&crate::lock_classes::OOM, None);

/// Where those sleep who wait for room.
static ROOM: WaitQueue = WaitQueue::new();

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

/// Ends the process that the rule chooses, unless one that it chose is still on its way out. False: nobody can be ended.
fn end_one() -> bool {
    /// So long the kernel waits for the chosen process before it chooses another.
    const PATIENCE: Duration = Duration::from_secs(2);
    let now = chronos::clock::now();
    let last = *LAST.lock();
    if let Some((pid, when)) = last
        && now.saturating_since(when) < PATIENCE
        && table::process(pid).is_some_and(|process| process.thread_count() > 0)
    {
        return true;
    }
    let all: Vec<Arc<Process>> =
        table::with(|tree| tree.processes().map(|(_, node)| node.process.clone()).collect());
    let scored = all.iter().filter_map(|process| Some((badness(process)?, process)));
    // One that was chosen before and does not get away is chosen again only when nobody else is left.
    let rank = |(score, process): &(u64, &Arc<Process>)| (!process.is_chosen(), *score);
    let Some((score, chosen)) = scored.max_by_key(rank) else { return false };
    {
        let mut current = LAST.lock();
        if *current != last {
            return true; // somebody else chose meanwhile
        }
        *current = Some((chosen.pid(), now));
    }
    chosen.has_been_chosen.store(true, Ordering::Relaxed);
    hal::err!("memory", "out of memory: process {} ended ({} pages resident)", chosen.pid(), score);
    send::to_process(chosen, Info::kernel(Signal::SIGKILL));
    true
}

/// Sleeps until there is room, or for a moment: not all that is given back is announced. Who is to end does not wait.
fn wait_for_room() {
    const MOMENT: Duration = Duration::from_millis(10);
    let has_room = || aegis::frames::has_for_programs().then_some(());
    let _ = ROOM.wait(WaitKind::Killable, Some(chronos::clock::now() + MOMENT), has_room);
}

/// A thread has let go of its program: who waits for the end of this process looks whether there is room now.
pub(crate) fn given_back(process: &Process) {
    if process.is_chosen() {
        ROOM.wake_all(Events::all());
    }
}

/// Whether the running thread is about to end, or its process has been chosen to.
fn is_ending() -> bool {
    chronos::thread::with_current(|task| task.is_some_and(|task| task.work().contains(Work::KILL)))
        || current::thread().is_some_and(|thread| thread.process().is_chosen())
}

/// The right to look for room.
struct Search;

/// Somebody has the right.
static SEARCHED: AtomicBool = AtomicBool::new(false);

impl Search {
    fn begin() -> Option<Self> {
        // Made only by who has the right: its end gives the right back.
        (!SEARCHED.swap(true, Ordering::Acquire)).then(|| Self)
    }

    /// Drops names until there is room or none are idle any more; says whether there is.
    fn drop_names(&self) -> bool {
        /// So many idle names go at a time.
        const NAMES: usize = 1024;
        loop {
            let dropped = chroma::dentry::shrink(NAMES);
            chronos::reclaim();
            if aegis::frames::has_for_programs() {
                return true;
            }
            if dropped < NAMES || is_ending() {
                return false;
            }
        }
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        SEARCHED.store(false, Ordering::Release);
    }
}

/// A program touched memory and none is left: says whether it may try again. If it is to end itself, the signal meets it on its
/// way there. Sleeps.
pub(crate) fn make_room() -> bool {
    if aegis::frames::has_for_programs() || is_ending() {
        return true; // somebody has given some back meanwhile, or the failure was asked for
    }
    if let Some(search) = Search::begin() {
        if search.drop_names() {
            ROOM.wake_all(Events::all());
            return true;
        }
        if !end_one() {
            return false;
        }
    }
    wait_for_room();
    true
}

/// Waits, before another thread or process is made, until those that exist have what they touched: else newcomers take what each
/// end gives back. Sleeps.
///
/// # Errors
/// `ENOMEM`: there is no room, and nobody can be ended for it.
pub(crate) fn room_for_another() -> Result<(), Errno> {
    while !aegis::frames::has_for_programs() && !is_ending() {
        if !make_room() {
            return Err(Errno::ENOMEM);
        }
    }
    Ok(())
}
