//! What the processor can do, and switching it on.

use core::arch::asm;
use core::arch::x86_64::{__cpuid, __cpuid_count, CpuidResult};
use core::sync::atomic::{AtomicU32, Ordering};

use bitflags::bitflags;

use super::register::{self, Msr};

bitflags! {
    /// Features that change what the kernel does.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Features: u32 {
        /// Supervisor code may not run from user pages.
        const SMEP = 1;
        /// Supervisor code may not touch user pages, except between `stac` and `clac`.
        const SMAP = 1 << 1;
        /// User code may not read the descriptor-table registers.
        const UMIP = 1 << 2;
        /// Instructions for the FS and GS bases.
        const FSGSBASE = 1 << 3;
        /// Extended save of floating-point state.
        const XSAVE = 1 << 4;
        /// … that leaves out what did not change.
        const XSAVEOPT = 1 << 5;
        /// Pages of 1 GiB.
        const HUGE_PAGES = 1 << 6;
        /// Global pages.
        const GLOBAL_PAGES = 1 << 7;
        /// The local timer can take a deadline in time-stamp-counter ticks.
        const TSC_DEADLINE = 1 << 8;
        /// Random numbers.
        const RDRAND = 1 << 9;
        /// Exceptions for hardware errors.
        const MACHINE_CHECK = 1 << 11;
        /// Seeds for random number generators.
        const RDSEED = 1 << 10;
        /// A table of memory types for pages.
        const PAT = 1 << 12;
    }
}

static FEATURES: AtomicU32 = AtomicU32::new(0);

/// The features found by [`init`].
#[inline]
pub(super) fn get() -> Features {
    Features::from_bits_truncate(FEATURES.load(Ordering::Relaxed))
}

/// A leaf of CPUID; all zero above the highest.
pub(super) fn cpuid(leaf: u32, subleaf: u32) -> CpuidResult {
    if leaf > __cpuid(leaf & 0x8000_0000).eax {
        return CpuidResult { eax: 0, ebx: 0, ecx: 0, edx: 0 };
    }
    __cpuid_count(leaf, subleaf)
}

fn probe() -> Features {
    let basic = cpuid(1, 0);
    let more = cpuid(7, 0);
    let extended = cpuid(0x8000_0001, 0);
    let save = cpuid(0xd, 1);
    [
        (more.ebx >> 7, Features::SMEP),
        (more.ebx >> 20, Features::SMAP),
        (more.ecx >> 2, Features::UMIP),
        (more.ebx, Features::FSGSBASE),
        (basic.ecx >> 26, Features::XSAVE),
        (save.eax & basic.ecx >> 26, Features::XSAVEOPT),
        (extended.edx >> 26, Features::HUGE_PAGES),
        (basic.edx >> 13, Features::GLOBAL_PAGES),
        (basic.ecx >> 24, Features::TSC_DEADLINE),
        (basic.ecx >> 30, Features::RDRAND),
        (more.ebx >> 18, Features::RDSEED),
        (basic.edx >> 7, Features::MACHINE_CHECK),
        (basic.edx >> 16, Features::PAT),
    ]
    .into_iter()
    .filter(|(bit, _)| bit & 1 != 0)
    .fold(Features::empty(), |found, (_, feature)| found | feature)
}

/// Probes the boot processor and switches on what protects the kernel. The page tables may use NX from here on.
pub(super) fn init() {
    let features = probe();
    FEATURES.store(features.bits(), Ordering::Relaxed);
    enable_on_this_processor();
    if features.contains(Features::SMAP) {
        patch_smap_sites();
    }
}

/// Sets the control registers as the features ask.
pub(super) fn enable_on_this_processor() {
    const SYSTEM_CALLS: u64 = 1;
    const NO_EXECUTE: u64 = 1 << 11;
    const WRITE_PROTECT: u64 = 1 << 16;
    const MONITOR: u64 = 1 << 1;
    const EMULATE: u64 = 1 << 2;
    const TASK_SWITCHED: u64 = 1 << 3;
    const NATIVE_ERRORS: u64 = 1 << 5;
    const ALIGNMENT_MASK: u64 = 1 << 18;
    const MCE: u64 = 1 << 6;
    const PGE: u64 = 1 << 7;
    const OSFXSR: u64 = 1 << 9;
    const OSXMMEXCPT: u64 = 1 << 10;
    const UMIP: u64 = 1 << 11;
    const FSGSBASE: u64 = 1 << 16;
    const OSXSAVE: u64 = 1 << 18;
    const SMEP: u64 = 1 << 20;
    const SMAP: u64 = 1 << 21;
    /// The types of a processor after its reset, but for the fourth (SDM volume 3, 12.12), which no page has before this.
    const MEMORY_TYPES: u64 = 0x0007_0401_0007_0406;

    let features = get();
    if features.contains(Features::PAT) {
        register::write_msr(Msr::Pat, MEMORY_TYPES);
    }
    register::write_msr(Msr::Efer, register::read_msr(Msr::Efer) | SYSTEM_CALLS | NO_EXECUTE);
    let cr0 = register::read_cr0() & !(EMULATE | TASK_SWITCHED)
        | WRITE_PROTECT
        | MONITOR
        | NATIVE_ERRORS
        | ALIGNMENT_MASK;
    let cr4 = [
        (Features::GLOBAL_PAGES, PGE),
        (Features::MACHINE_CHECK, MCE),
        (Features::UMIP, UMIP),
        (Features::FSGSBASE, FSGSBASE),
        (Features::XSAVE, OSXSAVE),
        (Features::SMEP, SMEP),
        (Features::SMAP, SMAP),
    ]
    .into_iter()
    .filter(|(feature, _)| features.contains(*feature))
    .fold(register::read_cr4() | OSFXSR | OSXMMEXCPT, |value, (_, bit)| value | bit);
    // SAFETY: none of these bits changes which memory is mapped; read-only mappings stay for user pages and the image,
    // which Rust code does not write to.
    unsafe {
        register::write_cr0(cr0);
        register::write_cr4(cr4);
    }
}

unsafe extern "C" {
    static clac_sites_start: [u64; 0];
    static clac_sites_end: [u64; 0];
    static stac_sites_start: [u64; 0];
    static stac_sites_end: [u64; 0];
}

/// Puts `clac` and `stac` where assembly left room for them. Runs while the boot page tables still let the text be written.
fn patch_smap_sites() {
    const CLAC: [u8; 3] = [0x0f, 0x01, 0xca];
    const STAC: [u8; 3] = [0x0f, 0x01, 0xcb];
    // SAFETY: the linker script puts nothing but addresses of three-byte no-operations between these symbols; the text is
    // writable, and this processor, the only one, executes none of the places now.
    unsafe {
        patch(&raw const clac_sites_start, &raw const clac_sites_end, CLAC);
        patch(&raw const stac_sites_start, &raw const stac_sites_end, STAC);
        // A serialising instruction, so that no stale instruction is executed.
        let _ = __cpuid(0);
    }
}

/// # Safety
/// Between the two pointers lie addresses of three writable bytes each.
unsafe fn patch(start: *const [u64; 0], end: *const [u64; 0], code: [u8; 3]) {
    let (mut site, end) = (start.cast::<u64>(), end.cast::<u64>());
    while site < end {
        // SAFETY: the caller's contract. Assembly writes, because Rust knows nothing of text that changes.
        unsafe {
            let place = *site as *mut u8;
            for (index, byte) in code.into_iter().enumerate() {
                asm!("mov [{}], {}", in(reg) place.add(index), in(reg_byte) byte, options(nostack, preserves_flags));
            }
            site = site.add(1);
        }
    }
}
