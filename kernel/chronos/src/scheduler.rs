//! Giving the processor to threads.
//!
//! Each processor has a run queue behind a lock. A thread belongs to one of them; it is `queued` while it is in the queue, on
//! the processor, or on its way from one queue to another, and that changes under the lock of the queue that it belongs to
//! only: so a wake-up that comes while the thread is still on its way to sleep just makes it runnable again, and never enters
//! it twice. No two of these locks are held together. Where a thread goes is decided in `placement.rs`.
//!
//! A thread that became runnable may be chosen by another processor while the one that it ran on is still switching away from
//! it; that processor waits for it (`hal::context::switch_to`). Two never wait for each other: who waits chose after the one
//! that it waits for had.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;
use core::time::Duration;

use hal::{Context, CpuId, LockClass, PerCpu, SchedulerHooks, SpinLock, context, cpu};

use crate::Instant;
use crate::Policy;
use crate::placement;
use crate::real_time::Budget;
use crate::room;
use crate::run_queue::{Cause, RunQueue};
use crate::stats;
use crate::thread::Thread;
use crate::timer;
use crate::watchdog;

/// How long a round-robin thread runs before another of its priority gets a turn.
pub const ROUND_ROBIN_TURN: Duration = Duration::from_millis(100);
/// How long a fair thread runs before another of its rank gets a turn, and how often the processor's time is sampled.
const TICK: Duration = Duration::from_millis(4);
/// By how much virtual run time a thread must be ahead before one that wakes up takes its place.
const WAKE_MARGIN_NANOS: u64 = 1_000_000;

/// Why a thread gives the processor up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// It asked to.
    Own,
    /// It was taken off.
    Preempted,
}

/// What a processor runs and what wants to.
pub(crate) struct Processor {
    number: CpuId,
    pub(crate) queue: RunQueue,
    pub(crate) current: Option<Arc<Thread>>,
    idle: Option<Arc<Thread>>,
    /// The thread that was switched away from, until the next one has arrived.
    previous: Option<Left>,
    /// When `current` was last charged for its time.
    charged_at: Instant,
    real_time: Budget,
}

