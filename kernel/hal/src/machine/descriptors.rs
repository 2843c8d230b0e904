//! Segment descriptors, the task state segment and the interrupt descriptor table.
//!
//! The selectors are Linux's, as programs see those of the user segments in signal frames. There is no 32-bit code segment:
//! programs are 64-bit, and a far jump to another mode faults.

use core::arch::asm;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU64, Ordering};

use super::area::{self, TaskState};
use super::stack::Stack;
use super::trap::stubs;

/// Selectors.
pub(super) mod selector {
    pub(crate) const KERNEL_CODE: u16 = 0x10;
    pub(crate) const KERNEL_DATA: u16 = 0x18;
    /// What `SYSRET` computes the user's selectors from: this + 8 is the data, + 16 the code segment.
    pub(crate) const SYSRET_BASE: u16 = 0x23;
    pub(crate) const USER_DATA: u16 = 0x2b;
    pub(crate) const USER_CODE: u16 = 0x33;
    pub(super) const TASK: u16 = 0x40;
    /// A segment that is no memory: its limit is the processor's number, which programs can ask for.
    pub(crate) const CPU_NUMBER: u16 = 0x7b;
}

const DESCRIPTORS: usize = 16;

/// A segment descriptor table, one for each processor because of its task state segment.
struct Table(UnsafeCell<[u64; DESCRIPTORS]>);

// SAFETY: each table is written once, by its own processor, before it is loaded.
unsafe impl Sync for Table {}

static TABLES: [Table; area::MAX] = [const {
    Table(UnsafeCell::new([
        0,
        0,
        0x00af_9b00_0000_ffff, // kernel code, 64 bit
        0x00cf_9300_0000_ffff, // kernel data
        0,                     // no user code, 32 bit
        0x00cf_f300_0000_ffff, // user data
        0x00af_fb00_0000_ffff, // user code, 64 bit
        0,
        0, // task state segment: two entries
        0,
        0,
        0,
        0,
        0,
        0,
        0x0040_f500_0000_0000, // data to be read, at the end of a stack; the processor's number is the limit
    ]))
}; area::MAX];

/// An interrupt gate (Intel SDM volume 3, 6.14): two words.
struct Gate([AtomicU64; 2]);

static GATES: [Gate; 256] = [const { Gate([AtomicU64::new(0), AtomicU64::new(0)]) }; 256];

/// What `lgdt` and `lidt` load.
#[repr(C, packed)]
struct Pointer {
    limit: u16,
    base: u64,
}

/// Exceptions that may come when the stack cannot be used, with the number of the stack that each gets.
const FAULT_STACKS: [(usize, u64); 3] = [(2, 1), (8, 2), (18, 3)];

/// Fills the gates, which all processors share.
pub(super) fn init() {
    for (vector, gate) in GATES.iter().enumerate() {
        const PRESENT_INTERRUPT_GATE: u64 = 0x8e << 40;
        const FOR_PROGRAMS: u64 = 3 << 45;
        // Programs may use the breakpoint and overflow instructions; any other `int` faults.
        let access = if matches!(vector, 3 | 4) { FOR_PROGRAMS } else { 0 };
        let handler = stubs::address(vector);
        let low = handler & 0xffff | u64::from(selector::KERNEL_CODE) << 16 | (handler & 0xffff_0000) << 32;
        gate.0[1].store(handler >> 32, Ordering::Relaxed);
        gate.0[0].store(low | PRESENT_INTERRUPT_GATE | access, Ordering::Relaxed);
    }
}

/// Loads this processor's tables. Handlers run on the interrupted stack until [`use_fault_stacks`].
pub(super) fn load() {
    let area = area::current();
    let task = area.task_state.get() as u64;
    let limit = size_of::<TaskState>() as u64 - 1;
    const AVAILABLE_TASK_STATE: u64 = 0x89 << 40;
    let table = TABLES[area::id() as usize].0.get();
    // SAFETY: the table is this processor's and not loaded yet.
    unsafe {
        (*table)[8] = limit | (task & 0x00ff_ffff) << 16 | AVAILABLE_TASK_STATE | (task >> 24 & 0xff) << 56;
        (*table)[9] = task >> 32;
        (*table)[usize::from(selector::CPU_NUMBER / 8)] |= u64::from(area::id());
    }
    let segments = Pointer { limit: (DESCRIPTORS * 8 - 1) as u16, base: table as u64 };
    let interrupts = Pointer { limit: (size_of_val(&GATES) - 1) as u16, base: (&raw const GATES) as u64 };
    // SAFETY: both tables are statics with valid descriptors; the code segment loaded is the one that is in use, in another
    // place. The data segment registers are set to null, as 64-bit code ignores them. Loading GS's selector clears its base,
    // so the base is written again.
    unsafe {
        asm!(
            "lgdt [{segments}]",
            "lidt [{interrupts}]",
            "push {code}",
            "lea {scratch}, [rip + 2f]",
            "push {scratch}",
            "retfq",
            "2:",
            "mov ss, {data:e}",
            "xor {scratch:e}, {scratch:e}",
            "mov ds, {scratch:e}",
            "mov es, {scratch:e}",
            "mov fs, {scratch:e}",
            "mov gs, {scratch:e}",
            "ltr {task:x}",
            segments = in(reg) &raw const segments,
            interrupts = in(reg) &raw const interrupts,
            code = in(reg) u64::from(selector::KERNEL_CODE),
            data = in(reg) u32::from(selector::KERNEL_DATA),
            task = in(reg) selector::TASK,
            scratch = out(reg) _,
        );
    }
    super::register::write_msr(super::register::Msr::GsBase, area as *const area::Area as u64);
}

/// Gives the exceptions that may find a broken stack one of their own.
#[expect(clippy::panic, reason = "bring-up: there is memory, or no kernel")]
pub(super) fn use_fault_stacks() {
    let area = area::current();
    for (vector, number) in FAULT_STACKS {
        let Ok(stack) = Stack::new() else { panic!("no memory for the fault stacks") };
        // The entry code finds this processor's area in the uppermost word.
        let top = stack.top() - 16;
        core::mem::forget(stack);
        // SAFETY: the stack is mapped and nobody else's; the task state segment is this processor's, which has had none of
        // these exceptions yet.
        unsafe {
            *(top as *mut u64) = area as *const area::Area as u64;
            (*area.task_state.get()).ist[number as usize - 1] = top;
        }
        GATES[vector].0[0].fetch_or(number << 32, Ordering::Relaxed);
    }
}
