//! Programs of a few instructions.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::arch::global_asm;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::memory::page;
use super::threads::{home, switch};
use crate::user::{self, Access, Fault, FaultAccess, FaultHandler, Trap};
use crate::{Context, FlushBatch, NoMemory, Space, UserAddr, UserContext, context, fpu, time};

pub(super) static NO_WORK: AtomicU32 = AtomicU32::new(0);

pub(super) const CODE: u64 = 0x40_0000;
pub(super) const DATA: u64 = 0x50_0000;
const STACK: u64 = 0x80_1000;

global_asm!(
    r#"
    .pushsection .rodata
    .balign 16
test_programs:
    // 0: system calls for ever
    .balign 16
    syscall
    jmp test_programs
    // 16: writes to where rdi points
    .balign 16
    mov qword ptr [rdi], 42
    syscall
    // 32: an instruction that there is not
    .balign 16
    ud2
    // 48: a division by zero
    .balign 16
    xor eax, eax
    div eax
    // 64: a privileged instruction
    .balign 16
    hlt
    // 80: an odd direction flag and a system call
    .balign 16
    std
    syscall
    // 96: a breakpoint
    .balign 16
    int3
    // 112: a far return to a segment that there is not
    .balign 16
    push 0x23
    push 0x1234
    retfq
    // 128: a floating-point register
    .balign 16
    movq xmm0, rdi
    syscall
    movq rdi, xmm0
    syscall
    .balign 16
test_programs_end:
    .popsection
    "#
);

// SAFETY: the assembly above defines both, as bytes.
unsafe extern "C" {
    static test_programs: [u8; 0];
    static test_programs_end: [u8; 0];
}

/// A space with the programs and a stack.
pub(super) fn space() -> Arc<Space> {
    let Ok(space) = Space::new() else { unreachable!("there is memory") };
    let code = page(0);
    let start = &raw const test_programs;
    let length = &raw const test_programs_end as usize - start as usize;
    // SAFETY: the assembly above.
    code.copy_in(0, unsafe { core::slice::from_raw_parts(start.cast(), length) });
    assert!(space.map(UserAddr::new(CODE), code, Access::READ | Access::EXECUTE).is_ok());
    assert!(space.map(UserAddr::new(STACK - 0x1000), page(0), Access::READ | Access::WRITE).is_ok());
    space
}

/// A program that is about to start at an offset into the code.
pub(super) fn program(offset: u64) -> UserContext {
    let mut program = UserContext::new();
    program.regs.rip = CODE + offset;
    program.regs.rsp = STACK;
    program
}

/// Runs a test in a context that can run programs.
pub(super) fn in_user_context(space: Arc<Space>, test: impl FnOnce() + Send + 'static) {
    let context = match Context::new_user(Box::new(test), false) {
        Ok(context) => context,
        Err(NoMemory) => unreachable!("there is memory"),
    };
    context.set_space(Some(space));
    switch(context);
}

pub(super) fn system_calls() {
    in_user_context(space(), || {
        let mut user = program(0);
        user.regs.rbx = 0x1234_5678_9abc_def0;
        user.regs.r15 = 15;
        let before = user.regs;
        assert_eq!(user.run(&NO_WORK), Trap::Syscall);
        assert_eq!(user.regs.rip, CODE + 2);
        assert_eq!((user.regs.rcx, user.regs.rbx, user.regs.r15), (CODE + 2, before.rbx, 15));
        assert_eq!(user.regs.rsp, before.rsp);
        const ROUNDS: u64 = 10_000;
        let begin = time::now();
        for round in 0..ROUNDS {
            user.regs.rax = round;
            assert_eq!(user.run(&NO_WORK), Trap::Syscall);
            assert_eq!(user.regs.rax, round);
        }
        let spent = time::now().saturating_since(begin);
        crate::info!("self-test", "{} ns for a system call", spent.as_nanos() / u128::from(ROUNDS));
        // By IRET: a register that SYSRET would overwrite is the program's own.
        user.regs.rip = CODE;
        user.regs.rcx = 77;
        assert_eq!(user.run(&NO_WORK), Trap::Syscall);
        // Flags that a program must not have are taken from it.
        user.regs.rflags = !0x100;
        user.regs.rip = CODE;
        assert_eq!(user.run(&NO_WORK), Trap::Syscall);
        assert_eq!(user.regs.rflags & 0x3200, 0x200, "IOPL or IF");
        let mut user = program(80);
        assert_eq!(user.run(&NO_WORK), Trap::Syscall);
        assert_ne!(user.regs.rflags & 0x400, 0);
    });
}