impl Processor {
    const fn new() -> Self {
        Self {
            number: CpuId::new(0),
            queue: RunQueue::new(),
            current: None,
            idle: None,
            previous: None,
            charged_at: Instant::BOOT,
            real_time: Budget::new(),
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        match (&self.current, &self.idle) {
            (Some(current), Some(idle)) => Arc::ptr_eq(current, idle),
            _ => true,
        }
    }

    /// Charges the current thread for the time since it was charged last.
    pub(crate) fn charge(&mut self) {
        let now = hal::time::now();
        let nanos = now.as_nanos().saturating_sub(self.charged_at.as_nanos());
        self.charged_at = now;
        match &self.current {
            Some(current) if !self.is_idle() => {
                let scheduling = current.scheduling();
                current.charge(nanos, scheduling.weight());
                if scheduling.policy.is_real_time() {
                    current.turn().fetch_add(nanos, Ordering::Relaxed);
                    self.charge_real_time(nanos);
                    return;
                }
                self.queue.advance(current.virtual_time());
            }
            _ => stats::add_idle(self.number, nanos),
        }
        if self.queue.is_throttled() {
            self.charge_real_time(0);
        }
    }

    /// Takes note of what real-time threads had, and lets the others come first when it is enough.
    fn charge_real_time(&mut self, nanos: u64) {
        let is_throttled = self.real_time.charge(self.charged_at, nanos);
        self.queue.throttle(is_throttled);
    }

    /// Chooses who runs next; `None` when the current thread goes on.
    ///
    /// A thread that is taken off the processor stays in the queue even if it has announced that it will sleep: it may not
    /// have set its alarm yet.
    fn pick(&mut self, reason: Reason) -> Option<Switch> {
        self.charge();
        let current = self.current.as_ref()?;
        let mut evicted = false;
        if !self.is_idle() {
            if current.is_runnable() || reason == Reason::Preempted && !current.is_dead() {
                evicted = !current.may_run_on(self.number);
                if !evicted {
                    if self.queue.len() == 0 {
                        return None;
                    }
                    let policy = current.policy();
                    let cause = if reason == Reason::Own || ends_turn(current, policy) {
                        Cause::Turn
                    } else {
                        Cause::Preemption
                    };
                    self.queue.enqueue(current.clone(), policy, cause);
                }
            } else {
                current.queued.store(false, Ordering::Relaxed);
            }
        }
        let next = self.queue.dequeue();
        placement::note(self.number, self.queue.len(), next.is_none());
        let next = next.or_else(|| self.idle.clone())?;
        if Arc::ptr_eq(&next, current) {
            return None;
        }
        let context = next.context()?;
        let left = self.current.replace(next).map(|thread| Left { thread, evicted });
        stats::count_switch(self.number);
        Some(Switch { context, displaced: core::mem::replace(&mut self.previous, left) })
    }

    /// Enters a thread that became runnable, and is `queued`; says whether it should run before the current one.
    pub(crate) fn admit(&mut self, thread: &Arc<Thread>, cause: Cause) -> bool {
        let policy = thread.policy();
        self.queue.enqueue(thread.clone(), policy, cause);
        placement::note(self.number, self.queue.len(), false);
        if self.is_idle() {
            return true;
        }
        self.charge();
        self.current.as_ref().is_some_and(|current| {
            let running = current.policy();
            policy.may_replace(running)
                && (running == Policy::Idle && policy != Policy::Idle
                    || self.queue.should_replace(running, current.virtual_time(), WAKE_MARGIN_NANOS))
        })
    }
}

/// Says whether the turn of a round-robin thread is over; if so another one begins.
fn ends_turn(thread: &Thread, policy: Policy) -> bool {
    let ends = matches!(policy, Policy::RoundRobin(_)) && had_turn(thread);
    if ends {
        thread.turn().store(0, Ordering::Relaxed);
    }
    ends
}

fn had_turn(thread: &Thread) -> bool {
    u128::from(thread.turn().load(Ordering::Relaxed)) >= ROUND_ROBIN_TURN.as_nanos()
}

/// A thread that was switched away from.
struct Left {
    thread: Arc<Thread>,
    /// It wants to run, but may not do so here any more.
    evicted: bool,
}

impl Left {
    /// Lets go of it: sends it on, or frees its stack, which nobody is on, if it has ended. Called without the queue's lock.
    fn finish(self) {
        if self.evicted {
            placement::move_on(&self.thread);
        } else if self.thread.is_dead() {
            drop(self.thread.take_context());
        }
    }
}

/// What is to be switched to.
struct Switch {
    context: Arc<Context>,
    /// A thread that was left before, when the next one had not yet arrived.
    displaced: Option<Left>,
}

static CLASS: LockClass = LockClass::new("run queue", 868);
pub(crate) static PROCESSORS: PerCpu<SpinLock<Processor>> =
    PerCpu::new([const { SpinLock::new(&CLASS, Processor::new()) }; cpu::MAX]);

struct Hooks;

impl SchedulerHooks for Hooks {
    fn timer(&self, in_program: bool) {
        timer::run_due();
        let busy = PROCESSORS.with(|processor| {
            let mut processor = processor.lock_irq();
            if processor.is_idle() {
                return false;
            }
            processor.charge();
            let Some(current) = &processor.current else { return false };
            current.time.sample(TICK, in_program);
            let policy = current.policy();
            let queue = &processor.queue;
            let due = match policy {
                Policy::RoundRobin(_) if had_turn(current) && queue.has_peer(policy) => true,
                _ => queue.should_replace(policy, current.virtual_time().saturating_add(1), 0),
            };
            if due {
                hal::sched::set_need_resched(cpu::current());
            }
            true
        });
        if busy {
            timer::set_tick(Some(hal::time::now() + TICK));
            placement::balance();
        }
    }

    fn preempt(&self) {
        leave(Reason::Preempted);
    }

