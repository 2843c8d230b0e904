//! Copies and fills of memory that programs may change at the same time.
//!
//! In assembly, because Rust's memory model has no words for bytes that somebody else writes. Eight bytes at a time: a string
//! instruction is one step for each of its repetitions under emulation.

use core::arch::asm;

/// Copies `length` bytes.
///
/// # Safety
/// Both are mapped kernel memory; no Rust reference to the target exists; the two do not overlap.
#[inline]
pub(super) unsafe fn copy(to: *mut u8, from: *const u8, length: usize) {
    // SAFETY: the caller's contract. The direction flag is clear.
    unsafe {
        asm!(
            "rep movsq",
            "mov ecx, {tail:e}",
            "rep movsb",
            tail = in(reg) length & 7,
            inout("rcx") length / 8 => _,
            inout("rdi") to => _,
            inout("rsi") from => _,
            options(nostack, preserves_flags)
        );
    }
}

/// Fills with zeroes.
///
/// # Safety
/// The memory is mapped, and no Rust reference to it exists.
#[inline]
pub(super) unsafe fn zero(at: *mut u8, length: usize) {
    // SAFETY: the caller's contract. The direction flag is clear.
    unsafe {
        asm!(
            "rep stosq",
            "mov ecx, {tail:e}",
            "rep stosb",
            tail = in(reg) length & 7,
            in("rax") 0,
            inout("rcx") length / 8 => _,
            inout("rdi") at => _,
            options(nostack, preserves_flags)
        );
    }
}
