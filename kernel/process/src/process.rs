//! A process: the threads that are one program, and what they have in common.

use crate::limits::Limits;
use crate::lock_classes;
use crate::signal::Signals;
use crate::thread::{Name, Thread};
use crate::timer::Timers;
use crate::usage::{Accounts, Usage};
use crate::user::Place;
use abi::Errno;
use alloc::sync::Arc;
use chroma::Cred;
use chronos::WaitQueue;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use hal::{Instant, Once, SpinIrqGuard, SpinLock};

/// A process.
pub struct Process {
    pid: u32,
    /// As the tree has it, for who only wants to know: changed with the tree's lock held.
    parent: AtomicU32,
    pub(crate) signals: SpinLock<Signals>,
    /// Where it waits for its children.
    pub(crate) child_events: WaitQueue,
    /// Where its threads wait for the end of a stop, or one of them for the others' end.
    pub(crate) thread_events: WaitQueue,
    /// Where those wait who read its signals from a file.
    pub(crate) signal_events: Arc<WaitQueue>,
    /// Where those wait who watch a descriptor of it for its end.
    pub(crate) end_events: Arc<WaitQueue>,
    /// Its limits.
    pub limits: Limits,
    pub(crate) accounts: SpinLock<Accounts>,
    pub(crate) timers: Timers,
    /// Who it is, for others; each thread's own identity decides what that thread may do.
    cred: SpinLock<Arc<Cred>>,
    /// What its first thread was called when it ended.
    last_name: SpinLock<Name>,
    /// How much rather than others it is ended when memory is short: -1000 to 1000.
    pub(crate) oom_adjustment: AtomicI32,
    /// It was ended because memory was short.
    pub(crate) has_been_chosen: AtomicBool,
    /// It gave its terminal up without leading the session.
    pub(crate) has_left_terminal: AtomicBool,
    /// Its place among its user's threads, when it has ended.
    pub(crate) place: Once<Place>,
    started: Instant,
}

impl Process {
    pub(crate) fn new(pid: u32, signals: Signals, limits: Limits, cred: Arc<Cred>) -> Self {
        Self {
            pid,
            parent: AtomicU32::new(0),
            signals: SpinLock::new(&lock_classes::SIGNALS, signals),
            child_events: WaitQueue::new(),
            thread_events: WaitQueue::new(),
            signal_events: Arc::new(WaitQueue::new()),
            end_events: Arc::new(WaitQueue::new()),
            limits,
            accounts: SpinLock::new(&lock_classes::ACCOUNTS, Accounts::default()),
            timers: Timers::new(),
            cred: SpinLock::new(&lock_classes::PARTS, cred),
            last_name: SpinLock::new(&lock_classes::PARTS, Name::default()),
            oom_adjustment: AtomicI32::new(0),
            has_been_chosen: AtomicBool::new(false),
            has_left_terminal: AtomicBool::new(false),
            place: Once::new(),
            started: chronos::clock::now(),
        }
    }

    /// Its number.
    #[inline]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The number of its parent; 0 for the first process.
    #[inline]
    pub fn parent(&self) -> u32 {
        self.parent.load(Ordering::Relaxed)
    }

    /// Notes another parent. Called with the tree locked.
    pub(crate) fn set_parent(&self, parent: u32) {
        self.parent.store(parent, Ordering::Relaxed);
    }

    /// Whether it is the first process, which no signal ends by default.
    pub fn is_init(&self) -> bool {
        self.pid == 1
    }

    /// Who it is.
    pub fn cred(&self) -> Arc<Cred> {
        self.cred.lock().clone()
    }

    pub(crate) fn set_cred(&self, cred: Arc<Cred>) {
        let old = core::mem::replace(&mut *self.cred.lock(), cred);
        drop(old);
    }

    /// What its first thread was called when it ended: a zombie's name.
    pub fn last_name(&self) -> Name {
        *self.last_name.lock()
    }

    pub(crate) fn set_last_name(&self, name: Name) {
        *self.last_name.lock() = name;
    }

    /// When it was made.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// What signals do to it, locked. Nothing may be allocated or freed meanwhile.
    pub fn lock_signals(&self) -> SpinIrqGuard<'_, Signals> {
        self.signals.lock_irq()
    }

    /// Its threads that have not ended, oldest first.
    pub fn threads(&self) -> alloc::vec::Vec<Arc<Thread>> {
        loop {
            let wanted = self.signals.lock_irq().threads.len();
            let mut threads = alloc::vec::Vec::with_capacity(wanted);
            let signals = self.signals.lock_irq();
            if signals.threads.len() <= threads.capacity() {
                threads.extend(signals.threads.iter().cloned());
                return threads;
            }
        }
    }

    /// One of those that go on: the first, unless that has ended.
    pub fn main_thread(&self) -> Option<Arc<Thread>> {
        self.signals.lock_irq().threads.first().cloned()
    }

    /// The thread that bears its number, unless that has ended.
    pub fn first_thread(&self) -> Option<Arc<Thread>> {
        let signals = self.signals.lock_irq();
        signals.threads.iter().find(|thread| thread.tid() == self.pid()).cloned()
    }

    /// How many threads others see: the first one counts until the last has ended.
    pub fn visible_threads(&self) -> usize {
        let signals = self.signals.lock_irq();
        let has_first = signals.threads.iter().any(|thread| thread.tid() == self.pid());
        signals.threads.len() + usize::from(!has_first)
    }

    /// How many threads it has.
    pub fn thread_count(&self) -> usize {
        self.signals.lock_irq().threads.len()
    }

    /// The processor time and other means it used so far, without its children's.
    pub fn usage(&self) -> Usage {
        let mut usage = self.accounts.lock_irq().own;
        for thread in self.threads() {
            usage.add(&Usage::of_thread(&thread));
        }
        usage
    }

    /// The means used by its children that were waited for.
    pub fn children_usage(&self) -> Usage {
        self.accounts.lock_irq().children
    }

    /// How much rather than others it is ended when memory is short.
    pub fn oom_adjustment(&self) -> i32 {
        self.oom_adjustment.load(Ordering::Relaxed)
    }

    /// See [`Process::oom_adjustment`].
    ///
    /// # Errors
    /// `EINVAL`: out of -1000 to 1000.
    pub fn set_oom_adjustment(&self, adjustment: i32) -> Result<(), Errno> {
        if !(-1000..=1000).contains(&adjustment) {
            return Err(Errno::EINVAL);
        }
        self.oom_adjustment.store(adjustment, Ordering::Relaxed);
        Ok(())
    }

    /// Whether it was ended because memory was short.
    pub(crate) fn is_chosen(&self) -> bool {
        self.has_been_chosen.load(Ordering::Relaxed)
    }
}
