//! Which processor a thread runs on.
//!
//! - A thread that **wakes up** goes to the processor it was on if that is idle, to another idle one if there is one, else back
//!   to its own.
//! - A **new** thread goes to an idle processor, or stays with its maker.
//! - A processor that becomes **idle** takes a thread over from the one where most wait.
//! - On every **tick** of a busy processor where threads wait, an idle one is woken to do that; now and then a processor takes
//!   a thread over from one where two more wait than on its own.
//!
//! Only processors that a thread is bound to ([`Thread::bind`]) count. A thread's virtual run time is relative to its queue's
//! and goes along.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use hal::{CpuId, PerCpu, SpinIrqGuard, cpu};

use crate::run_queue::Cause;
use crate::scheduler::{PROCESSORS, Processor};
use crate::thread::Thread;

/// The processors that run nothing.
static IDLE: AtomicU64 = AtomicU64::new(0);
/// How many threads wait for each processor, for a look without its lock.
static WAITING: PerCpu<AtomicU32> = PerCpu::new([const { AtomicU32::new(0) }; cpu::MAX]);
/// Ticks of each processor.
static TICKS: PerCpu<AtomicU32> = PerCpu::new([const { AtomicU32::new(0) }; cpu::MAX]);

/// Every so many ticks a busy processor looks for one that has more to do.
const BALANCE_TICKS: u32 = 16;

fn bit(cpu: CpuId) -> u64 {
    1 << cpu.index()
}

fn first(set: u64) -> Option<CpuId> {
    (set != 0).then(|| CpuId::new(set.trailing_zeros()))
}

/// Notes how many threads wait for a processor, and whether it has nothing to run. Under its lock.
#[inline]
pub(crate) fn note(cpu: CpuId, waiting: usize, idle: bool) {
    if cpu::online() == 1 {
        return;
    }
    WAITING.of(cpu).store(waiting as u32, Ordering::Relaxed);
    let was_idle = IDLE.load(Ordering::Relaxed) & bit(cpu) != 0;
    match (was_idle, idle) {
        (false, true) => IDLE.fetch_or(bit(cpu), Ordering::SeqCst),
        (true, false) => IDLE.fetch_and(!bit(cpu), Ordering::SeqCst),
        _ => 0,
    };
}

/// Where a thread that was on `home` should run.
fn choose(thread: &Thread, home: CpuId) -> CpuId {
    if cpu::online() == 1 {
        return home;
    }
    let allowed = thread.allowed() & cpu::online_set();
    let idle = IDLE.load(Ordering::SeqCst) & allowed;
    let wanted = if idle != 0 { idle } else { allowed };
    if wanted & bit(home) != 0 { home } else { first(wanted).unwrap_or(home) }
}

/// Enters a thread that is `queued` and belongs to `target`; its virtual run time counts from `floor`.
fn enter(thread: &Arc<Thread>, mut target: CpuId, mut floor: u64, cause: Cause) {
    loop {
        let mut processor = PROCESSORS.of(target).lock_irq();
        thread.rebase_virtual_time(floor, processor.queue.floor());
        // Bound to others in the meantime? Who binds it looks into this queue after that.
        if !thread.may_run_on(target) {
            let other = choose(thread, target);
            if other != target {
                floor = processor.queue.floor();
                thread.set_cpu(other);
                target = other;
                continue;
            }
        }
        if processor.admit(thread, cause) {
            hal::sched::set_need_resched(target);
        }
        return;
    }
}

/// Enters a thread whose wait has ended, and which is `queued` since. With the lock of the processor that it belongs to.
pub(crate) fn place_woken(thread: &Arc<Thread>, mut home: SpinIrqGuard<'_, Processor>) {
    let number = thread.cpu();
    let target = choose(thread, number);
    if target == number {
        if home.admit(thread, Cause::Sleep) {
            hal::sched::set_need_resched(target);
        }
        return;
    }
    let floor = home.queue.floor();
    thread.set_cpu(target);
    drop(home);
    enter(thread, target, floor, Cause::Sleep);
}

