//! Telling other processors to forget translations, and waiting until all have.
//!
//! A processor that asks fills its own [`Request`], sets its bit in the [`Inbox`] of each processor that may hold one of the
//! translations, and interrupts them. Who waits serves what others ask of him meanwhile, and so does who spins for a lock:
//! no two processors can wait for each other, whatever their interrupt flags say.
//!
//! Which processors may hold translations is known from the tables that each has loaded. A processor that runs a kernel
//! thread, or nothing, keeps the last program's tables loaded and is *lazy*: it uses none of their translations, so it is not
//! interrupted but marked as stale, and forgets them all before it runs that program again. When tables themselves are given
//! back it is told like the others, as it may walk through them on its own.

use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering, fence};

use super::{apic, area, cpu, irq, kernel_map, paging, register};
use crate::cpu::CpuId;

/// Addresses that are invalidated one by one; with more, everything is.
pub(super) const ADDRESSES: usize = 24;

/// The translations that a processor uses.
pub(super) struct Translations {
    /// The root of the page tables in CR3.
    loaded: AtomicU64,
    /// The same, but set before CR3 is, where `loaded` is set after.
    next: AtomicU64,
    /// The context that runs has no tables of its own.
    lazy: AtomicBool,
    /// Translations of `loaded` are to be forgotten before `lazy` ends.
    stale: AtomicBool,
    /// Processors that ask something of this one.
    inbox: AtomicU64,
    /// What this processor asks of others.
    request: Request,
}

struct Request {
    kind: AtomicU8,
    root: AtomicU64,
    addresses: [AtomicU64; ADDRESSES],
    count: AtomicUsize,
    /// Processors that have not done it yet.
    waiting_for: AtomicU64,
}

/// Forget these addresses.
const FORGET: u8 = 0;
/// Forget all of user space.
const FORGET_ALL: u8 = 1;
/// Load other tables: these are about to be given back.
const LEAVE: u8 = 2;

impl Translations {
    pub const fn new() -> Self {
        Self {
            loaded: AtomicU64::new(0),
            next: AtomicU64::new(0),
            lazy: AtomicBool::new(false),
            stale: AtomicBool::new(false),
            inbox: AtomicU64::new(0),
            request: Request {
                kind: AtomicU8::new(FORGET),
                root: AtomicU64::new(0),
                addresses: [const { AtomicU64::new(0) }; ADDRESSES],
                count: AtomicUsize::new(0),
                waiting_for: AtomicU64::new(0),
            },
        }
    }

    /// Says whether the tables are loaded.
    #[inline]
    pub fn has(&self, root: u64) -> bool {
        self.loaded.load(Ordering::Relaxed) == root
    }

    /// Notes that the tables are being loaded, and does it. On this processor, with interrupts or preemption off.
    ///
    /// # Safety
    /// `root` is a root table with the kernel's upper half.
    #[inline]
    pub unsafe fn load(&self, root: u64) {
        if self.lazy.load(Ordering::Relaxed) {
            self.end_lazy(root);
        }
        if !self.has(root) {
            self.next.store(root, Ordering::Relaxed);
            // SAFETY: all that Rust code uses stays mapped. Writing CR3 orders the store before it for other processors, and
            // forgets all translations of user space.
            unsafe { register::write_cr3(root) };
            self.loaded.store(root, Ordering::Relaxed);
        }
    }

    fn end_lazy(&self, root: u64) {
        // Who changes tables marks first and looks at `lazy` then; here it is the other way round.
        self.lazy.swap(false, Ordering::SeqCst);
        if self.stale.swap(false, Ordering::SeqCst) && self.has(root) {
            register::invalidate_all();
        }
    }

    /// Notes that what runs now has no tables of its own.
    #[inline]
    pub fn begin_lazy(&self) {
        self.lazy.store(true, Ordering::Release);
    }
}

