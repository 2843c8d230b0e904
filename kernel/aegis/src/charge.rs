//! What the kernel keeps for programs beside their pages: descriptions of open files, areas, names, timers.
//!
//! Such objects are small, many places make them, and few of those could undo what they have done so far. So each of them is
//! *admitted* before it is built: while more than half of the [`reserve`](crate::frames::reserve) is free. Programs' pages
//! stop at the whole of it. What is admitted, and what the kernel needs for itself, draws on the other half, and does not fail.

use abi::Errno;
use alloc::vec::Vec;

use crate::{PAGE, frames};

/// Admits an object of so many bytes, with all that belongs to it. Takes no lock; what is not admitted costs nothing.
///
/// # Errors
/// `ENOMEM`: too little memory is left.
#[inline]
pub fn admit(bytes: usize) -> Result<(), Errno> {
    let kept = frames::reserve() / 2 + bytes as u64 / PAGE;
    if frames::free() > kept || frames::managed() == 0 { Ok(()) } else { Err(Errno::ENOMEM) }
}

/// Makes room for more elements in a vector, admitting what it then takes.
///
/// # Errors
/// `ENOMEM`.
pub fn reserve<T>(vector: &mut Vec<T>, more: usize) -> Result<(), Errno> {
    let wanted = vector.len().saturating_add(more);
    if wanted <= vector.capacity() {
        return Ok(());
    }
    // As vectors grow: at least to twice the size.
    let capacity = wanted.max(vector.capacity().saturating_mul(2));
    admit(capacity.saturating_mul(size_of::<T>()))?;
    vector.try_reserve(more).map_err(|_| Errno::ENOMEM)
}
