//! Contexts: threads of the host that pass a baton.

use std::any::Any;
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::{NoMemory, Once, Space};

/// What a new context runs.
pub type Entry = Box<dyn FnOnce() + Send>;

/// Something that a processor can run: a stack and registers; with a [`Space`], a program's floating-point state and segment
/// bases too.
pub struct Context {
    entry: Mutex<Option<Entry>>,
    baton: Mutex<bool>,
    passed: Condvar,
    space: Mutex<Option<Arc<Space>>>,
    fs_base: AtomicU64,
    gs_base: AtomicU64,
    owner: Once<Owner>,
}

/// What a context belongs to.
pub type Owner = Arc<dyn Any + Send + Sync>;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Context>>> = const { RefCell::new(None) };
}

impl Context {
    /// A context that runs `entry` when it is first switched to: with interrupts on and a preempt count of 0. When `entry`
    /// returns, [`SchedulerHooks::exit`](crate::SchedulerHooks::exit) is called.
    ///
    /// # Errors
    /// [`NoMemory`] when there is none for a stack.
    pub fn new(entry: Entry) -> Result<Arc<Self>, NoMemory> {
        Ok(Arc::new(Self::empty(Some(entry))))
    }

    /// As [`Context::new`], for a thread that runs a program: with a copy of the current context's floating-point state and
    /// segment bases if `copy_current`, else with those that a new program has.
    ///
    /// # Errors
    /// [`NoMemory`] when there is none for a stack or the state.
    pub fn new_user(entry: Entry, copy_current: bool) -> Result<Arc<Self>, NoMemory> {
        let context = Self::empty(Some(entry));
        if let (true, Some(current)) = (copy_current, current()) {
            context.set_fs_base(current.fs_base());
            context.set_gs_base(current.gs_base());
        }
        Ok(Arc::new(context))
    }

    /// The context that is running, which nobody made: that of the boot. Once on each processor.
    pub fn adopt_boot() -> Arc<Self> {
        let context = Arc::new(Self::empty(None));
        CURRENT.set(Some(context.clone()));
        context
    }

    fn empty(entry: Option<Entry>) -> Self {
        Self {
            entry: Mutex::new(entry),
            baton: Mutex::new(false),
            passed: Condvar::new(),
            space: Mutex::new(None),
            fs_base: AtomicU64::new(0),
            gs_base: AtomicU64::new(0),
            owner: Once::new(),
        }
    }

    /// Names what the context belongs to, once; a second call changes nothing.
    pub fn set_owner(&self, owner: Owner) {
        let _ = self.owner.set(owner);
    }

    /// Gives the context an address space; for the current one it takes effect at once.
    pub fn set_space(&self, space: Option<Arc<Space>>) {
        *self.space.lock().unwrap_or_else(PoisonError::into_inner) = space;
    }

    /// The address space.
    pub fn space(&self) -> Option<Arc<Space>> {
        self.space.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The base of the FS segment (of the current context, or of one that is not running).
    pub fn fs_base(&self) -> u64 {
        self.fs_base.load(Ordering::Relaxed)
    }

    /// Sets the base of the FS segment; an address that programs cannot use becomes 0.
    pub fn set_fs_base(&self, base: u64) {
        self.fs_base.store(base, Ordering::Relaxed);
    }

    /// The base of the GS segment.
    pub fn gs_base(&self) -> u64 {
        self.gs_base.load(Ordering::Relaxed)
    }

    /// Sets the base of the GS segment.
    pub fn set_gs_base(&self, base: u64) {
        self.gs_base.store(base, Ordering::Relaxed);
    }

    /// Tells who called what the context waits in, which nobody knows here.
    pub fn callers(&self, _tell: impl FnMut(std::fmt::Arguments<'_>)) -> bool {
        false
    }

    fn pass_baton(&self) {
        *self.baton.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.passed.notify_one();
    }

    fn await_baton(&self) {
        let mut baton = self.baton.lock().unwrap_or_else(PoisonError::into_inner);
        while !*baton {
            baton = self.passed.wait(baton).unwrap_or_else(PoisonError::into_inner);
        }
        *baton = false;
    }
}

/// The context that runs this; `None` before the boot context was adopted.
pub fn current() -> Option<Arc<Context>> {
    CURRENT.with_borrow(Clone::clone)
}

/// Gives `f` what the current context belongs to. The reference is free: the context cannot end while it runs this.
pub fn with_owner<R>(f: impl FnOnce(Option<&Owner>) -> R) -> R {
    let current = current();
    f(current.as_ref().and_then(|context| context.owner.get()))
}

/// The current context's address space.
pub(crate) fn current_space() -> Option<Arc<Space>> {
    CURRENT.with_borrow(|current| current.as_ref().and_then(|context| context.space()))
}

/// Switches this processor to `next` and returns when somebody switches back. Called with interrupts off and a preempt count
/// of 1. Waits until `next` has left the processor that it may still be on.
///
/// Nothing of the caller's needs to outlive the switch: a context that is never switched back to leaks nothing.
pub fn switch_to(next: Arc<Context>) {
    crate::lock_check::check_nothing_held("switch to another thread");
    crate::rcu::check_not_reading();
    let Some(current) = current() else { return };
    if Arc::ptr_eq(&current, &next) {
        return;
    }
    let entry = next.entry.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(entry) = entry {
        let next = next.clone();
        std::thread::spawn(move || {
            CURRENT.set(Some(next.clone()));
            next.await_baton();
            drop(next);
            super::irq_restore(true);
            entry();
            if let Some(hooks) = crate::sched::hooks() {
                hooks.exit();
            }
        });
    }
    next.pass_baton();
    current.await_baton();
}

/// Gives the memory of the stacks back that are kept for the next contexts: the host keeps none.
pub fn trim_stacks() {}
