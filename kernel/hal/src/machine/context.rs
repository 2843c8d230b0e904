//! Contexts: what a processor can run, and switching from one to another.
//!
//! A context is *owned* by the processor that runs it or is about to: [`Context::owned`] is taken by who switches to it and
//! given up by whoever runs next on the processor that left it, on another stack. The processor's area holds one count of
//! the context that runs, so its stack stays until it was left.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::any::Any;
use core::arch::{asm, naked_asm};
use core::cell::UnsafeCell;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::area::{self, Area};
use super::backtrace::{self, Place};
use super::stack::Stack;
use super::{fpu, segments};
use crate::{LockClass, NoMemory, Once, Space, SpinLock, USER_END};

/// What a new context runs.
pub type Entry = Box<dyn FnOnce() + Send>;
/// What a context belongs to.
pub type Owner = Arc<dyn Any + Send + Sync>;

/// Something that a processor can run: a stack and registers; with a [`Space`], a program's floating-point state and segment
/// bases too.
pub struct Context {
    /// Where the context goes on when it is not running. Used by its owner.
    stack_pointer: UnsafeCell<u64>,
    /// What it runs first; taken by itself.
    entry: UnsafeCell<Option<Entry>>,
    owned: AtomicBool,
    /// The root of the space's tables, or 0.
    tables: AtomicU64,
    space: SpinLock<Option<Arc<Space>>>,
    user: Option<User>,
    owner: Once<Owner>,
    /// The boot context's stack is never given back.
    _stack: Option<Stack>,
}

/// What only contexts of programs have.
struct User {
    fpu: fpu::Saved,
    fs_base: AtomicU64,
    gs_base: AtomicU64,
}

// SAFETY: the cells are used by the owner only.
unsafe impl Sync for Context {}
// SAFETY: nothing in a context belongs to a thread or processor when it is not owned.
unsafe impl Send for Context {}

static SPACE_CLASS: LockClass = LockClass::new("context's space", 720);

impl Context {
    /// A context that runs `entry` when it is first switched to: with interrupts on and a preempt count of 0. When `entry`
    /// returns, [`SchedulerHooks::exit`](crate::SchedulerHooks::exit) is called.
    ///
    /// # Errors
    /// [`NoMemory`] when there is none for a stack.
    pub fn new(entry: Entry) -> Result<Arc<Self>, NoMemory> {
        Self::with_stack(entry, None)
    }

    /// As [`Context::new`], for a thread that runs a program: with a copy of the current context's floating-point state and
    /// segment bases if `copy_current`, else with those that a new program has.
    ///
    /// # Errors
    /// [`NoMemory`] when there is none for a stack or the state.
    pub fn new_user(entry: Entry, copy_current: bool) -> Result<Arc<Self>, NoMemory> {
        let mut user =
            User { fpu: fpu::Saved::new()?, fs_base: AtomicU64::new(0), gs_base: AtomicU64::new(0) };
        // In a kernel thread the registers hold some other program's state.
        if copy_current && current().is_some_and(|current| current.user.is_some()) {
            let _guard = crate::preempt::disable();
            user.fpu.copy_registers();
            user.fs_base.store(segments::fs_base(), Ordering::Relaxed);
            user.gs_base.store(segments::user_gs_base(), Ordering::Relaxed);
        }
        Self::with_stack(entry, Some(user))
    }

    fn with_stack(entry: Entry, user: Option<User>) -> Result<Arc<Self>, NoMemory> {
        let stack = Stack::new()?;
        let first = stack.top() - FIRST_FRAME;
        // SAFETY: the stack is new, mapped and ours. The frame is what `switch_stacks` pops: six registers, then where it
        // returns to; one word more keeps the alignment that a called function expects.
        unsafe {
            let frame = first as *mut [u64; FIRST_FRAME as usize / 8];
            *frame = [0, 0, 0, 0, 0, 0, begin as *const () as u64, 0];
        }
        Ok(Arc::new(Self {
            stack_pointer: UnsafeCell::new(first),
            entry: UnsafeCell::new(Some(entry)),
            owned: AtomicBool::new(false),
            tables: AtomicU64::new(0),
            space: SpinLock::new(&SPACE_CLASS, None),
            user,
            owner: Once::new(),
            _stack: Some(stack),
        }))
    }

    /// The context that is running, which nobody made: that of the boot. Once on each processor.
    pub fn adopt_boot() -> Arc<Self> {
        if let Some(current) = current() {
            return current;
        }
        let context = Arc::new(Self {
            stack_pointer: UnsafeCell::new(0),
            entry: UnsafeCell::new(None),
            owned: AtomicBool::new(true),
            tables: AtomicU64::new(0),
            space: SpinLock::new(&SPACE_CLASS, None),
            user: None,
            owner: Once::new(),
            _stack: None,
        });
        let _guard = crate::preempt::disable();
        // SAFETY: this processor's own, and it was null: nothing ran as a context before.
        unsafe { *area::current().current.get() = Arc::into_raw(context.clone()) };
        context
    }