    fn exit(&self) -> ! {
        {
            // A dead thread that is taken off the processor does not come back to be counted off.
            let _preempt = hal::preempt::disable();
            crate::thread::with_current(|thread| {
                if let Some(thread) = thread {
                    crate::registry::leave(thread);
                    thread.mark_dead();
                }
            });
        }
        loop {
            schedule(); // a dead thread is not chosen again
        }
    }
}

static HOOKS: Hooks = Hooks;

/// Starts the scheduler on the boot processor: what runs now becomes the thread that runs when no other wants to.
///
/// Until that thread calls [`idle`], it must not wait for anything.
pub fn start() {
    take_part();
    hal::sched::register(&HOOKS);
    hal::panic::set_thread_name_hook(crate::thread::describe_owner);
}

/// Starts the further processors. On the boot processor, before there is a second thread.
pub fn start_others() {
    cpu::start_others(|| {
        take_part();
        cpu::come_online();
        watchdog::start();
        hal::irq::enable();
        idle()
    });
    if cpu::online() > 1 {
        watchdog::start();
    }
}

/// What runs on this processor becomes its idle thread.
fn take_part() {
    let idle = Thread::adopt_boot("idle");
    idle.queued.store(true, Ordering::Relaxed);
    let mut queue = room::queue().unwrap_or(RunQueue::new()); // which grows when somebody is entered
    PROCESSORS.with(|processor| {
        let mut processor = processor.lock_irq();
        processor.number = cpu::current();
        processor.queue.adopt_storage(&mut queue);
        processor.current = Some(idle.clone());
        processor.idle = Some(idle);
        processor.charged_at = hal::time::now();
    });
}

/// What a processor does from the end of its bring-up on: runs whoever wants to, takes over from others what waits there, and
/// waits for interrupts.
pub fn idle() -> ! {
    loop {
        schedule();
        let _off = hal::preempt::interrupts_off();
        if placement::pull(1) {
            continue;
        }
        let nothing_to_do = PROCESSORS.with(|processor| processor.lock().queue.len() == 0);
        if nothing_to_do && !hal::sched::need_resched() {
            cpu::wait_for_interrupt();
        }
    }
}

/// Lets somebody else run if the current thread does not want to, or if it is another's turn. Returns when it runs again.
pub(crate) fn schedule() {
    leave(Reason::Own);
}

fn leave(reason: Reason) {
    let _preempt = hal::preempt::disable();
    let _interrupts = hal::preempt::interrupts_off();
    hal::sched::clear_need_resched();
    let (next, idle) = PROCESSORS.with(|processor| {
        let mut processor = processor.lock();
        (processor.pick(reason), processor.is_idle())
    });
    let Some(Switch { context, displaced }) = next else { return };
    if !idle {
        timer::set_tick(Some(hal::time::now() + TICK));
    }
    if let Some(displaced) = displaced {
        displaced.finish();
    }
    context::switch_to(context);
    finish_switch();
}

/// The first thing that a new thread does.
pub(crate) fn arrive() {
    finish_switch();
}

/// Lets go of the thread that was switched away from.
fn finish_switch() {
    let previous = PROCESSORS.with(|processor| processor.lock_irq().previous.take());
    if let Some(previous) = previous {
        previous.finish();
    }
}

pub(crate) fn yield_now() {
    PROCESSORS.with(|processor| {
        let mut processor = processor.lock_irq();
        processor.charge();
        if let (Some(current), Some(first)) = (&processor.current, processor.queue.first_virtual_time()) {
            current.raise_virtual_time(first.saturating_add(1));
        }
    });
    schedule();
}

/// Changes how a thread is scheduled, and lets that show at once.
pub(crate) fn reschedule(thread: &Arc<Thread>, change: impl FnOnce()) {
    loop {
        let home = thread.cpu();
        let mut processor = PROCESSORS.of(home).lock_irq();
        if thread.cpu() != home {
            continue; // it has just been moved
        }
        if processor.current.as_ref().is_some_and(|current| Arc::ptr_eq(current, thread)) {
            processor.charge();
            change();
            hal::sched::set_need_resched(home);
        } else if processor.queue.remove(thread) {
            change();
            if processor.admit(thread, Cause::Turn) {
                hal::sched::set_need_resched(home);
            }
        } else {
            change();
        }
        return;
    }
}

/// Ends a thread's wait.
pub(crate) fn make_runnable(thread: &Arc<Thread>) {
    loop {
        let home = thread.cpu();
        let processor = PROCESSORS.of(home).lock_irq();
        if thread.cpu() != home {
            continue; // it has just been moved
        }
        if thread.unblock() && !thread.queued.load(Ordering::Relaxed) {
            thread.queued.store(true, Ordering::Relaxed);
            placement::place_woken(thread, processor);
        }
        return;
    }
}

/// Charges what a processor runs for the time up to now.
pub(crate) fn charge(cpu: CpuId) {
    PROCESSORS.of(cpu).lock_irq().charge();
}

/// Charges `thread` for the time up to now, if it runs.
pub(crate) fn charge_thread(thread: &Thread) {
    if !thread.queued.load(Ordering::Relaxed) {
        return; // it sleeps
    }
    let mut processor = PROCESSORS.of(thread.cpu()).lock_irq();
    if processor.current.as_ref().is_some_and(|current| core::ptr::eq(Arc::as_ptr(current), thread)) {
        processor.charge();
    }
}

/// How many threads run or want to.
pub fn runnable_threads() -> usize {
    (0..cpu::online())
        .map(|number| {
            let processor = PROCESSORS.of(CpuId::new(number as u32)).lock_irq();
            processor.queue.len() + usize::from(!processor.is_idle())
        })
        .sum()
}

/// What tests of crates above use to have a scheduler.
#[cfg(not(target_os = "none"))]
pub mod simulate {
    /// A machine with a scheduler, for the calling test alone; the test's thread is the idle one.
    pub struct Machine {
        _exclusive: std::sync::MutexGuard<'static, ()>,
    }

    /// Starts a scheduler on the simulated machine.
    pub fn machine() -> Machine {
        let exclusive = hal::simulate::exclusive();
        super::start();
        Machine { _exclusive: exclusive }
    }

    impl Machine {
        /// Runs threads until all of them wait for something other than time.
        pub fn run(&self) {
            loop {
                super::schedule();
                if super::runnable_threads() == 0 {
                    return;
                }
            }
        }

        /// As [`Machine::run`], and lets time pass until no thread waits for it either, or `condition` holds.
        pub fn run_until(&self, mut condition: impl FnMut() -> bool) {
            self.run();
            while !condition() {
                super::cpu::wait_for_interrupt();
                self.run();
            }
        }
    }
}
