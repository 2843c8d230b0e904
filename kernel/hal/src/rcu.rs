//! Values that are read without a lock while others replace them (read, copy, update).
//!
//! An [`Rcu`] cell holds a value or nothing. Whoever reads takes no lock and writes nothing that another processor reads: in a
//! [`Section`], preemption off, it follows a pointer and looks. Whoever changes the cell puts another value in its place; the old one
//! is *retired*, and dropped when nobody can look at it any more.
//!
//! - A reader cannot leave the processor, so a processor that is seen outside of every section once has none that began
//!   before. When each processor was seen so after a value was retired, the *grace period* is over. Who asks interrupts the
//!   others (`arch::rcu`); one that waits for an interrupt is not asked, and on a single processor there is nobody to ask.
//! - Retiring cannot fail: a value is published in a box that has room for the link.
//! - What is retired waits in a list of its processor until [`collect`] is called. When, and by whom, is decided above: by who
//!   registers [`Hooks`].
//!
//! A reader sees what the cell held at some moment of the section. What it learns may be outdated when it uses it; so a
//! value that stands for an object holds a `Weak` of it, and to upgrade it is to ask whether the object is still there.

use core::marker::PhantomData;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use crate::arch::rcu::{self as readers, Period};
use crate::cpu::{self, CpuId};
use crate::{Once, PerCpu, TryLock, preempt};

/// After each so many values that a processor has retired, who collects is told.
pub const BATCH: usize = 16;

/// A value for readers that take no lock, or nothing.
pub struct Rcu<T: Send + Sync + 'static> {
    value: AtomicPtr<Node<T>>,
    owns: PhantomData<Node<T>>,
}

// SAFETY: readers on all processors get `&T`, and a retired value is dropped by some other thread.
unsafe impl<T: Send + Sync + 'static> Sync for Rcu<T> {}
// SAFETY: owning the cell is owning the value.
unsafe impl<T: Send + Sync + 'static> Send for Rcu<T> {}

/// What all nodes begin with, whatever they hold.
struct Head {
    next: *mut Head,
    /// Drops the node that begins with this head.
    discard: unsafe fn(*mut Head),
}

#[repr(C)]
struct Node<T> {
    head: Head,
    value: T,
}

impl<T: Send + Sync + 'static> Rcu<T> {
    /// How much memory a value takes that is in a cell.
    pub const VALUE_BYTES: usize = size_of::<Node<T>>();

    /// A cell that holds nothing.
    pub const fn empty() -> Self {
        Self { value: AtomicPtr::new(ptr::null_mut()), owns: PhantomData }
    }

    /// A cell that holds a value.
    pub fn new(value: T) -> Self {
        Self { value: AtomicPtr::new(publishable(value)), owns: PhantomData }
    }

    /// What the cell holds. Takes no lock and never waits.
    #[inline]
    pub fn get<'a>(&'a self, _section: &'a Section) -> Option<&'a T> {
        let node = self.value.load(Ordering::Acquire);
        // SAFETY: the pointer is null or a node that was published with its content. It was in the cell within this section, so
        // it was retired in it or not yet; no grace period that began since then ends before the section does. The reference is
        // to the value only: who retires the node writes to its head.
        (!node.is_null()).then(|| unsafe { &(*node).value })
    }

    /// As [`read`], for one cell: gives `look` what it holds.
    #[inline]
    pub fn read<R>(&self, look: impl FnOnce(Option<&T>) -> R) -> R {
        read(|section| look(self.get(section)))
    }

    /// Says whether the cell holds nothing at this moment.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.value.load(Ordering::Relaxed).is_null()
    }

    /// Puts another value (or nothing) into the cell, at once for all readers, and retires the one that was there. Allocates, but
    /// not in order to retire. May be called with spinlocks held that rank below a wait queue's.
    #[inline]
    pub fn replace(&self, value: Option<T>) {
        let new = value.map_or(ptr::null_mut(), publishable);
        let old = self.value.swap(new, Ordering::AcqRel);
        if !old.is_null() {
            // SAFETY: the swap took the node out of its only cell.
            unsafe { retire(old.cast()) };
        }
    }
}

impl<T: Send + Sync + 'static> Drop for Rcu<T> {
    fn drop(&mut self) {
        /// # Safety
        /// The node was in a cell, and nobody uses it any more.
        #[inline(never)]
        unsafe fn discard<T>(node: *mut Node<T>) {
            // SAFETY: the caller's contract.
            drop(unsafe { alloc::boxed::Box::from_raw(node) });
        }
        let node = *self.value.get_mut();
        if !node.is_null() {
            // Apart, for most cells of many hold nothing.
            // SAFETY: the node is the cell's, and who reads borrows the cell, which nobody does any more.
            unsafe { discard(node) };
        }
    }
}

/// A value in a box with room for the link.
#[inline]
fn publishable<T>(value: T) -> *mut Node<T> {
    /// # Safety
    /// The head is that of a `Node<T>` in a box of its own, which nobody uses any more.
    unsafe fn discard<T>(head: *mut Head) {
        // SAFETY: the caller's contract; the head is the node's first field.
        drop(unsafe { alloc::boxed::Box::from_raw(head.cast::<Node<T>>()) });
    }
    let head = Head { next: ptr::null_mut(), discard: discard::<T> };
    alloc::boxed::Box::into_raw(alloc::boxed::Box::new(Node { head, value }))
}

/// Refuses to leave the processor within a section: whoever runs next would be taken for proof that it has ended.
#[inline]
pub(crate) fn check_not_reading() {
    if readers::reading() {
        refuse();
    }
}