    fn is_current(&self) -> bool {
        // SAFETY: reads a word of this processor's; while this context runs, it stays the same wherever that is.
        core::ptr::eq(unsafe { *area::current().current.get() }, self)
    }

    /// Names what the context belongs to, once; a second call changes nothing.
    pub fn set_owner(&self, owner: Owner) {
        let _ = self.owner.set(owner);
    }

    /// Gives the context an address space; for the current one it takes effect at once. Waits for another one to be left by
    /// the processor that runs it.
    pub fn set_space(&self, space: Option<Arc<Space>>) {
        let root = space.as_ref().map_or(0, |space| space.root());
        let guard = crate::preempt::disable();
        let current = self.is_current();
        if !current {
            self.own();
        }
        self.tables.store(root, Ordering::Relaxed);
        let before = core::mem::replace(&mut *self.space.lock(), space);
        if !current {
            self.owned.store(false, Ordering::Release);
        } else if root != 0 {
            Space::load(root);
        } else {
            area::current().translations.begin_lazy();
        }
        drop(guard);
        // Not under the locks: this may be the last count.
        drop(before);
    }

    /// The address space.
    pub fn space(&self) -> Option<Arc<Space>> {
        self.space.lock().clone()
    }

    /// The base of the FS segment (of the current context, or of one that is not running).
    pub fn fs_base(&self) -> u64 {
        let _guard = crate::preempt::disable();
        match &self.user {
            Some(_) if self.is_current() => segments::fs_base(),
            Some(user) => user.fs_base.load(Ordering::Relaxed),
            None => 0,
        }
    }

    /// Sets the base of the FS segment; an address that programs cannot use becomes 0.
    pub fn set_fs_base(&self, base: u64) {
        let _guard = crate::preempt::disable();
        let base = if base < USER_END { base } else { 0 };
        if let Some(user) = &self.user {
            user.fs_base.store(base, Ordering::Relaxed);
            if self.is_current() {
                segments::set_fs_base(base);
            }
        }
    }

    /// The base of the GS segment.
    pub fn gs_base(&self) -> u64 {
        let _guard = crate::preempt::disable();
        match &self.user {
            Some(_) if self.is_current() => segments::user_gs_base(),
            Some(user) => user.gs_base.load(Ordering::Relaxed),
            None => 0,
        }
    }

    /// Sets the base of the GS segment.
    pub fn set_gs_base(&self, base: u64) {
        let _guard = crate::preempt::disable();
        let base = if base < USER_END { base } else { 0 };
        if let Some(user) = &self.user {
            user.gs_base.store(base, Ordering::Relaxed);
            if self.is_current() {
                segments::set_user_gs_base(base);
            }
        }
    }

    /// Tells where the context goes on when it is switched to, and who called that, and so on. Says whether it could: not
    /// while the context runs.
    pub fn callers(&self, mut tell: impl FnMut(fmt::Arguments<'_>)) -> bool {
        let mut addresses = [0; backtrace::DEPTH];
        {
            // Who wants to switch to the context waits for this processor meanwhile.
            let _guard = crate::preempt::disable();
            if self.owned.swap(true, Ordering::Acquire) {
                return false;
            }
            // SAFETY: this processor owns the context, so its stack holds what `switch_stacks` left or `with_stack` made.
            let [frame, place] =
                unsafe { ((*self.stack_pointer.get() + LEFT_FRAME) as *const [u64; 2]).read() };
            let all = core::iter::once(place).chain(backtrace::callers(frame));
            addresses.iter_mut().zip(all).for_each(|(to, from)| *to = from);
            self.owned.store(false, Ordering::Release);
        }
        for address in addresses.into_iter().take_while(|&address| address != 0) {
            tell(format_args!("{}", Place(address)));
        }
        true
    }

    /// Becomes the owner, when the processor that runs the context has left it.
    #[inline]
    fn own(&self) {
        while self.owned.swap(true, Ordering::Acquire) {
            super::spin_hint();
        }
    }
}

/// The context that runs this; `None` before the boot context was adopted.
pub fn current() -> Option<Arc<Context>> {
    let _guard = crate::preempt::disable();
    // SAFETY: this processor's own word.
    let current = unsafe { *area::current().current.get() };
    if current.is_null() {
        return None;
    }
    // SAFETY: the area holds a count of the context, so that it lives, and one more can be made.
    unsafe {
        Arc::increment_strong_count(current);
        Some(Arc::from_raw(current))
    }
}

/// Gives `f` what the current context belongs to. The reference is free: the context cannot end while it runs this.
#[inline]
pub fn with_owner<R>(f: impl FnOnce(Option<&Owner>) -> R) -> R {
    let current: *const Context;
    // SAFETY: one instruction reads this processor's word, so that no switch to another processor comes in between; the
    // area that runs a context holds a count of it, so it outlives what it runs.
    let current = unsafe {
        asm!("mov {}, gs:[{}]", out(reg) current, const area::offset::CURRENT, options(nostack, preserves_flags, readonly));
        current.as_ref()
    };
    f(current.and_then(|context| context.owner.get()))
}

/// What the context belongs to that a processor ran when it stopped.
///
/// # Safety
/// The processor has stopped for good.
pub(super) unsafe fn owner_on_stopped(cpu: usize) -> Option<&'static Owner> {
    let current = area::of(cpu)?.current.get();
    // SAFETY: nobody changes the word any more, and the area's count of the context stays.
    unsafe { (*current).as_ref() }.and_then(|context| context.owner.get())
}

