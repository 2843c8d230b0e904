//! PKRU, and switching protection keys on.

use core::arch::asm;
use core::sync::atomic::{AtomicBool, Ordering};

use super::features::cpuid;
use super::{fpu, register};

static AVAILABLE: AtomicBool = AtomicBool::new(false);

/// Says whether this machine has protection keys: they are used when PKRU is saved with a context's other registers.
#[inline]
pub fn are_available() -> bool {
    AVAILABLE.load(Ordering::Relaxed)
}

/// Says whether the processor knows them.
pub(super) fn are_known() -> bool {
    const PKU: u32 = 1 << 3;
    cpuid(7, 0).ecx & PKU != 0
}

/// Switches them on, after the state's components were chosen: the boot processor before any other runs.
pub(super) fn enable_on_this_processor() {
    const PKE: u64 = 1 << 22;
    if fpu::components() & fpu::KEY_RIGHTS != 0 {
        // SAFETY: PKRU is 0 now, and what the keys forbid later are accesses to user memory, which may fault.
        unsafe { register::write_cr4(register::read_cr4() | PKE) };
        AVAILABLE.store(true, Ordering::Relaxed);
    }
}

/// The current thread's PKRU; 0, which forbids nothing, where there is none.
#[inline]
pub fn thread_rights() -> u32 {
    if !are_available() {
        return 0;
    }
    let rights;
    // SAFETY: keys are switched on; reading has no effect.
    unsafe {
        asm!("rdpkru", in("ecx") 0, out("eax") rights, out("edx") _, options(nostack, preserves_flags, nomem))
    };
    rights
}

/// Sets the current thread's PKRU, where there is one.
pub fn set_rights(rights: u32) {
    if are_available() {
        // SAFETY: keys are switched on; what they forbid are accesses to user memory, which may fault.
        unsafe {
            asm!("wrpkru", in("ecx") 0, in("eax") rights, in("edx") 0, options(nostack, preserves_flags))
        };
    }
}