#[cold]
#[expect(
    clippy::panic,
    reason = "what is looked at could be dropped meanwhile; only a bug of the kernel gets here"
)]
fn refuse() -> ! {
    panic!("a switch to another thread while reading without a lock")
}

/// A time in which what is read stays; see [`read`].
pub struct Section(PhantomData<*mut ()>);

/// Runs `look` in a section. May be called anywhere, and nested. Preemption is off meanwhile: `look` must not sleep (a switch to
/// another thread from within is a panic). What it gives back cannot refer to what was read.
#[inline]
pub fn read<R>(look: impl FnOnce(&Section) -> R) -> R {
    readers::enter();
    // Made here and lent: what its user could forget would never end.
    let section = Section(PhantomData);
    look(&section)
}

impl Drop for Section {
    #[inline]
    fn drop(&mut self) {
        readers::leave();
    }
}

/// Nodes that nobody can find any more, newest first.
struct Retired {
    first: AtomicPtr<Head>,
    count: AtomicUsize,
}

static RETIRED: PerCpu<Retired> = PerCpu::new(
    [const { Retired { first: AtomicPtr::new(ptr::null_mut()), count: AtomicUsize::new(0) } }; cpu::MAX],
);

/// # Safety
/// Nobody else retires the node, and no cell holds it.
#[inline]
unsafe fn retire(node: *mut Head) {
    // Any list will do; that of this processor is rarely used by two at a time.
    let list = RETIRED.of(cpu::current());
    let mut first = list.first.load(Ordering::Relaxed);
    loop {
        // SAFETY: the node is the caller's; readers look at the value beside the head only.
        unsafe { (*node).next = first };
        match list.first.compare_exchange_weak(first, node, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => break,
            Err(other) => first = other,
        }
    }
    if first.is_null() {
        list.count.store(1, Ordering::Relaxed);
        return note(1);
    }
    let count = list.count.fetch_add(1, Ordering::Relaxed) + 1;
    if count.is_multiple_of(BATCH) {
        note(count);
    }
}

#[cold]
fn note(count: usize) {
    match HOOKS.get() {
        Some(hooks) => hooks.retired(count),
        None => readers::without_hooks(),
    }
}

/// Who sees to it that [`collect`] is called.
pub trait Hooks: Sync {
    /// This processor has retired so many values that nobody has collected: the first, or a multiple of [`BATCH`]. Called
    /// wherever a cell is changed; must not sleep.
    fn retired(&self, count: usize);
}

static HOOKS: Once<&'static dyn Hooks> = Once::new();

/// Registers who collects, once; a second call changes nothing.
pub fn register(hooks: &'static dyn Hooks) {
    let _ = HOOKS.set(hooks);
}

/// Nodes linked by their heads, owned.
struct Chain(*mut Head);

// SAFETY: every retired value is `Send`, and the chain owns it.
unsafe impl Send for Chain {}

impl Chain {
    /// Takes what processor after processor has retired; what one has that is not online yet, later.
    fn take_all() -> Self {
        let mut all = Self(ptr::null_mut());
        for index in 0..cpu::online() {
            let list = RETIRED.of(CpuId::new(index as u32));
            if list.first.load(Ordering::Relaxed).is_null() {
                continue;
            }
            let mut node = list.first.swap(ptr::null_mut(), Ordering::Acquire);
            while !node.is_null() {
                // SAFETY: the swap took the nodes; they are linked in this chain only.
                unsafe {
                    let next = (*node).next;
                    (*node).next = all.0;
                    all.0 = node;
                    node = next;
                }
            }
        }
        all
    }

    /// # Safety
    /// Nobody reads the values any more: a grace period has passed since the last of them was retired.
    unsafe fn discard(self) {
        let mut node = self.0;
        while !node.is_null() {
            // SAFETY: the chain owns its nodes, and nobody reads them (the caller's contract).
            unsafe {
                let Head { next, discard } = node.read();
                discard(node);
                node = next;
            }
        }
    }
}

/// A grace period under way, and what is dropped at its end.
struct Waiting {
    period: Period,
    chain: Chain,
}

static WAITING: TryLock<Option<Waiting>> = TryLock::new(None);
/// Periods that have begun, and those whose values have been dropped.
static BEGUN: AtomicUsize = AtomicUsize::new(0);
static ENDED: AtomicUsize = AtomicUsize::new(0);

/// How many periods have begun, and of how many the values have been dropped. What is retired before a call goes with the next
/// one that begins, at the latest.
pub fn periods() -> (usize, usize) {
    (BEGUN.load(Ordering::Acquire), ENDED.load(Ordering::Acquire))
}

/// Drops retired values whose grace period is over, and begins the next one. Says whether nothing is left that waits: if not,
/// call again in a while. Called with preemption on; may sleep, if dropping a value does.
pub fn collect() -> bool {
    loop {
        // Who holds this must go on: all others, of whatever priority, find it held.
        let here = preempt::disable();
        let Some(mut waiting) = WAITING.try_lock() else { return false };
        let over = match &mut *waiting {
            None => true,
            Some(Waiting { period, .. }) => period.is_over(),
        };
        if !over {
            return false;
        }
        let dropped = waiting.take();
        let chain = Chain::take_all();
        let done = chain.0.is_null();
        if !done {
            *waiting = Some(Waiting { chain, period: Period::begin() });
            BEGUN.fetch_add(1, Ordering::AcqRel);
        }
        drop(waiting);
        drop(here);
        if let Some(Waiting { chain, .. }) = dropped {
            // SAFETY: the chain was taken before its period began, and that is over.
            unsafe { chain.discard() };
            ENDED.fetch_add(1, Ordering::AcqRel);
        }
        if done {
            return true;
        }
    }
}

#[cfg(test)]
mod tests;