/// Gives the memory of the stacks back that are kept for the next contexts.
pub fn trim_stacks() {
    super::stack::trim();
}

/// Switches this processor to `next` and returns when somebody switches back. Called with interrupts off and a preempt count
/// of 1. Waits until `next` has left the processor that it may still be on.
///
/// Nothing of the caller's needs to outlive the switch: a context that is never switched back to leaks nothing. The context
/// that was left may lose its last count in here.
#[inline]
pub fn switch_to(next: Arc<Context>) {
    crate::lock_check::check_nothing_held("switch to another thread");
    crate::rcu::check_not_reading();
    let interrupts = super::irq_save();
    let area = area::current();
    // SAFETY: this processor's own word; interrupts are off.
    let current = unsafe { *area.current.get() };
    if !current.is_null() && !core::ptr::eq(current, Arc::as_ptr(&next)) {
        next.own();
        // SAFETY: the area holds a count of the current context; `next` is ours now; interrupts are off.
        unsafe { exchange(area, &*current, next) };
    }
    super::irq_restore(interrupts);
}

/// # Safety
/// Interrupts are off; `current` runs on this processor, which owns `next`.
#[inline]
unsafe fn exchange(area: &'static Area, current: &Context, next: Arc<Context>) {
    // SAFETY: this processor owns both contexts, and the area's cells are its own.
    unsafe {
        if let Some(user) = &current.user {
            user.fpu.save();
            user.fs_base.store(segments::fs_base(), Ordering::Relaxed);
            user.gs_base.store(segments::user_gs_base(), Ordering::Relaxed);
        }
        if let Some(user) = &next.user {
            user.fpu.restore();
            segments::set_for_user(
                user.fs_base.load(Ordering::Relaxed),
                user.gs_base.load(Ordering::Relaxed),
            );
        }
        let tables = next.tables.load(Ordering::Relaxed);
        if tables != 0 {
            Space::load(tables);
        } else {
            area.translations.begin_lazy();
        }
        *area.previous.get() = current;
        let next = Arc::into_raw(next);
        *area.current.get() = next;
        switch_stacks(current.stack_pointer.get(), *(*next).stack_pointer.get());
        finish();
    }
}

/// Lets go of the context that this processor has left. The first thing on every new stack.
///
/// # Safety
/// Called once after each switch of stacks, with interrupts off.
#[inline]
unsafe fn finish() {
    let area = area::current();
    // SAFETY: `exchange` put the context's count there, on this processor, and nobody else takes it.
    let previous = unsafe {
        let previous = core::ptr::replace(area.previous.get(), core::ptr::null());
        Arc::from_raw(previous)
    };
    previous.owned.store(false, Ordering::Release);
}

/// How far above the stack pointer of a context that was left its frame pointer is; where it goes on follows.
const LEFT_FRAME: u64 = 40;
/// Bytes of the frame that a new context starts with.
const FIRST_FRAME: u64 = 64;

/// Saves the registers that a function keeps on the stack and the stack's address in `*save`; goes on where `to` was left.
///
/// # Safety
/// `to` is a stack left by this function, or a new one with such a frame.
#[unsafe(naked)]
unsafe extern "C" fn switch_stacks(save: *mut u64, to: u64) {
    naked_asm!(
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov [rdi], rsp",
        "mov rsp, rsi",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
    )
}

/// Where a new context begins, on its own stack.
///
/// # Safety
/// Only the first switch to a context may come here.
unsafe extern "C" fn begin() -> ! {
    // SAFETY: the first thing after the switch; the current context's entry is taken by itself, once.
    let entry = unsafe {
        finish();
        (*(**area::current().current.get()).entry.get()).take()
    };
    area::preempt_reset();
    super::irq_restore(true);
    if let Some(entry) = entry {
        entry();
    }
    match crate::sched::hooks() {
        Some(hooks) => hooks.exit(),
        // Whoever switches without a scheduler takes the processor back by itself.
        None => loop {
            super::cpu::wait_for_interrupt();
        },
    }
}

/// Leaves the stack of the boot, which has no guard, for one that has.
#[expect(clippy::panic, reason = "bring-up: there is memory, or no kernel")]
pub(super) fn leave_boot_stack(main: extern "C" fn() -> !) -> ! {
    let Ok(stack) = Stack::new() else { panic!("no memory for the first stack") };
    let top = stack.top();
    core::mem::forget(stack);
    // SAFETY: the stack is new and stays; nothing on the old one is used again.
    unsafe { asm!("mov rsp, {}", "xor ebp, ebp", "call {}", in(reg) top, in(reg) main, options(noreturn)) }
}
