//! Access to user memory that tolerates faults.
//!
//! Every instruction that touches user memory stands in this file's assembly, with the place to go on at when it faults in
//! the table of fixups. The page-fault handler makes the page accessible and repeats the instruction, or goes to the fixup.
//! Copies move eight bytes with each repetition; what is left after a fault is tried bytewise, so that counts are exact.

use core::arch::global_asm;

use crate::user::Fault;
use crate::{Page, UserAddr};

/// An instruction that may fault, and where to go on.
#[repr(C)]
struct Fixup {
    instruction: u64,
    fixup: u64,
}

// SAFETY: the linker script defines the table's ends, the assembly below the functions, with these signatures.
unsafe extern "C" {
    static fixups_start: [Fixup; 0];
    static fixups_end: [Fixup; 0];

    /// Copies; gives the bytes that were not copied.
    fn user_copy(to: *mut u8, from: *const u8, length: usize) -> usize;
    /// Fills with zeroes; gives the bytes that were not.
    fn user_zero(to: *mut u8, length: usize) -> usize;
    /// Loads a word; the upper half of the result is not 0 if that failed.
    fn user_load_u32(from: u64) -> u64;
    /// Compares and exchanges; gives the former value, with the upper half not 0 if that failed.
    fn user_compare_exchange_u32(at: u64, old: u32, new: u32) -> u64;
}

global_asm!(
    r#"
    // Room for `clac` and `stac`, filled in where the processor has them.
    .macro CLAC
991:    .byte 0x0f, 0x1f, 0x00
    .pushsection .hal.clac_sites, "a"
    .quad 991b
    .popsection
    .endm
    .macro STAC
991:    .byte 0x0f, 0x1f, 0x00
    .pushsection .hal.stac_sites, "a"
    .quad 991b
    .popsection
    .endm
    .macro FIXUP instruction, fixup
    .pushsection .hal.fixups, "a"
    .quad \instruction, \fixup
    .popsection
    .endm

    .pushsection .text
    .balign 16
    .globl user_copy
user_copy:
    STAC
    mov rcx, rdx
    shr rcx, 3
    and edx, 7
22: rep movsq
    mov ecx, edx
23: rep movsb
    CLAC
    mov rax, rcx
    ret
24: lea rcx, [rcx * 8 + rdx]
    jmp 23b
25: CLAC
    mov rax, rcx
    ret
    FIXUP 22b, 24b
    FIXUP 23b, 25b

    .balign 16
    .globl user_zero
user_zero:
    STAC
    xor eax, eax
    mov rcx, rsi
    shr rcx, 3
    and esi, 7
22: rep stosq
    mov ecx, esi
23: rep stosb
    CLAC
    mov rax, rcx
    ret
24: lea rcx, [rcx * 8 + rsi]
    jmp 23b
25: CLAC
    mov rax, rcx
    ret
    FIXUP 22b, 24b
    FIXUP 23b, 25b

    .balign 16
    .globl user_load_u32
user_load_u32:
    STAC
22: mov eax, [rdi]
    CLAC
    ret
23: CLAC
    mov rax, -1
    ret
    FIXUP 22b, 23b

    .balign 16
    .globl user_compare_exchange_u32
user_compare_exchange_u32:
    STAC
    mov eax, esi
22: lock cmpxchg [rdi], edx
    CLAC
    mov eax, eax
    ret
23: CLAC
    mov rax, -1
    ret
    FIXUP 22b, 23b
    .popsection

    .purgem CLAC
    .purgem STAC
    .purgem FIXUP
"#
);

/// Where to go on when the instruction at `rip` faults.
pub(super) fn fixup(rip: u64) -> Option<u64> {
    let start = (&raw const fixups_start).cast::<Fixup>();
    let count = ((&raw const fixups_end) as usize - start as usize) / size_of::<Fixup>();
    // SAFETY: the linker script puts nothing but fixups between the symbols.
    let fixups = unsafe { core::slice::from_raw_parts(start, count) };
    fixups.iter().find(|entry| entry.instruction == rip).map(|entry| entry.fixup)
}

/// Cuts a length so that the range stays in user space.
#[inline]
fn cut(at: UserAddr, length: usize) -> usize {
    if at.is_user_range(length as u64) {
        length
    } else {
        usize::try_from(crate::USER_END.saturating_sub(at.get())).unwrap_or(0).min(length)
    }
}

#[inline]
pub(crate) fn copy_in(from: UserAddr, buffer: &mut [u8]) -> usize {
    let length = cut(from, buffer.len());
    // SAFETY: the source is user memory and may fault; the target is the caller's.
    length - unsafe { user_copy(buffer.as_mut_ptr(), from.get() as *const u8, length) }
}

#[inline]
pub(crate) fn copy_out(to: UserAddr, bytes: &[u8]) -> usize {
    let length = cut(to, bytes.len());
    // SAFETY: the target is user memory, to which no Rust reference exists, and may fault.
    length - unsafe { user_copy(to.get() as *mut u8, bytes.as_ptr(), length) }
}

pub(crate) fn zero(to: UserAddr, length: usize) -> usize {
    let length = cut(to, length);
    // SAFETY: as in `copy_out`.
    length - unsafe { user_zero(to.get() as *mut u8, length) }
}

pub(crate) fn copy_in_to_page(from: UserAddr, page: &Page, offset: usize, length: usize) -> usize {
    let (at, length) = page.part(offset, length);
    let length = cut(from, length);
    // SAFETY: the source is user memory and may fault; the target is a part of a frame that `page` owns.
    length - unsafe { user_copy(at, from.get() as *const u8, length) }
}

pub(crate) fn copy_out_from_page(to: UserAddr, page: &Page, offset: usize, length: usize) -> usize {
    let (at, length) = page.part(offset, length);
    let length = cut(to, length);
    // SAFETY: as in `copy_in_to_page`, the other way round.
    length - unsafe { user_copy(to.get() as *mut u8, at, length) }
}

/// Says whether an address is that of an aligned word in user space.
fn is_word(at: UserAddr) -> bool {
    at.get().is_multiple_of(4) && at.is_user_range(4)
}

fn word(result: u64) -> Result<u32, Fault> {
    u32::try_from(result).map_err(|_| Fault)
}

pub(crate) fn load_u32(from: UserAddr) -> Result<u32, Fault> {
    if !is_word(from) {
        return Err(Fault);
    }
    // SAFETY: user memory, which may fault.
    word(unsafe { user_load_u32(from.get()) })
}

pub(crate) fn compare_exchange_u32(at: UserAddr, old: u32, new: u32) -> Result<u32, Fault> {
    if !is_word(at) {
        return Err(Fault);
    }
    // SAFETY: user memory, to which no Rust reference exists, and may fault.
    word(unsafe { user_compare_exchange_u32(at.get(), old, new) })
}