pub(super) fn traps() {
    in_user_context(space(), || {
        let fault = |address, write, present| Trap::PageFault {
            address: UserAddr::new(address),
            access: FaultAccess { write, present, ..FaultAccess::READ },
        };
        let mut user = program(16);
        user.regs.rdi = DATA;
        assert_eq!(user.run(&NO_WORK), fault(DATA, true, false));
        assert_eq!(user.regs.rip, CODE + 16);
        user.regs.rdi = CODE;
        assert_eq!(user.run(&NO_WORK), fault(CODE, true, true));
        user.regs.rdi = super::super::layout::DIRECT_MAP;
        assert!(matches!(user.run(&NO_WORK), Trap::PageFault { .. }));
        // Not canonical: no page fault.
        user.regs.rdi = 0x8000_0000_0000;
        assert_eq!(user.run(&NO_WORK), Trap::Exception { vector: 13, error: 0 });
        let exceptions = [(32, 6), (48, 0), (64, 13), (96, 3)];
        for (offset, expected) in exceptions {
            let trap = program(offset).run(&NO_WORK);
            assert!(matches!(trap, Trap::Exception { vector, .. } if vector == expected), "{trap:?}");
        }
        // With SMAP, QEMU 7.2 reads a far return's stack as the kernel, and faults.
        let trap = program(112).run(&NO_WORK);
        let refused = matches!(trap, Trap::Exception { vector: 11 | 13, .. } | Trap::PageFault { .. });
        assert!(refused, "32-bit code: {trap:?}");
        // Wherever it starts, the kernel survives.
        for rip in
            [0x8000_0000_0000, 0x7fff_ffff_ffff, 0xffff_ffff_8020_0000, 0xffff_8000_0000_0000, u64::MAX, 0]
        {
            let mut user = program(0);
            user.regs.rip = rip;
            user.regs.rcx = rip;
            user.regs.r11 = 0x202;
            user.regs.rflags = 0x202;
            assert!(!matches!(user.run(&NO_WORK), Trap::Syscall | Trap::Interrupt), "rip {rip:#x}");
            user.regs.rcx = 1;
            assert!(!matches!(user.run(&NO_WORK), Trap::Syscall | Trap::Interrupt), "rip {rip:#x}");
        }
        let mut user = program(0);
        user.regs.rflags = 0x100; // single step
        let trap = user.run(&NO_WORK);
        assert!(matches!(trap, Trap::Exception { vector: 1, .. } | Trap::Syscall), "{trap:?}");
        // Time goes on while a program runs, and a reschedule that is due comes first.
        let off = crate::preempt::interrupts_off();
        crate::sched::set_need_resched(crate::cpu::current());
        drop(off);
        assert_eq!(program(0).run(&NO_WORK), Trap::Interrupt);
        crate::sched::clear_need_resched();
    });
}

/// Gives every page between [`DATA`] and a MiB further on.
struct Handler;

static RESOLVED: AtomicU64 = AtomicU64::new(0);

impl FaultHandler for Handler {
    fn resolve(&self, address: UserAddr, access: FaultAccess) -> Result<(), Fault> {
        crate::might_sleep();
        let space = context::current().and_then(|context| context.space()).ok_or(Fault)?;
        if access.present || !(DATA..DATA + 0x10_0000).contains(&address.get()) {
            return Err(Fault);
        }
        RESOLVED.fetch_add(1, Ordering::Relaxed);
        space.map(address.page_down(), page(0), Access::READ | Access::WRITE).map_err(|_| Fault)
    }
}

