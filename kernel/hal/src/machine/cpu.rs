//! Processors.

use alloc::string::String;
use core::arch::asm;

use super::area;
use super::features::cpuid;

/// How many processors there may be.
pub const MAX: usize = area::MAX;

/// A processor's number, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CpuId(u32);

impl CpuId {
    /// A processor by its number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number, for an array of [`MAX`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The processor that runs this.
#[inline]
pub fn current() -> CpuId {
    CpuId(area::id())
}

/// How many processors run: the boot processor, until further ones are started.
pub fn online() -> usize {
    1
}

/// What the processor calls itself.
pub fn brand() -> String {
    let mut bytes = [0; 48];
    let registers = (0x8000_0002..=0x8000_0004).flat_map(|leaf| {
        let result = cpuid(leaf, 0);
        [result.eax, result.ebx, result.ecx, result.edx]
    });
    for (part, register) in bytes.chunks_exact_mut(4).zip(registers) {
        part.copy_from_slice(&register.to_le_bytes());
    }
    String::from_utf8_lossy(&bytes).trim_matches(['\0', ' ']).into()
}

/// Waits for the next interrupt. Called with interrupts off: one is let in, and they are off again on return.
pub fn wait_for_interrupt() {
    // SAFETY: `sti` takes effect after the next instruction, so that no interrupt is lost in between.
    unsafe { asm!("sti", "hlt", "cli", options(nostack)) };
}
