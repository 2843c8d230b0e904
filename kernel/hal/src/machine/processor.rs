//! What the processor says of itself, for programs that ask.

use super::features;

/// The registers EAX, EBX, ECX, EDX of a leaf of CPUID; all zero for a leaf that there is not.
pub fn cpuid(leaf: u32, subleaf: u32) -> [u32; 4] {
    let result = features::cpuid(leaf, subleaf);
    [result.eax, result.ebx, result.ecx, result.edx]
}
