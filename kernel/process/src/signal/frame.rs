//! The signal frame: how a handler is entered and left.
//!
//! The layout is Linux's `rt_sigframe` on x86-64, because libraries and debuggers read it: return address, `ucontext` with
//! the registers, `siginfo`; above it, aligned to 64 bytes, the floating-point state as XSAVE writes it, with Linux's magic
//! numbers in its software bytes and behind it. Source: Linux's `arch/x86/include/uapi/asm/sigcontext.h`.

use super::action::Action;
use super::info::Info;
use crate::current::Current;
use abi::signal::{
    FP_XSTATE_MAGIC1, FP_XSTATE_MAGIC2, FPX_SW_OFFSET, FpxSwBytes, SS_AUTODISARM, SS_DISABLE, SS_ONSTACK,
    SaFlags, Sigcontext, Sigframe, Stack, UC_FP_XSTATE, UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS, Ucontext,
};
use abi::{Errno, SigSet};
use alloc::vec::Vec;
use hal::{Fault, Registers, UserAddr, user};
use zerocopy::{FromBytes, IntoBytes};

/// Below the stack pointer, a function's own (System V ABI for x86-64, 3.2.2).
const RED_ZONE: u64 = 128;
/// The segment selectors that Linux gives to 64-bit programs; they are part of the frame.
const USER_CODE: u16 = 0x33;
const USER_DATA: u16 = 0x2b;
/// RFLAGS that a handler starts without: trap, direction, resume.
const CLEARED_FLAGS: u64 = 1 << 8 | 1 << 10 | 1 << 16;
/// RFLAGS that a handler's return may change (Linux's `FIX_EFLAGS`).
const RESTORABLE_FLAGS: u64 = 0x5_0dd5;

/// The alternate stack of a thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct AltStack {
    base: u64,
    size: u64,
    /// `SS_AUTODISARM` as it was given.
    flags: i32,
}

impl AltStack {
    /// None.
    pub const NONE: Self = Self { base: 0, size: 0, flags: 0 };

    /// Whether a stack pointer is within it.
    pub fn holds(&self, pointer: u64) -> bool {
        self.flags & SS_AUTODISARM == 0 && self.contains(pointer)
    }

    fn contains(&self, pointer: u64) -> bool {
        pointer > self.base && pointer - self.base <= self.size
    }

    /// As `sigaltstack` reports it to a thread with this stack pointer.
    pub fn report(&self, pointer: u64) -> Stack {
        let state = match self.size {
            0 => SS_DISABLE,
            _ if self.holds(pointer) => SS_ONSTACK,
            _ => 0,
        };
        Stack { ss_sp: self.base, ss_flags: state | self.flags, pad0: 0, ss_size: self.size }
    }

    /// What `sigaltstack` makes of a user's struct.
    ///
    /// # Errors
    /// `EINVAL`: unknown flags; `ENOMEM`: too small.
    pub fn from_abi(stack: &Stack) -> Result<Self, Errno> {
        match stack.ss_flags & !SS_AUTODISARM {
            SS_DISABLE => Ok(Self { flags: stack.ss_flags & SS_AUTODISARM, ..Self::NONE }),
            0 | SS_ONSTACK => {
                if stack.ss_size < abi::signal::MINSIGSTKSZ {
                    return Err(Errno::ENOMEM);
                }
                let flags = stack.ss_flags & SS_AUTODISARM;
                Ok(Self { base: stack.ss_sp, size: stack.ss_size, flags })
            }
            _ => Err(Errno::EINVAL),
        }
    }
}

/// Bytes of the floating-point state in a frame.
fn state_size() -> usize {
    let magic = if hal::fpu::components() == 0 { 0 } else { size_of::<u32>() };
    hal::fpu::size() + magic
}

/// The most bytes of a frame on the stack, for `AT_MINSIGSTKSZ`.
pub fn frame_size() -> u64 {
    (size_of::<Sigframe>() + state_size() + 64 + 16) as u64
}

