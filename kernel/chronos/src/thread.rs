//! Threads.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::{Arc, Weak};
use core::any::Any;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

use bitflags::bitflags;
use hal::{Context, CpuId, LockClass, NoMemory, Once, SpinLock, context};

use crate::Instant;
use crate::hung::Stuck;
use crate::placement;
use crate::policy::{AtomicScheduling, Policy, Scheduling, Weight};
use crate::registry;
use crate::room::Counted;
use crate::scheduler;
use crate::stats::CpuTime;
use crate::timer::{Timer, TimerHandler};
use crate::wait::WaitKind;

bitflags! {
    /// What a thread has to do before it goes on with its program. Set by others, cleared by the thread itself.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Work: u32 {
        /// A signal may be deliverable: interruptible waits end.
        const SIGNAL = 1 << 0;
        /// The thread is to end: killable waits end.
        const KILL = 1 << 1;
        /// The thread is to stop (job control): interruptible waits end.
        const STOP = 1 << 2;
        /// The call on the way out wants to be looked at (tracing).
        const TRACE = 1 << 3;
        /// A timer of the process asks for attention.
        const TIMER = 1 << 4;
        /// The thread has said itself that it ends: its program does not go on.
        const END = 1 << 5;
        /// The thread has retired much, and is to [carry it out](crate::carry_out).
        const RECLAIM = 1 << 6;
    }
}

/// Not waiting.
const RUNNABLE: u8 = 0;
/// At its end.
const DEAD: u8 = u8::MAX;

fn state_of(kind: WaitKind) -> u8 {
    match kind {
        WaitKind::Uninterruptible => 1,
        WaitKind::Killable => 2,
        WaitKind::Interruptible => 3,
    }
}

/// The work that ends a wait of this state.
fn interrupting(state: u8) -> Work {
    match state {
        2 => Work::KILL,
        3 => Work::SIGNAL | Work::KILL | Work::STOP,
        _ => Work::empty(),
    }
}

/// Something that runs: a stack, and a place among those that want the processor.
pub struct Thread {
    id: u64,
    name: SpinLock<String>,
    /// Taken away when the thread has ended: the context refers back to the thread.
    context: SpinLock<Option<Arc<Context>>>,
    scheduling: AtomicScheduling,
    /// Nanoseconds of its turn that a round-robin thread has had.
    turn: AtomicU64,
    state: AtomicU8,
    work: AtomicU32,
    /// The processor whose queue the thread belongs to.
    cpu: AtomicU32,
    /// The processors that it may run on, as a set of bits.
    allowed: AtomicU64,
    /// On that processor, or in its queue, or on the way to it. Changed under the queue's lock only.
    pub(crate) queued: AtomicBool,
    virtual_time: AtomicU64,
    pub(crate) time: CpuTime,
    /// Where it is in the list of all threads. Changed under that list's lock.
    pub(crate) place: AtomicUsize,
    pub(crate) stuck: Stuck,
    #[cfg(debug_assertions)]
    pub(crate) held: crate::held::Own,
    alarm: Once<Timer>,
    local: Once<Arc<dyn Any + Send + Sync>>,
    _counted: Counted,
}

static NAME_CLASS: LockClass = LockClass::new("thread name", 790);
static CONTEXT_CLASS: LockClass = LockClass::new("thread context", 872);

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// Wakes a thread at the deadline of its wait.
struct Alarm {
    thread: Weak<Thread>,
}

impl TimerHandler for Alarm {
    fn fire(&self) {
        if let Some(thread) = self.thread.upgrade() {
            thread.wake();
        }
    }
}