pub(super) fn copies() {
    user::register_fault_handler(&Handler);
    in_user_context(space(), || {
        let bytes: alloc::vec::Vec<u8> = (0..10_000_u32).map(|index| index as u8).collect();
        let at = UserAddr::new(DATA + 4093);
        assert_eq!(user::write_bytes(at, &bytes), Ok(()));
        assert_eq!(RESOLVED.load(Ordering::Relaxed), 4);
        let mut read = alloc::vec![0; 10_000];
        assert_eq!(user::read_bytes(at, &mut read), Ok(()));
        assert!(read == bytes, "what was written is not what was read");
        // Up to the end of what the handler gives, to the byte.
        let end = DATA + 0x10_0000;
        for missing in [1, 3, 8, 11, 4095, 5000] {
            assert_eq!(user::write_partial(UserAddr::new(end - missing), &bytes), missing as usize);
            assert_eq!(user::zero_partial(UserAddr::new(end - missing), 9000), missing as usize);
        }
        assert_eq!(user::write_bytes(UserAddr::new(CODE), &bytes), Err(Fault), "code was written");
        for bad in [0, crate::USER_END - 1, crate::USER_END, u64::MAX, super::super::layout::DIRECT_MAP] {
            assert_eq!(user::read::<u64>(UserAddr::new(bad)), Err(Fault), "{bad:#x}");
            assert_eq!(user::write(UserAddr::new(bad), &0_u64), Err(Fault), "{bad:#x}");
            assert_eq!(user::load_u32(UserAddr::new(bad)), Err(Fault));
        }
        let word = UserAddr::new(DATA + 0x2_0000);
        assert_eq!(user::compare_exchange_u32(word, 0, u32::MAX), Ok(0));
        assert_eq!(user::compare_exchange_u32(word, 0, 1), Ok(u32::MAX));
        assert_eq!(user::load_u32(word), Ok(u32::MAX));
        assert_eq!(user::load_u32(UserAddr::new(DATA + 1)), Err(Fault), "not aligned");
        // With preemption off nothing can sleep: the copy ends.
        let guard = crate::preempt::disable();
        assert_eq!(user::read::<u64>(UserAddr::new(DATA + 0x3_0000)), Err(Fault));
        drop(guard);
        assert_eq!(user::read::<u64>(UserAddr::new(DATA + 0x3_0000)), Ok(0));
        let mut text = [0; 16];
        assert_eq!(user::write_bytes(UserAddr::new(end - 5), b"text\0"), Ok(()));
        assert_eq!(user::read_string(UserAddr::new(end - 5), &mut text), Ok(Some(4)));
        // What a program wrote is there, and gone after it was unmapped.
        let mut program = program(16);
        program.regs.rdi = DATA;
        assert_eq!(program.run(&NO_WORK), Trap::Syscall);
        assert_eq!(user::read::<u64>(UserAddr::new(DATA)), Ok(42));
        if let Some(space) = context::current().and_then(|context| context.space()) {
            space.unmap(UserAddr::new(DATA), UserAddr::new(end), &mut FlushBatch::new(&space));
        }
        program.regs.rip = CODE + 16;
        assert!(matches!(program.run(&NO_WORK), Trap::PageFault { .. }), "a stale translation");
    });
}

pub(super) fn floating_point() {
    fn run(value: u64) {
        let mut user = program(128);
        user.regs.rdi = value;
        assert_eq!(user.run(&NO_WORK), Trap::Syscall);
        switch(home());
        assert_eq!(user.run(&NO_WORK), Trap::Syscall);
        assert_eq!(user.regs.rdi, value, "another context's register");
        let mut state = [0; 4096];
        let length = fpu::save_current(&mut state);
        fpu::reset_current();
        assert_eq!(fpu::restore_current(&state[..length], u64::MAX), Ok(()));
        state[24..28].fill(0xff); // MXCSR
        assert!(fpu::restore_current(&state[..length], u64::MAX).is_err(), "a bad state was taken");
    }
    let contexts = [1, 2].map(|value| {
        let context = match Context::new_user(Box::new(move || run(value)), false) {
            Ok(context) => context,
            Err(NoMemory) => unreachable!("there is memory"),
        };
        context.set_space(Some(space()));
        context.set_fs_base(value << 32);
        context.set_gs_base(value << 33);
        context
    });
    for _ in 0..2 {
        for context in contexts.clone() {
            switch(context);
        }
    }
    assert_eq!(contexts[0].fs_base(), 1 << 32);
    assert_eq!(contexts[1].gs_base(), 2 << 33);
}
