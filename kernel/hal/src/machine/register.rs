//! Control and model-specific registers.
//!
//! Writing them changes what the processor does with memory; the functions are private to the machine backend, whose
//! initialisation order is their contract.

use core::arch::asm;

/// A model-specific register (Intel SDM volume 4).
#[derive(Clone, Copy)]
#[repr(u32)]
pub(super) enum Msr {
    ApicBase = 0x1b,
    Pat = 0x277,
    Efer = 0xc000_0080,
    Star = 0xc000_0081,
    LStar = 0xc000_0082,
    SfMask = 0xc000_0084,
    FsBase = 0xc000_0100,
    GsBase = 0xc000_0101,
    KernelGsBase = 0xc000_0102,
    TscDeadline = 0x6e0,
}

/// Writes a model-specific register.
#[inline]
pub(super) fn write_msr(register: Msr, value: u64) {
    // SAFETY: the module's contract; `Msr` names only registers that every x86-64 processor has, or that were probed.
    unsafe {
        asm!("wrmsr", in("ecx") register as u32, in("eax") value as u32, in("edx") (value >> 32) as u32,
             options(nostack, preserves_flags));
    }
}

/// Reads a model-specific register.
#[inline]
pub(super) fn read_msr(register: Msr) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: as in `write_msr`.
    unsafe {
        asm!("rdmsr", in("ecx") register as u32, out("eax") low, out("edx") high, options(nostack, preserves_flags));
    }
    u64::from(high) << 32 | u64::from(low)
}

macro_rules! control_register {
    ($read:ident, $write:ident, $name:literal) => {
        /// Reads the control register.
        #[inline]
        pub(super) fn $read() -> u64 {
            let value: u64;
            // SAFETY: reading has no effect.
            unsafe { asm!(concat!("mov {}, ", $name), out(reg) value, options(nostack, preserves_flags)) };
            value
        }

        /// Writes the control register.
        ///
        /// # Safety
        /// With the new value, all memory that Rust code may use is mapped as before.
        #[inline]
        pub(super) unsafe fn $write(value: u64) {
            // SAFETY: the caller's contract.
            unsafe { asm!(concat!("mov ", $name, ", {}"), in(reg) value, options(nostack, preserves_flags)) };
        }
    };
}

control_register!(read_cr0, write_cr0, "cr0");
control_register!(read_cr3, write_cr3, "cr3");
control_register!(read_cr4, write_cr4, "cr4");

/// The address of the last page fault.
#[inline]
pub(super) fn read_cr2() -> u64 {
    let value: u64;
    // SAFETY: reading has no effect.
    unsafe { asm!("mov {}, cr2", out(reg) value, options(nostack, preserves_flags, nomem)) };
    value
}

/// Forgets the translation of one page on this processor.
#[inline]
pub(super) fn invalidate(address: u64) {
    // SAFETY: forgetting a translation makes the processor read the page tables again, no more.
    unsafe { asm!("invlpg [{}]", in(reg) address, options(nostack, preserves_flags)) };
}

/// Forgets all translations of user space on this processor.
#[inline]
pub(super) fn invalidate_all() {
    // SAFETY: writes back the value that is there.
    unsafe { write_cr3(read_cr3()) };
}