/// Saves the registers and lets the program go on in the handler, which begins with a new program's floating-point state and
/// rights by protection keys. `mask` is what the handler's return restores.
///
/// # Errors
/// [`Fault`]: the stack cannot hold the frame; nothing has changed.
pub(super) fn enter_handler(
    current: &mut Current,
    info: &Info,
    action: &Action,
    mask: SigSet,
) -> Result<(), Fault> {
    if !action.flags.contains(SaFlags::RESTORER) {
        return Err(Fault); // x86-64 has no other way back
    }
    let registers = current.context.regs;
    let alt = current.alt_stack;
    let on_alt = alt.holds(registers.rsp);
    let mut top = registers.rsp.wrapping_sub(RED_ZONE);
    if action.flags.contains(SaFlags::ONSTACK) && alt.size > 0 && !alt.holds(registers.rsp) {
        top = alt.base.wrapping_add(alt.size);
    }
    let state_at = top.wrapping_sub(state_size() as u64) & !63;
    let frame_at = (state_at.wrapping_sub(size_of::<Sigframe>() as u64) & !15).wrapping_sub(8);
    if on_alt && !alt.contains(frame_at) {
        return Err(Fault); // the alternate stack overflows into what lies below
    }
    let extended = save_floating(UserAddr::new(state_at))?;
    let mut uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    if extended {
        uc_flags |= UC_FP_XSTATE;
    }
    let frame = Sigframe {
        pretcode: action.restorer,
        uc: Ucontext {
            uc_flags,
            uc_link: 0,
            uc_stack: Stack {
                ss_sp: alt.base,
                ss_flags: alt.report(registers.rsp).ss_flags,
                pad0: 0,
                ss_size: alt.size,
            },
            uc_mcontext: save_registers(current, state_at, mask),
            uc_sigmask: mask.0,
        },
        info: if action.flags.contains(SaFlags::SIGINFO) { info.to_abi() } else { Default::default() },
    };
    user::write(UserAddr::new(frame_at), &frame)?;
    hal::fpu::reset_current();
    if alt.flags & SS_AUTODISARM != 0 {
        current.alt_stack = AltStack::NONE;
    }
    let registers = &mut current.context.regs;
    registers.rdi = info.signal.number().into();
    registers.rsi = frame_at.wrapping_add(core::mem::offset_of!(Sigframe, info) as u64);
    registers.rdx = frame_at.wrapping_add(core::mem::offset_of!(Sigframe, uc) as u64);
    registers.rax = 0;
    registers.rsp = frame_at;
    registers.rip = action.handler;
    registers.rflags &= !CLEARED_FLAGS;
    Ok(())
}

fn save_registers(current: &Current, state_at: u64, mask: SigSet) -> Sigcontext {
    let r = &current.context.regs;
    Sigcontext {
        r8: r.r8,
        r9: r.r9,
        r10: r.r10,
        r11: r.r11,
        r12: r.r12,
        r13: r.r13,
        r14: r.r14,
        r15: r.r15,
        rdi: r.rdi,
        rsi: r.rsi,
        rbp: r.rbp,
        rbx: r.rbx,
        rdx: r.rdx,
        rax: r.rax,
        rcx: r.rcx,
        rsp: r.rsp,
        rip: r.rip,
        eflags: r.rflags,
        cs: USER_CODE,
        gs: 0,
        fs: 0,
        ss: USER_DATA,
        err: current.fault.error,
        trapno: current.fault.trap,
        oldmask: mask.0,
        cr2: current.fault.address,
        fpstate: state_at,
        reserved: [0; 8],
    }
}

/// Writes the floating-point state to the frame; says whether it is in the extended form.
fn save_floating(at: UserAddr) -> Result<bool, Fault> {
    let mut state = Vec::new();
    let size = hal::fpu::size();
    state.try_reserve_exact(size + 4).map_err(|_| Fault)?;
    state.resize(size, 0);
    let saved = hal::fpu::save_current(&mut state);
    let components = hal::fpu::components();
    let extended = components != 0;
    let software = if extended {
        FpxSwBytes {
            magic1: FP_XSTATE_MAGIC1,
            extended_size: u32::try_from(saved + 4).unwrap_or(u32::MAX),
            xfeatures: components,
            xstate_size: u32::try_from(saved).unwrap_or(u32::MAX),
            padding: [0; 7],
        }
    } else {
        FpxSwBytes::default()
    };
    let place = state.get_mut(FPX_SW_OFFSET..).ok_or(Fault)?;
    software.write_to_prefix(place).map_err(|_| Fault)?;
    if extended {
        state.truncate(saved);
        state.extend_from_slice(&FP_XSTATE_MAGIC2.to_le_bytes());
    }
    user::write_bytes(at, &state)?;
    Ok(extended)
}

/// `rt_sigreturn`: takes everything back from the frame that the stack pointer points behind.
///
/// # Errors
/// [`Fault`]: there is no sound frame; the program gets SIGSEGV for that.
pub fn return_from_handler(current: &mut Current) -> Result<(), Fault> {
    let frame_at = UserAddr::new(current.context.regs.rsp.wrapping_sub(size_of::<u64>() as u64));
    let frame: Sigframe = user::read(frame_at)?;
    current.set_blocked(SigSet(frame.uc.uc_sigmask));
    restore_floating(UserAddr::new(frame.uc.uc_mcontext.fpstate))
        .inspect_err(|_| hal::fpu::reset_current())?;
    let present = current.context.regs;
    current.context.regs = restored_registers(&frame.uc.uc_mcontext, &present);
    // As Linux: an alternate stack that cannot be set again is left as it is.
    let stack = frame.uc.uc_stack;
    if !current.alt_stack.holds(current.context.regs.rsp)
        && let Ok(alt) = AltStack::from_abi(&Stack { ss_flags: stack.ss_flags & !SS_ONSTACK, ..stack })
    {
        current.alt_stack = alt;
    }
    current.restart = None;
    Ok(())
}

