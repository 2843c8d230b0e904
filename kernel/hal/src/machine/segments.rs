//! The segment registers and bases of programs. While the kernel runs, the program's GS base is in the register that
//! `swapgs` exchanges.

use core::arch::asm;

use super::features::{self, Features};
use super::register::{self, Msr};

/// The program's FS base.
#[inline]
pub(super) fn fs_base() -> u64 {
    if features::get().contains(Features::FSGSBASE) {
        let base: u64;
        // SAFETY: probed; reading has no effect.
        unsafe { asm!("rdfsbase {}", out(reg) base, options(nostack, preserves_flags, nomem)) };
        base
    } else {
        register::read_msr(Msr::FsBase)
    }
}

/// Sets the program's FS base, which the kernel does not use.
#[inline]
pub(super) fn set_fs_base(base: u64) {
    if features::get().contains(Features::FSGSBASE) {
        // SAFETY: probed; callers pass canonical addresses; the kernel does not use FS.
        unsafe { asm!("wrfsbase {}", in(reg) base, options(nostack, preserves_flags, nomem)) };
    } else {
        register::write_msr(Msr::FsBase, base);
    }
}

/// The program's GS base.
#[inline]
pub(super) fn user_gs_base() -> u64 {
    register::read_msr(Msr::KernelGsBase)
}

/// Sets the program's GS base.
#[inline]
pub(super) fn set_user_gs_base(base: u64) {
    register::write_msr(Msr::KernelGsBase, base);
}

/// Gives the program that runs next its bases, and takes away selectors that the last one may have loaded.
#[inline]
pub(super) fn set_for_user(fs_base: u64, gs_base: u64) {
    let loaded: u32;
    // SAFETY: 64-bit code ignores DS and ES. Loading a selector into FS sets the base, which is set again below; GS is left
    // alone unless a selector was loaded, and then its base, the kernel's, is written again at once, with interrupts off.
    unsafe {
        asm!(
            "mov {all:e}, ds",
            "mov {one:e}, es",
            "or {all:e}, {one:e}",
            "mov {one:e}, fs",
            "or {all:e}, {one:e}",
            "mov {one:e}, gs",
            "or {all:e}, {one:e}",
            all = out(reg) loaded,
            one = out(reg) _,
            options(nostack, nomem)
        );
        if loaded != 0 {
            clear_selectors();
        }
    }
    set_fs_base(fs_base);
    set_user_gs_base(gs_base);
}

/// # Safety
/// Interrupts are off.
#[cold]
unsafe fn clear_selectors() {
    let kernel_base = register::read_msr(Msr::GsBase);
    // SAFETY: as above; an NMI between the two writes finds its area by its stack.
    unsafe {
        asm!(
            "mov ds, {zero:e}", "mov es, {zero:e}", "mov fs, {zero:e}", "mov gs, {zero:e}",
            zero = in(reg) 0, options(nostack, preserves_flags)
        );
    }
    register::write_msr(Msr::GsBase, kernel_base);
}
