//! What the processor says of itself: the simulated one has nothing to say.

/// The registers EAX, EBX, ECX, EDX of a leaf of CPUID; all zero for a leaf that there is not.
pub fn cpuid(_leaf: u32, _subleaf: u32) -> [u32; 4] {
    [0; 4]
}
