//! The floating-point state: the simulated processor has none.

/// Bytes of a saved state.
pub fn size() -> usize {
    512
}

/// Which state components a saved state may have (XCR0); 0 where there is only the FXSAVE form.
pub fn components() -> u64 {
    0
}

/// Writes the current thread's user state to `buffer` in the processor's standard form; gives its length.
pub fn save_current(buffer: &mut [u8]) -> usize {
    let length = size().min(buffer.len());
    buffer[..length].fill(0);
    length
}

/// Replaces the current thread's user state. Of its components only those `wanted` are looked at, as bits of
/// [`components`]; the others become what they are after a reset.
///
/// # Errors
/// The state is not one that the processor would save.
pub fn restore_current(state: &[u8], _wanted: u64) -> Result<(), BadState> {
    if state.len() < size() { Err(BadState) } else { Ok(()) }
}

/// Gives the current thread the state that a new program has.
pub fn reset_current() {}

/// A floating-point state that the processor would refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadState;
