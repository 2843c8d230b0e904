//! What each processor has for itself, reached through the GS segment.
//!
//! Assembly uses the offsets in [`offset`]; the first fields are laid out so that the task state segment's `rsp0` is both the
//! stack that the processor switches to at an interrupt in user mode and the one that the system-call entry takes.

use core::arch::asm;
use core::cell::UnsafeCell;
use core::mem::offset_of;
use core::sync::atomic::AtomicBool;

use super::context::Context;
use super::heap::Cache;
use super::shootdown::Translations;
use crate::lock_check::HeldLocks;

/// How many processors there may be.
pub(super) const MAX: usize = 64;

/// Set in [`Area::preempt`] while nobody wants the processor: the word is 0 exactly when the preempt count is 0 and a
/// reschedule is due, so that one decrement tests both.
pub(super) const NO_RESCHED: u32 = 1 << 31;
/// What a section in which the processor reads without a lock adds to the preempt count: so it can be told, and preemption is
/// off in it.
const SECTION: u32 = 1 << 16;

/// The task state segment (Intel SDM volume 3, 8.7).
#[repr(C, packed(4))]
pub(super) struct TaskState {
    reserved0: u32,
    /// Stack for interrupts from user mode.
    pub rsp: [u64; 3],
    reserved1: u64,
    /// Stacks that an interrupt gate can name.
    pub ist: [u64; 7],
    reserved2: u64,
    reserved3: u16,
    io_map_base: u16,
}

/// One processor's own data.
#[repr(C, align(64))]
pub(super) struct Area {
    /// Its own address.
    this: UnsafeCell<*const Area>,
    id: UnsafeCell<u32>,
    pub task_state: UnsafeCell<TaskState>,
    /// The preempt count, with [`SECTION`] and [`NO_RESCHED`].
    preempt: UnsafeCell<u32>,
    /// The user's stack pointer, for two instructions of the system-call entry.
    user_rsp: UnsafeCell<u64>,
    /// How deep in interrupt handlers this processor is.
    pub interrupt_depth: UnsafeCell<u32>,
    /// Another processor (or an interrupt) asks for a reschedule.
    pub resched_asked: AtomicBool,
    /// The running context; the area holds one of its counts.
    pub current: UnsafeCell<*const Context>,
    /// The context that the last switch left, until the next one has taken over.
    pub previous: UnsafeCell<*const Context>,
    /// The page tables that are loaded, and what others say about them.
    pub translations: Translations,
    /// Whether anybody waits for this processor's readers.
    pub rcu: super::rcu::State,
    pub heap: UnsafeCell<Cache>,
    pub held_locks: UnsafeCell<HeldLocks>,
}

/// Offsets for assembly.
pub(super) mod offset {
    use super::{Area, offset_of};

    pub(crate) const RSP0: usize = offset_of!(Area, task_state) + 4;
    pub(crate) const USER_RSP: usize = offset_of!(Area, user_rsp);
    pub(crate) const CURRENT: usize = offset_of!(Area, current);
    pub(super) const ID: usize = offset_of!(Area, id);
    pub(super) const PREEMPT: usize = offset_of!(Area, preempt);
    pub(super) const INTERRUPT_DEPTH: usize = offset_of!(Area, interrupt_depth);
}

const _: () = assert!(offset::RSP0.is_multiple_of(8));

// SAFETY: every field that is no atomic is used by its own processor only, by code that interrupts or preemption cannot
// tear apart (each use says how).
unsafe impl Sync for Area {}

impl Area {
    const fn new() -> Self {
        Self {
            this: UnsafeCell::new(core::ptr::null()),
            id: UnsafeCell::new(0),
            task_state: UnsafeCell::new(TaskState {
                reserved0: 0,
                rsp: [0; 3],
                reserved1: 0,
                ist: [0; 7],
                reserved2: 0,
                reserved3: 0,
                io_map_base: size_of::<TaskState>() as u16,
            }),
            preempt: UnsafeCell::new(NO_RESCHED),
            user_rsp: UnsafeCell::new(0),
            interrupt_depth: UnsafeCell::new(0),
            resched_asked: AtomicBool::new(false),
            current: UnsafeCell::new(core::ptr::null()),
            previous: UnsafeCell::new(core::ptr::null()),
            translations: Translations::new(),
            rcu: super::rcu::State::new(),
            heap: UnsafeCell::new(Cache::new()),
            held_locks: UnsafeCell::new(HeldLocks::new()),
        }
    }
}

static AREAS: [Area; MAX] = [const { Area::new() }; MAX];

/// Gives the boot processor its area. Until then nothing may take a lock or allocate.
pub(super) fn init_boot_processor() {
    prepare(0);
    adopt(0);
}

