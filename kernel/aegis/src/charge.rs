//! What the kernel keeps for programs beside their pages: descriptions of open files, areas, names, timers.
//!
//! Such objects are small, many places make them, and few of those could undo what they have done so far. So each of them is
//! *admitted* before it is built: while more than half of the [`reserve`](crate::frames::reserve) is free. Programs' pages
//! stop at the whole of it. What is admitted, and what the kernel needs for itself, draws on the other half, and does not fail.
//!
//! Each charge can be made to fail on request: see [`inject`].

use abi::Errno;
use alloc::collections::{TryReserveError, VecDeque};
use alloc::vec::Vec;

use crate::{PAGE, frames, inject};

/// Admits an object of so many bytes, with all that belongs to it. Takes no lock; what is not admitted costs nothing.
///
/// # Errors
/// `ENOMEM`: too little memory is left.
#[inline]
#[track_caller]
pub fn admit(bytes: usize) -> Result<(), Errno> {
    if inject::fails() {
        return Err(Errno::ENOMEM);
    }
    let kept = frames::reserve() / 2 + bytes as u64 / PAGE;
    if frames::free() > kept || frames::managed() == 0 { Ok(()) } else { Err(Errno::ENOMEM) }
}

/// What [`reserve`] makes room in.
pub trait Growing {
    /// Bytes of an element.
    const ELEMENT: usize;
    /// How many elements there are, and how many there is room for.
    fn extent(&self) -> (usize, usize);
    /// Makes room for more, and for no more than that if `exact`.
    #[expect(clippy::missing_errors_doc, reason = "the collection's own")]
    fn grow(&mut self, more: usize, exact: bool) -> Result<(), TryReserveError>;
}

macro_rules! growing {
    ($collection:ident) => {
        impl<T> Growing for $collection<T> {
            const ELEMENT: usize = size_of::<T>();
            fn extent(&self) -> (usize, usize) {
                (self.len(), self.capacity())
            }
            fn grow(&mut self, more: usize, exact: bool) -> Result<(), TryReserveError> {
                if exact { self.try_reserve_exact(more) } else { self.try_reserve(more) }
            }
        }
    };
}
growing!(Vec);
growing!(VecDeque);

/// Makes room for more elements in a vector or queue, admitting what it then takes.
///
/// # Errors
/// `ENOMEM`.
#[track_caller]
pub fn reserve(collection: &mut impl Growing, more: usize) -> Result<(), Errno> {
    make_room(collection, more, false)
}

/// As [`reserve`], for what will not grow further: takes no more than that.
///
/// # Errors
/// `ENOMEM`.
#[track_caller]
pub fn reserve_exact(collection: &mut impl Growing, more: usize) -> Result<(), Errno> {
    make_room(collection, more, true)
}

#[inline]
#[track_caller]
fn make_room<C: Growing>(collection: &mut C, more: usize, exact: bool) -> Result<(), Errno> {
    let (len, capacity) = collection.extent();
    let wanted = len.saturating_add(more);
    if wanted <= capacity {
        return Ok(());
    }
    // As they grow by themselves: at least to twice the size.
    let larger = if exact { wanted } else { wanted.max(capacity.saturating_mul(2)) };
    admit(larger.saturating_mul(C::ELEMENT))?;
    collection.grow(more, exact).map_err(|_| Errno::ENOMEM)
}
