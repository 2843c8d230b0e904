//! Interrupts and exceptions taken in the kernel. Those taken in user mode end [`crate::UserContext::run`].

pub(super) mod stubs;

use core::sync::atomic::Ordering;

use super::descriptors::selector;
use super::register::{self, Msr};
use super::{area, irq, layout, rcu, stack, user};
use crate::user::{FaultAccess, fault_handler};
use crate::{USER_END, UserAddr};

/// The interrupt flag in RFLAGS.
pub(super) const INTERRUPT_FLAG: u64 = 1 << 9;

/// Exception vectors (Intel SDM volume 3, 6.15).
pub(super) mod vector {
    pub(crate) const NMI: u64 = 2;
    pub(crate) const DOUBLE_FAULT: u64 = 8;
    pub(crate) const PAGE_FAULT: u64 = 14;
    /// The first vector that is no exception.
    pub(crate) const FIRST_INTERRUPT: u64 = 32;
}

/// What the entry code saves when the kernel was interrupted.
#[repr(C)]
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub r15: u64,
    pub r14: u64,
    pub r13: u64,
    pub r12: u64,
    pub r11: u64,
    pub r10: u64,
    pub r9: u64,
    pub r8: u64,
    pub rbp: u64,
    pub rdi: u64,
    pub rsi: u64,
    pub rdx: u64,
    pub rcx: u64,
    pub rbx: u64,
    pub rax: u64,
    pub vector: u64,
    pub error: u64,
    pub rip: u64,
    pub cs: u64,
    pub rflags: u64,
    pub rsp: u64,
    pub ss: u64,
}

/// Prepares this processor for system calls.
pub(super) fn init() {
    const TF_IF_DF_IOPL_NT_AC: u64 = 0x100 | 0x200 | 0x400 | 0x3000 | 0x4000 | 0x4_0000;
    let star = u64::from(selector::SYSRET_BASE) << 48 | u64::from(selector::KERNEL_CODE) << 32;
    register::write_msr(Msr::Star, star);
    register::write_msr(Msr::LStar, stubs::syscall_entry as *const () as u64);
    register::write_msr(Msr::SfMask, TF_IF_DF_IOPL_NT_AC | 0xff | 0x800 | 0x1_0000);
}

/// How the access behind a page fault's error code was made.
pub(super) fn access(error: u64) -> FaultAccess {
    FaultAccess {
        present: error & 1 != 0,
        write: error & 2 != 0,
        execute: error & 0x10 != 0,
        by_key: error & 0x20 != 0,
    }
}

/// Serves what interrupted the kernel. Called by the entry code with interrupts off.
extern "C" fn from_kernel(frame: &mut Frame) {
    match frame.vector {
        vector::FIRST_INTERRUPT.. => {
            irq::serve(frame.vector as u8, false);
            if area::preempt_word() == 0
                && frame.rflags & INTERRUPT_FLAG != 0
                && let Some(hooks) = crate::sched::hooks()
            {
                hooks.preempt();
            }
        }
        vector::PAGE_FAULT => page_fault(frame),
        _ => super::panic::exception(frame, None),
    }
}

/// A page fault in the kernel: a copy of user memory that needs a page or ends here, or a bug.
fn page_fault(frame: &mut Frame) {
    if super::self_test_caught(frame) {
        return;
    }
    let address = register::read_cr2();
    let Some(fixup) = user::fixup(frame.rip).filter(|_| address < USER_END) else {
        super::panic::exception(frame, Some(address));
    };
    if resolve(frame, address).is_err() {
        frame.rip = fixup;
    }
}

/// Asks for the page if that may sleep here.
fn resolve(frame: &Frame, address: u64) -> Result<(), crate::Fault> {
    let may_sleep = frame.rflags & INTERRUPT_FLAG != 0 && super::preempt_count() == 0;
    let handler = fault_handler().filter(|_| may_sleep).ok_or(crate::Fault)?;
    super::irq_restore(true);
    let result = handler.resolve(UserAddr::new(address), access(frame.error));
    super::irq_save();
    result
}

/// Serves NMI, double fault and machine check, on a stack of their own.
extern "C" fn fault(frame: &mut Frame) {
    if frame.vector == vector::NMI {
        rcu::interrupted();
        super::panic::report_if_asked(frame);
        super::panic::stop_if_panicking(frame);
        // Nobody asked for one: chipsets report memory errors this way, and emulators let their user send one.
        NMIS.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let address = (frame.vector == vector::DOUBLE_FAULT).then(register::read_cr2);
    super::panic::exception(frame, address)
}

static NMIS: core::sync::atomic::AtomicU64 = core::sync::atomic::AtomicU64::new(0);

/// How many NMIs came.
pub(super) fn nmi_count() -> u64 {
    NMIS.load(Ordering::Relaxed)
}

/// What an address is, in words, for a report.
pub(super) fn describe(address: u64) -> &'static str {
    match address {
        0..4096 => "a null pointer",
        4096..USER_END => "a user address",
        _ if stack::is_guard(address) => "the guard below a kernel stack: the stack overflowed",
        layout::DIRECT_MAP..layout::STACKS => "the direct map",
        layout::KERNEL_BASE.. => "the kernel's image",
        _ => "an address that the kernel does not use",
    }
}