/// Enters a new thread.
pub(crate) fn place_new(thread: &Arc<Thread>) {
    let _preempt = hal::preempt::disable();
    let here = cpu::current();
    let target = choose(thread, here);
    let mut processor = PROCESSORS.of(here).lock_irq();
    processor.charge();
    // A new thread has its turn after its maker's: who forks goes on, as on Linux.
    if let Some(current) = &processor.current {
        thread.raise_virtual_time(current.virtual_time());
    }
    thread.queued.store(true, Ordering::Relaxed);
    thread.set_cpu(target);
    if target != here {
        let floor = processor.queue.floor();
        drop(processor);
        enter(thread, target, floor, Cause::Sleep);
    } else if processor.admit(thread, Cause::Sleep) {
        hal::sched::set_need_resched(here);
    }
}

/// Lets a thread that is `queued`, but in no queue, go on elsewhere: it may not run any more where it belongs.
pub(crate) fn move_on(thread: &Arc<Thread>) {
    let home = thread.cpu();
    let floor = {
        let processor = PROCESSORS.of(home).lock_irq();
        thread.set_cpu(choose(thread, home));
        processor.queue.floor()
    };
    enter(thread, thread.cpu(), floor, Cause::Turn);
}

/// Binds a thread to a set of processors; says whether one of them runs.
pub(crate) fn bind(thread: &Arc<Thread>, allowed: u64) -> bool {
    if allowed & cpu::online_set() == 0 {
        return false;
    }
    thread.set_allowed(allowed);
    loop {
        let home = thread.cpu();
        let mut processor = PROCESSORS.of(home).lock_irq();
        if thread.cpu() != home {
            continue; // it has just been moved
        }
        if thread.may_run_on(home) {
            return true;
        }
        if processor.current.as_ref().is_some_and(|current| Arc::ptr_eq(current, thread)) {
            drop(processor);
            hal::sched::set_need_resched(home);
        } else if processor.queue.remove(thread) {
            note(home, processor.queue.len(), processor.is_idle() && processor.queue.len() == 0);
            drop(processor);
            move_on(thread);
        }
        // Else it waits, or is on its way to a queue, and its place is chosen anew.
        return true;
    }
}

/// Takes a thread over from the processor where most wait, if there are at least so many more than here; says whether it did.
pub(crate) fn pull(more: u32) -> bool {
    if cpu::online() == 1 {
        return false;
    }
    let _preempt = hal::preempt::disable();
    let here = cpu::current();
    let waiting = |cpu: CpuId| WAITING.of(cpu).load(Ordering::Relaxed);
    let others = (0..cpu::online() as u32).map(CpuId::new).filter(|&other| other != here);
    let Some(busiest) = others.max_by_key(|&other| waiting(other)) else { return false };
    if waiting(busiest) < waiting(here).saturating_add(more) {
        return false;
    }
    let (thread, floor) = {
        let mut processor = PROCESSORS.of(busiest).lock_irq();
        let thread = processor.queue.give_away(here);
        note(busiest, processor.queue.len(), processor.is_idle() && processor.queue.len() == 0);
        let Some(thread) = thread else { return false };
        thread.set_cpu(here);
        (thread, processor.queue.floor())
    };
    enter(&thread, here, floor, Cause::Turn);
    true
}

/// Shares out what waits. On every tick of a busy processor.
pub(crate) fn balance() {
    if cpu::online() == 1 {
        return;
    }
    let here = cpu::current();
    let ticks = TICKS.of(here).fetch_add(1, Ordering::Relaxed);
    if WAITING.of(here).load(Ordering::Relaxed) > 0
        && let Some(idle) = first(IDLE.load(Ordering::Relaxed) & cpu::online_set() & !bit(here))
    {
        hal::sched::send_reschedule(idle);
    } else if ticks.is_multiple_of(BALANCE_TICKS) {
        pull(2);
    }
}