/// Prepares the area of a processor that does not run yet.
pub(super) fn prepare(index: usize) {
    let area = &AREAS[index];
    // SAFETY: its processor, the only one to use these two, does not run yet.
    unsafe {
        *area.this.get() = area;
        *area.id.get() = index as u32;
    }
}

/// Takes a prepared area. The first thing that a processor does.
pub(super) fn adopt(index: usize) {
    let area = &AREAS[index];
    super::register::write_msr(super::register::Msr::GsBase, area as *const Area as u64);
    super::rcu::started();
}

/// This processor's area. With preemption on, the caller may be elsewhere in a moment.
#[inline]
pub(super) fn current() -> &'static Area {
    let area: *const Area;
    // SAFETY: GS points to the running processor's area, whose first word is its own address.
    unsafe {
        asm!("mov {}, gs:[0]", out(reg) area, options(nostack, preserves_flags, pure, readonly));
        &*area
    }
}

/// Another processor's area.
pub(super) fn of(index: usize) -> Option<&'static Area> {
    AREAS.get(index)
}

/// This processor's number.
#[inline]
pub(super) fn id() -> u32 {
    let id: u32;
    // SAFETY: reads a word of this processor's area that never changes.
    unsafe {
        asm!("mov {:e}, gs:[{}]", out(reg) id, const offset::ID, options(nostack, preserves_flags, readonly))
    };
    id
}

/// Adds one to the preempt count.
#[inline]
pub(super) fn preempt_enter() {
    // SAFETY: a single instruction on a word that only this processor uses.
    unsafe { asm!("inc dword ptr gs:[{}]", const offset::PREEMPT, options(nostack)) };
}

/// Takes one from the preempt count; calls `due` when it is 0 now and a reschedule is due.
#[inline]
pub(super) fn preempt_leave(due: impl FnOnce()) {
    // SAFETY: as in `preempt_enter`.
    unsafe {
        asm!("dec dword ptr gs:[{}]", "jz {}", const offset::PREEMPT, label { due() }, options(nostack));
    }
}

/// The word itself.
#[inline]
pub(super) fn preempt_word() -> u32 {
    let word: u32;
    // SAFETY: reads a word of this processor's area.
    unsafe {
        asm!("mov {:e}, gs:[{}]", out(reg) word, const offset::PREEMPT, options(nostack, preserves_flags, readonly));
    }
    word
}

/// Begins a section in which the processor reads without a lock. What the section reads is read after.
#[inline]
pub(super) fn section_enter() {
    // SAFETY: as in `preempt_enter`.
    unsafe { asm!("add dword ptr gs:[{}], {}", const offset::PREEMPT, const SECTION, options(nostack)) };
}

/// Ends such a section; what it reads is read before. Calls `due` as [`preempt_leave`] does.
#[inline]
pub(super) fn section_leave(due: impl FnOnce()) {
    // SAFETY: as in `preempt_enter`.
    unsafe {
        asm!(
            "sub dword ptr gs:[{}], {}", "jz {}",
            const offset::PREEMPT, const SECTION, label { due() }, options(nostack)
        );
    }
}

/// Whether the code that asks is in such a section.
#[inline]
pub(super) fn in_section() -> bool {
    preempt_word() & !NO_RESCHED >= SECTION
}

/// How deep in interrupt handlers the code that asks is. One instruction, so that no switch to another processor comes in
/// between; an interrupt leaves the word as it found it.
#[inline]
pub(super) fn interrupt_depth() -> u32 {
    let depth: u32;
    // SAFETY: reads a word of this processor's area.
    unsafe {
        asm!("mov {:e}, gs:[{}]", out(reg) depth, const offset::INTERRUPT_DEPTH, options(nostack, preserves_flags, readonly));
    }
    depth
}

/// Sets the preempt count to 0, for a context that begins; the request for a reschedule stays.
pub(super) fn preempt_reset() {
    // SAFETY: as in `preempt_enter`.
    unsafe {
        asm!("and dword ptr gs:[{}], {}", const offset::PREEMPT, const NO_RESCHED as i32, options(nostack))
    };
}

/// Notes that a reschedule is due on this processor.
#[inline]
pub(super) fn set_resched() {
    // SAFETY: as in `preempt_enter`.
    unsafe {
        asm!("and dword ptr gs:[{}], {}", const offset::PREEMPT, const !NO_RESCHED as i32, options(nostack))
    };
}

/// Notes that no reschedule is due.
#[inline]
pub(super) fn clear_resched() {
    // SAFETY: as in `preempt_enter`.
    unsafe {
        asm!("or dword ptr gs:[{}], {}", const offset::PREEMPT, const NO_RESCHED as i32, options(nostack))
    };
}