/// The other processors that may hold translations of a space, without those that were marked as stale instead
/// (none, if `all`).
fn holders(root: u64, all: bool) -> u64 {
    let online = cpu::online();
    if online == 1 {
        return 0;
    }
    // The tables were changed before it is looked who has them loaded.
    fence(Ordering::SeqCst);
    let own = area::id() as usize;
    let mut holders = 0;
    for index in (0..online).filter(|&index| index != own) {
        let Some(other) = area::of(index).map(|area| &area.translations) else { continue };
        if other.loaded.load(Ordering::SeqCst) != root && other.next.load(Ordering::SeqCst) != root {
            continue;
        }
        if !all && other.lazy.load(Ordering::SeqCst) {
            other.stale.store(true, Ordering::SeqCst);
            if other.lazy.load(Ordering::SeqCst) {
                continue;
            }
        }
        holders |= 1 << index;
    }
    holders
}

/// Lets every other processor forget translations of a space: those of the addresses, or all when there are too many.
/// With `tables_too`, tables were taken out of it. Returns when it is done everywhere.
#[inline]
pub(super) fn forget(root: u64, addresses: Option<&[u64]>, tables_too: bool) {
    let _guard = crate::preempt::disable();
    let holders = holders(root, tables_too);
    if holders != 0 {
        match addresses {
            Some(addresses) => ask(holders, FORGET, root, addresses),
            None => ask(holders, FORGET_ALL, root, &[]),
        }
    }
}

/// Lets every processor forget translations of a few addresses of the kernel's half.
pub(super) fn forget_kernel(addresses: &[u64]) {
    let _guard = crate::preempt::disable();
    addresses.iter().for_each(|&address| register::invalidate(address));
    let others = cpu::online_set() & !(1 << area::id());
    for some in addresses.chunks(ADDRESSES) {
        ask(others, FORGET, 0, some);
    }
}

/// Lets every processor load other tables than these, which no context has any more.
pub(super) fn leave(root: u64) {
    let _guard = crate::preempt::disable();
    if area::current().translations.has(root) {
        paging::Space::load(kernel_map::root());
    }
    ask(holders(root, true), LEAVE, root, &[]);
}

/// Asks the processors and waits until all have done it.
fn ask(processors: u64, kind: u8, root: u64, addresses: &[u64]) {
    if processors == 0 {
        return;
    }
    // An interrupt that asks something itself would use the same request.
    let interrupts = super::irq_save();
    let request = &area::current().translations.request;
    request.kind.store(kind, Ordering::Relaxed);
    request.root.store(root, Ordering::Relaxed);
    for (slot, &address) in request.addresses.iter().zip(addresses) {
        slot.store(address, Ordering::Relaxed);
    }
    request.count.store(addresses.len(), Ordering::Relaxed);
    request.waiting_for.store(processors, Ordering::Release);
    let own = 1 << area::id();
    for index in (0..area::MAX).filter(|index| processors >> index & 1 != 0) {
        if let Some(other) = area::of(index) {
            other.translations.inbox.fetch_or(own, Ordering::SeqCst);
            apic::local::send(CpuId::new(index as u32), irq::FORGET);
        }
    }
    while request.waiting_for.load(Ordering::Acquire) != 0 {
        super::spin_hint();
    }
    super::irq_restore(interrupts);
}

/// Does what others ask, if they do. May be called anywhere.
#[inline]
pub(super) fn serve() {
    // On another processor in a moment, if preemption is on: then that one's interrupt serves it.
    if area::current().translations.inbox.load(Ordering::Relaxed) != 0 {
        serve_all();
    }
}

#[cold]
fn serve_all() {
    let interrupts = super::irq_save();
    let own = area::current();
    let mut senders = own.translations.inbox.swap(0, Ordering::AcqRel);
    while senders != 0 {
        let sender = senders.trailing_zeros() as usize;
        senders &= senders - 1;
        if let Some(sender) = area::of(sender) {
            let request = &sender.translations.request;
            request.carry_out(&own.translations);
            request.waiting_for.fetch_and(!(1 << area::id()), Ordering::Release);
        }
    }
    super::irq_restore(interrupts);
}

impl Request {
    fn carry_out(&self, own: &Translations) {
        match self.kind.load(Ordering::Relaxed) {
            FORGET => {
                let count = self.count.load(Ordering::Relaxed);
                for address in self.addresses.iter().take(count) {
                    register::invalidate(address.load(Ordering::Relaxed));
                }
            }
            LEAVE if own.has(self.root.load(Ordering::Relaxed)) => {
                paging::Space::load(kernel_map::root());
                own.begin_lazy();
            }
            LEAVE => {}
            _ => register::invalidate_all(),
        }
    }
}
