//! What the machine forbids the kernel itself, attempted: each attack must fault. A mechanism that this processor lacks is
//! named in the log, and not attacked.

use alloc::boxed::Box;
use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::super::features::{self, Features};
use super::super::trap::Frame;
use super::super::{layout, register, stack};
use super::memory::page;
use super::programs::{self, CODE, NO_WORK, in_user_context};
use crate::user::Access;
use crate::{Trap, UserAddr, info, user};

global_asm!(
    r#"
    .pushsection .text
    // rdi: address, esi: 0 to read, 1 to write what is there, 2 to call. Gives 0 if nothing forbids it.
    .balign 16
attack:
    mov [rip + attack_stack], rsp
    cmp esi, 1
    ja 2f
    mov al, [rdi]
    jb 3f
    mov [rdi], al
    jmp 3f
2:  call rdi
3:  xor eax, eax
    ret
    // Where the fault's handler goes on, with the stack as it was.
attack_faulted:
    mov eax, 1
    ret
    .popsection
    .pushsection .data
    .balign 8
attack_stack: .quad 0
    .popsection
    "#
);

// SAFETY: the assembly above defines them, with these types; only the address of the label is taken.
unsafe extern "C" {
    fn attack(address: u64, kind: u32) -> u32;
    static attack_faulted: u8;
    static attack_stack: u64;
}

const READ: u32 = 0;
const WRITE: u32 = 1;
const EXECUTE: u32 = 2;

/// Bits of a page fault's error code (Intel SDM volume 3, 4.7).
const PRESENT: u64 = 1;
const WRITTEN: u64 = 1 << 1;
const FETCHED: u64 = 1 << 4;

static ARMED: AtomicBool = AtomicBool::new(false);
static ERROR: AtomicU64 = AtomicU64::new(0);
static ADDRESS: AtomicU64 = AtomicU64::new(0);

/// Takes a fault that an attack has caused, and lets the attacker go on. In the handler of page faults.
pub(in super::super) fn caught(frame: &mut Frame) -> bool {
    if !ARMED.swap(false, Ordering::Relaxed) {
        return false;
    }
    ERROR.store(frame.error, Ordering::Relaxed);
    ADDRESS.store(register::read_cr2(), Ordering::Relaxed);
    frame.rip = (&raw const attack_faulted) as u64;
    // SAFETY: written by the assembly, right before the fault.
    frame.rsp = unsafe { (&raw const attack_stack).read_volatile() };
    true
}

/// Attempts an access to one byte; gives the error code of the fault that it must cause.
fn attempt(what: &str, address: u64, kind: u32) -> u64 {
    ARMED.store(true, Ordering::Relaxed);
    // SAFETY: if nothing forbids it, a byte is read, or written as it was; what is called is one instruction, a return.
    let faulted = unsafe { attack(address, kind) } != 0;
    ARMED.store(false, Ordering::Relaxed);
    assert!(faulted, "nothing forbids: {what}");
    assert_eq!(ADDRESS.load(Ordering::Relaxed), address, "{what}");
    ERROR.load(Ordering::Relaxed)
}

/// A page of returns.
static RODATA: [u8; 16] = [RETURN; 16];
const RETURN: u8 = 0xc3;

/// Text and read-only data cannot be written, neither where they run nor where the direct map shows them.
pub(super) fn write_protection() {
    let text = write_protection as *const () as u64;
    let rodata = &raw const RODATA as u64;
    for (what, address) in [("a write to text", text), ("a write to read-only data", rodata)] {
        assert_eq!(attempt(what, address, WRITE), PRESENT | WRITTEN, "{what}");
        let physical = address.wrapping_sub(layout::image_base());
        let alias = layout::direct::<u8>(physical) as u64;
        assert_eq!(attempt(what, alias, WRITE), PRESENT | WRITTEN, "{what}, by the direct map");
    }
    let appended = layout::appended() as u64;
    assert_eq!(attempt("a write to the build's tables", appended, WRITE), PRESENT | WRITTEN);
}

/// Nothing but text is executed.
pub(super) fn no_execute() {
    static DATA: [AtomicU64; 2] = [const { AtomicU64::new(0xc3c3_c3c3_c3c3_c3c3) }; 2];
    let heap = Box::new([RETURN; 64]);
    let local = core::hint::black_box([RETURN; 64]);
    let text = write_protection as *const () as u64;
    let alias = layout::direct::<u8>(text.wrapping_sub(layout::image_base())) as u64;
    for (what, address) in [
        ("executing data", &raw const DATA as u64),
        ("executing read-only data", &raw const RODATA as u64),
        ("executing the heap", &raw const *heap as u64),
        ("executing the stack", &raw const local as u64),
        ("executing the direct map of text", alias),
    ] {
        assert_eq!(attempt(what, address, EXECUTE), PRESENT | FETCHED, "{what}");
    }
}

/// A null pointer, and what lies below a stack, are mapped nowhere.
pub(super) fn guards() {
    assert_eq!(attempt("reading a null pointer", 0, READ), 0);
    assert_eq!(attempt("calling a null pointer", 0, EXECUTE) & PRESENT, 0);
    let local = 0_u8;
    let guard = stack::guard_below(&raw const local as u64);
    assert!(guard.is_some_and(stack::is_guard));
    if let Some(guard) = guard {
        assert_eq!(attempt("writing below the stack", guard, WRITE) & PRESENT, 0);
    }
}

/// The kernel neither runs nor touches what is a program's, but where it copies.
pub(super) fn user_pages() {
    const RETURNS: u64 = CODE + 0x10_0000;
    let space = programs::space();
    let code = page(RETURN);
    assert!(space.map(UserAddr::new(RETURNS), code, Access::READ | Access::EXECUTE).is_ok());
    in_user_context(space, || {
        if features::get().contains(Features::SMEP) {
            assert_eq!(attempt("running a program's page", RETURNS, EXECUTE), PRESENT | FETCHED);
        } else {
            info!("self-test", "this processor has no SMEP");
        }
        if features::get().contains(Features::SMAP) {
            assert_eq!(attempt("reading a program's page", RETURNS, READ), PRESENT);
            assert_eq!(user::read::<u8>(UserAddr::new(RETURNS)), Ok(RETURN));
            assert_eq!(attempt("reading a program's page after a copy", RETURNS, READ), PRESENT);
        } else {
            info!("self-test", "this processor has no SMAP");
        }
    });
}

fn flags() -> u64 {
    let flags;
    // SAFETY: reads the flags.
    unsafe { asm!("pushfq", "pop {}", out(reg) flags, options(preserves_flags)) };
    flags
}

/// A program's flag that switches SMAP off has no effect in the kernel, however it is entered.
pub(super) fn alignment_flag() {
    const ALIGNMENT_CHECK: u64 = 1 << 18;
    // Without SMAP the flag means nothing in the kernel.
    if !features::get().contains(Features::SMAP) {
        return;
    }
    in_user_context(programs::space(), || {
        for (offset, trap) in [(0, Trap::Syscall), (32, Trap::Exception { vector: 6, error: 0 })] {
            let mut user = programs::program(offset);
            user.regs.rflags |= ALIGNMENT_CHECK;
            assert_eq!(user.run(&NO_WORK), trap);
            assert_eq!(flags() & ALIGNMENT_CHECK, 0, "the kernel runs with it");
            assert_ne!(user.regs.rflags & ALIGNMENT_CHECK, 0, "the program has lost it");
        }
    });
}