fn restored_registers(saved: &Sigcontext, present: &Registers) -> Registers {
    let flags = (present.rflags & !RESTORABLE_FLAGS) | (saved.eflags & RESTORABLE_FLAGS);
    Registers {
        rax: saved.rax,
        rbx: saved.rbx,
        rcx: saved.rcx,
        rdx: saved.rdx,
        rsi: saved.rsi,
        rdi: saved.rdi,
        rbp: saved.rbp,
        rsp: saved.rsp,
        r8: saved.r8,
        r9: saved.r9,
        r10: saved.r10,
        r11: saved.r11,
        r12: saved.r12,
        r13: saved.r13,
        r14: saved.r14,
        r15: saved.r15,
        rip: saved.rip,
        rflags: flags,
    }
}

fn restore_floating(at: UserAddr) -> Result<(), Fault> {
    if at.is_null() {
        hal::fpu::reset_current();
        return Ok(());
    }
    let size = hal::fpu::size();
    let mut state = Vec::new();
    state.try_reserve_exact(size).map_err(|_| Fault)?;
    state.resize(size, 0);
    // A program may have cut the state to its FXSAVE part: then its magic number is missing.
    const LEGACY: usize = 512;
    let legacy = state.get_mut(..LEGACY).ok_or(Fault)?;
    user::read_bytes(at, legacy)?;
    let software = legacy.get(FPX_SW_OFFSET..).and_then(|bytes| FpxSwBytes::read_from_prefix(bytes).ok());
    let (software, _) = software.ok_or(Fault)?;
    let length = usize::try_from(software.xstate_size).unwrap_or(usize::MAX);
    let extended = hal::fpu::components() != 0
        && software.magic1 == FP_XSTATE_MAGIC1
        && (LEGACY..=size).contains(&length)
        && at.checked_add(length as u64).and_then(|end| user::read::<u32>(end).ok())
            == Some(FP_XSTATE_MAGIC2);
    let mut wanted = u64::MAX;
    if extended {
        wanted = software.xfeatures;
        let rest = state.get_mut(LEGACY..length).ok_or(Fault)?;
        user::read_bytes(at.saturating_add(LEGACY as u64), rest)?;
    } else if hal::fpu::components() != 0 && size > LEGACY {
        // XSTATE_BV: only the x87 and SSE parts are there.
        let header = state.get_mut(LEGACY..LEGACY + 8).ok_or(Fault)?;
        header.copy_from_slice(&3u64.to_le_bytes());
    }
    if let Some(software) = state.get_mut(FPX_SW_OFFSET..LEGACY) {
        software.fill(0);
    }
    hal::fpu::restore_current(&state, wanted).map_err(|_| Fault)
}

#[cfg(test)]
mod tests {
    use super::{AltStack, RESTORABLE_FLAGS, restored_registers};
    use abi::Errno;
    use abi::signal::{SS_DISABLE, SS_ONSTACK, Sigcontext, Stack};
    use hal::Registers;

    #[test]
    fn a_return_cannot_change_privileged_flags() {
        let present = Registers { rflags: 0x202, ..Registers::default() };
        let saved = Sigcontext { eflags: u64::MAX, ..Sigcontext::default() };
        let flags = restored_registers(&saved, &present).rflags;
        assert_eq!(flags, 0x202 | RESTORABLE_FLAGS);
        assert_eq!(flags & 0x3000, 0, "no I/O privilege");
        let none = Sigcontext::default();
        assert_eq!(restored_registers(&none, &present).rflags & 0x200, 0x200, "interrupts stay on");
    }

    #[test]
    fn an_alternate_stack_reports_where_the_thread_is() {
        let stack = Stack { ss_sp: 0x1000, ss_flags: 0, pad0: 0, ss_size: 0x2000 };
        let alt = AltStack::from_abi(&stack).unwrap();
        assert_eq!(alt.report(0x2000).ss_flags, SS_ONSTACK);
        assert_eq!(alt.report(0x1000).ss_flags, 0, "empty");
        assert_eq!(alt.report(0x3000).ss_flags, SS_ONSTACK);
        assert_eq!(AltStack::NONE.report(0x2000).ss_flags, SS_DISABLE);
        assert_eq!(AltStack::from_abi(&Stack { ss_size: 2047, ..stack }).err(), Some(Errno::ENOMEM));
        assert_eq!(AltStack::from_abi(&Stack { ss_flags: 8, ..stack }).err(), Some(Errno::EINVAL));
    }
}