impl Thread {
    fn new(name: &str, scheduling: Scheduling, context: Option<Arc<Context>>, counted: Counted) -> Arc<Self> {
        let thread = Arc::new(Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            name: SpinLock::new(&NAME_CLASS, String::from(name)),
            context: SpinLock::new(&CONTEXT_CLASS, context.clone()),
            scheduling: AtomicScheduling::new(scheduling),
            turn: AtomicU64::new(0),
            state: AtomicU8::new(RUNNABLE),
            work: AtomicU32::new(0),
            cpu: AtomicU32::new(hal::cpu::current().index() as u32),
            allowed: AtomicU64::new(u64::MAX),
            queued: AtomicBool::new(false),
            virtual_time: AtomicU64::new(0),
            time: CpuTime::new(),
            place: AtomicUsize::new(0),
            stuck: Stuck::new(),
            #[cfg(debug_assertions)]
            held: crate::held::Own::new(hal::HeldLocks::new()),
            alarm: Once::new(),
            local: Once::new(),
            _counted: counted,
        });
        let _ = thread.alarm.set(Timer::new(Arc::new(Alarm { thread: Arc::downgrade(&thread) })));
        if let Some(context) = context {
            context.set_owner(thread.clone());
        }
        thread
    }

    /// A thread without a context, for tests of what only looks at it.
    #[cfg(test)]
    pub(crate) fn for_test(name: &str) -> Arc<Self> {
        Self::new(name, Policy::NORMAL.into(), None, Counted::booted())
    }

    /// The thread that runs this and was made by the boot.
    pub(crate) fn adopt_boot(name: &str) -> Arc<Self> {
        Self::new(name, Policy::Idle.into(), Some(Context::adopt_boot()), Counted::booted())
    }

    /// A thread that runs `body` once it is [started](Thread::start), in the kernel.
    ///
    /// # Errors
    /// [`NoMemory`] when there is none for its stack, or its place among the others.
    pub fn new_kernel(
        name: &str,
        policy: Policy,
        body: impl FnOnce() + Send + 'static,
    ) -> Result<Arc<Self>, NoMemory> {
        let counted = Counted::new()?;
        Ok(Self::new(name, policy.into(), Some(Context::new(entry(body))?), counted))
    }

    /// A thread that runs `body` once it is started, and in it a program: it has floating-point state and segment bases, those
    /// of the current thread if `copy_current`.
    ///
    /// # Errors
    /// [`NoMemory`] when there is none for its stack, or its place among the others.
    pub fn new_user(
        name: &str,
        scheduling: Scheduling,
        copy_current: bool,
        body: impl FnOnce() + Send + 'static,
    ) -> Result<Arc<Self>, NoMemory> {
        let counted = Counted::new()?;
        let context = Context::new_user(entry(body), copy_current)?;
        let thread = Self::new(name, scheduling, Some(context), counted);
        if copy_current {
            thread.set_allowed(with_current(|current| current.map_or(u64::MAX, Self::allowed)));
        }
        Ok(thread)
    }

    /// Lets a new thread run. Once.
    pub fn start(self: &Arc<Self>) {
        registry::enter(self);
        placement::place_new(self);
    }

    /// Gives up a thread that was not started: it and its context hold each other until one lets go.
    pub fn give_up(self: Arc<Self>) {
        drop(self.take_context());
    }

    /// The thread's number among all threads since boot; not a pid.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The name, for listings.
    pub fn name(&self) -> String {
        self.name.lock().clone()
    }

    /// Changes the name.
    pub fn set_name(&self, name: &str) {
        let mut name = String::from(name);
        core::mem::swap(&mut *self.name.lock(), &mut name);
    }

    /// How the thread shares the processor.
    pub fn policy(&self) -> Policy {
        self.scheduling().policy
    }

    /// All that says how the thread is scheduled.
    #[inline]
    pub fn scheduling(&self) -> Scheduling {
        self.scheduling.load()
    }

    /// Changes how the thread is scheduled, at once.
    pub fn set_scheduling(self: &Arc<Self>, scheduling: Scheduling) {
        scheduler::reschedule(self, || self.scheduling.store(scheduling));
    }

    /// The processor that the thread runs on, or ran on last.
    pub fn cpu(&self) -> CpuId {
        CpuId::new(self.cpu.load(Ordering::Relaxed))
    }

    /// Notes which processor the thread belongs to. Under the run queue's lock of the one that it belonged to.
    pub(crate) fn set_cpu(&self, cpu: CpuId) {
        self.cpu.store(cpu.index() as u32, Ordering::SeqCst);
    }

    /// The processors that the thread may run on, as a set of bits.
    pub fn allowed(&self) -> u64 {
        self.allowed.load(Ordering::Relaxed)
    }

    /// Sets the processors that the thread may run on; from the next wake-up or switch on.
    pub(crate) fn set_allowed(&self, allowed: u64) {
        self.allowed.store(allowed, Ordering::SeqCst);
    }

    /// Says whether the thread may run on a processor.
    #[inline]
    pub(crate) fn may_run_on(&self, cpu: CpuId) -> bool {
        self.allowed() >> cpu.index() & 1 != 0
    }

    /// Binds the thread to a set of processors (a bit each), at once if it runs on another. Sets without a processor that
    /// runs change nothing; says whether anything was done.
    pub fn bind(self: &Arc<Self>, allowed: u64) -> bool {
        crate::placement::bind(self, allowed)
    }

    /// The machine's side of the thread; `None` when it has ended.
    pub fn context(&self) -> Option<Arc<Context>> {
        self.context.lock_irq().clone()
    }

    /// Breaks the circle of thread and context, at the thread's end.
    pub(crate) fn take_context(&self) -> Option<Arc<Context>> {
        self.context.lock_irq().take()
    }

    /// What the layer above keeps with the thread.
    #[inline]
    pub fn local(&self) -> Option<&Arc<dyn Any + Send + Sync>> {
        self.local.get()
    }

    /// Sets what the layer above keeps with the thread, once; a second call changes nothing.
    pub fn set_local(&self, local: Arc<dyn Any + Send + Sync>) {
        let _ = self.local.set(local);
    }

    /// The processor time used up to now. Takes the lock of the thread's processor for a moment.
    pub fn time(&self) -> &CpuTime {
        scheduler::charge_thread(self);
        &self.time
    }

    /// Says whether the thread is blocked, and in a wait of which kind.
    pub fn blocked(&self) -> Option<WaitKind> {
        match self.state.load(Ordering::Relaxed) {
            1 => Some(WaitKind::Uninterruptible),
            2 => Some(WaitKind::Killable),
            3 => Some(WaitKind::Interruptible),
            _ => None,
        }
    }

    /// Writes the thread's name and number without waiting, for a report of a panic.
    fn describe(&self, out: &mut dyn core::fmt::Write) -> core::fmt::Result {
        match self.name.try_lock() {
            Some(name) => write!(out, "{} ({})", *name, self.id),
            None => write!(out, "number {}", self.id),
        }
    }

    /// The work set at present.
    #[inline]
    pub fn work(&self) -> Work {
        Work::from_bits_retain(self.work.load(Ordering::Acquire))
    }

    /// The word that the work is in, for [`hal::UserContext::run`].
    #[inline]
    pub fn work_word(&self) -> &AtomicU32 {
        &self.work
    }

    /// Clears work that the thread has seen to. Called by the thread itself.
    pub fn clear_work(&self, work: Work) {
        self.work.fetch_and(!work.bits(), Ordering::AcqRel);
    }

    /// Gives the current thread work, to be seen to before it goes back to its program; ends no wait. May be called anywhere.
    pub(crate) fn note(&self, work: Work) {
        self.work.fetch_or(work.bits(), Ordering::Relaxed);
    }

    /// Gives the thread work: ends a wait that it interrupts, and brings it out of its program on whatever processor it runs.
    /// May be called anywhere.
    pub fn notify(self: &Arc<Self>, work: Work) {
        self.work.fetch_or(work.bits(), Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if interrupting(self.state.load(Ordering::SeqCst)).intersects(work) {
            scheduler::make_runnable(self);
            return;
        }
        // It may be in its program on another processor: an interrupt brings it out. On this one it looks at its work before
        // it goes back to its program, and so it does on the one that it may be moving to.
        let cpu = self.cpu();
        if cpu != hal::cpu::current() {
            hal::sched::send_reschedule(cpu);
        }
    }

    /// Ends the thread's wait, if it waits: it will look at its condition again. May be called anywhere.
    pub fn wake(self: &Arc<Self>) {
        fence(Ordering::SeqCst);
        if self.state.load(Ordering::SeqCst) != RUNNABLE {
            scheduler::make_runnable(self);
        }
    }

    /// Marks the thread as not waiting; says whether it was. Under the run queue's lock.
    pub(crate) fn unblock(&self) -> bool {
        let state = self.state.load(Ordering::SeqCst);
        if state == RUNNABLE || state == DEAD {
            return false;
        }
        self.state.store(RUNNABLE, Ordering::SeqCst);
        true
    }

    pub(crate) fn is_runnable(&self) -> bool {
        self.state.load(Ordering::SeqCst) == RUNNABLE
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.state.load(Ordering::SeqCst) == DEAD
    }

    pub(crate) fn mark_dead(&self) {
        self.state.store(DEAD, Ordering::SeqCst);
    }

    pub(crate) fn virtual_time(&self) -> u64 {
        self.virtual_time.load(Ordering::Relaxed)
    }

    pub(crate) fn raise_virtual_time(&self, floor: u64) {
        self.virtual_time.fetch_max(floor, Ordering::Relaxed);
    }

    /// Takes the thread's place in one queue over to another.
    pub(crate) fn rebase_virtual_time(&self, from: u64, to: u64) {
        let ahead = self.virtual_time().saturating_sub(from);
        self.virtual_time.store(to.saturating_add(ahead), Ordering::Relaxed);
    }

    /// How many nanoseconds of its turn a round-robin thread has had; a new turn begins when they are taken.
    pub(crate) fn turn(&self) -> &AtomicU64 {
        &self.turn
    }

    /// Adds time on the processor. Called by the scheduler on the thread's processor.
    pub(crate) fn charge(&self, nanos: u64, weight: Weight) {
        let grown = self.virtual_time().saturating_add(weight.virtual_nanos(nanos));
        self.virtual_time.store(grown, Ordering::Relaxed);
        self.time.add(nanos);
    }
}

