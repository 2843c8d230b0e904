//! Signals that a program brings on itself.

use super::info::Info;
use super::{send, umip};
use crate::current::{Current, FaultState};
use abi::Signal;
use abi::signal::{SIG_DFL, SIG_IGN, code};
use hal::UserAddr;

/// The vectors of exceptions (Intel SDM volume 3, table 6-1).
mod vector {
    pub const DIVIDE: u8 = 0;
    pub const DEBUG: u8 = 1;
    pub const BREAKPOINT: u8 = 3;
    pub const OVERFLOW: u8 = 4;
    pub const BOUNDS: u8 = 5;
    pub const INVALID_OPCODE: u8 = 6;
    pub const STACK: u8 = 12;
    pub const PROTECTION: u8 = 13;
    pub const PAGE_FAULT: u8 = 14;
    pub const X87: u8 = 16;
    pub const ALIGNMENT: u8 = 17;
    pub const SIMD: u8 = 19;
}

/// Sends the thread a signal that it cannot evade: if it is blocked or ignored, its action becomes the default one.
pub fn force(current: &Current, info: Info) {
    let signal = info.signal;
    {
        let mut signals = current.process.signals.lock_irq();
        let handler = signals.actions.get(signal).handler;
        let blocked = current.thread.blocked();
        if handler == SIG_IGN || (blocked.contains(signal) && handler != SIG_DFL) {
            signals.actions.reset(signal);
        }
        if !signals.actions.get(signal).is_caught() {
            signals.is_protected = false; // not even the first process can go on
        }
        current.thread.set_blocked(blocked.without(signal));
    }
    send::to_thread(&current.thread, info);
}

/// A handler cannot be entered or left: SIGSEGV, and if it was SIGSEGV's own handler, the end.
pub fn force_segv(current: &Current, during: Signal) {
    if during == Signal::SIGSEGV {
        current.process.signals.lock_irq().actions.reset(Signal::SIGSEGV);
    }
    force(current, Info::kernel(Signal::SIGSEGV));
}

/// An access that the address space refuses.
pub fn page_fault(current: &mut Current, address: UserAddr, error: u64, info: Info) {
    current.fault = FaultState { trap: u64::from(vector::PAGE_FAULT), error, address: address.get() };
    force(current, info);
}

/// An exception other than a page fault.
pub fn exception(current: &mut Current, number: u8, error: u64) {
    if number == vector::PROTECTION && umip::emulate(current) {
        return;
    }
    current.fault.trap = u64::from(number);
    current.fault.error = error;
    let at = current.context.regs.rip;
    let info = match number {
        vector::DIVIDE => Info::fault(Signal::SIGFPE, code::FPE_INTDIV, at),
        vector::DEBUG => Info::fault(Signal::SIGTRAP, code::TRAP_TRACE, at),
        // Linux tells nothing more of these.
        vector::BREAKPOINT => Info::kernel(Signal::SIGTRAP),
        vector::OVERFLOW | vector::BOUNDS => Info::kernel(Signal::SIGSEGV),
        vector::INVALID_OPCODE => Info::fault(Signal::SIGILL, code::ILL_ILLOPN, at),
        vector::STACK => Info::kernel(Signal::SIGBUS),
        vector::ALIGNMENT => Info::fault(Signal::SIGBUS, code::BUS_ADRALN, 0),
        vector::X87 | vector::SIMD => Info::fault(Signal::SIGFPE, floating_code(number), at),
        _ => Info::kernel(Signal::SIGSEGV),
    };
    force(current, info);
}

/// Which of the unmasked floating-point exceptions it was, from the state's status words (Intel SDM volume 1, 8.1.3 and
/// 10.2.3).
fn floating_code(number: u8) -> i32 {
    let mut state = [0; 512];
    let saved = hal::fpu::save_current(&mut state);
    if saved < 32 {
        return code::FPE_FLTINV;
    }
    let half = |at: usize| {
        let byte = |i: usize| u32::from(state.get(i).copied().unwrap_or(0));
        byte(at) | byte(at + 1) << 8
    };
    let raised = if number == vector::X87 {
        half(2) & !half(0) & 0x3f // status word, control word
    } else {
        let mxcsr = half(24);
        mxcsr & !(mxcsr >> 7) & 0x3f
    };
    match raised {
        bits if bits & 1 != 0 => code::FPE_FLTINV,
        bits if bits & 4 != 0 => code::FPE_FLTDIV,
        bits if bits & 8 != 0 => code::FPE_FLTOVF,
        bits if bits & 0x12 != 0 => code::FPE_FLTUND,
        _ => code::FPE_FLTRES,
    }
}