fn entry(body: impl FnOnce() + Send + 'static) -> Box<dyn FnOnce() + Send> {
    Box::new(move || {
        scheduler::arrive();
        body();
    })
}

/// Makes and starts a kernel thread.
///
/// # Errors
/// [`NoMemory`] when there is none for its stack, or its place among the others.
pub fn spawn(
    name: &str,
    policy: Policy,
    body: impl FnOnce() + Send + 'static,
) -> Result<Arc<Thread>, NoMemory> {
    let thread = Thread::new_kernel(name, policy, body)?;
    thread.start();
    Ok(thread)
}

/// The thread that runs this.
#[expect(clippy::expect_used, reason = "from the scheduler's start on, every context belongs to a thread")]
pub fn current() -> Arc<Thread> {
    context::with_owner(|owner| owner.cloned())
        .and_then(|owner| owner.downcast().ok())
        .expect("a context without a thread")
}

/// Names the thread that a context belongs to in the report of a panic.
pub(crate) fn describe_owner(
    out: &mut dyn core::fmt::Write,
    owner: &hal::context::Owner,
) -> core::fmt::Result {
    match owner.downcast_ref::<Thread>() {
        Some(thread) => thread.describe(out),
        None => out.write_str("none"),
    }
}

/// Gives `f` the thread that runs this; `None` before the scheduler was started. Cheaper than [`current`].
#[inline]
pub fn with_current<R>(f: impl FnOnce(Option<&Thread>) -> R) -> R {
    context::with_owner(|owner| f(owner.and_then(|owner| owner.downcast_ref())))
}

/// Lets others of the same rank run first.
pub fn yield_now() {
    scheduler::yield_now();
}

/// The current thread on its way to a wait. [`announce`](Blocked::announce) comes before the condition is looked at, [`sleep`](Blocked::sleep) after: a wake-up in between
/// makes the sleep return at once.
pub(crate) struct Blocked {
    thread: Arc<Thread>,
    kind: WaitKind,
}

impl Blocked {
    pub(crate) fn new(kind: WaitKind) -> Self {
        Self { thread: current(), kind }
    }

    pub(crate) fn announce(&self) {
        self.thread.state.store(state_of(self.kind), Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Says whether there is work that ends a wait of this kind.
    pub(crate) fn interrupted(&self) -> bool {
        self.thread.work().intersects(interrupting(state_of(self.kind)))
    }

    pub(crate) fn sleep(&self, deadline: Option<Instant>) {
        if let (Some(deadline), Some(alarm)) = (deadline, self.thread.alarm.get()) {
            alarm.set(deadline);
            scheduler::schedule();
            alarm.cancel();
        } else {
            scheduler::schedule();
        }
    }

    pub(crate) fn withdraw(&self) {
        self.thread.state.store(RUNNABLE, Ordering::SeqCst);
    }
}
