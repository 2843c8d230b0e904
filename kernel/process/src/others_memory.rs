//! Copying between the running thread's memory and another program's (`process_vm_readv(2)`).
//!
//! Bytes go through a buffer: the other's memory is locked while a piece of it is copied, and one's own, which may be the same,
//! is touched with nothing locked.

use crate::current::Current;
use crate::memory;
use abi::{Errno, Iovec};
use aegis::{AddressSpace, FaultError, charge};
use alloc::vec::Vec;
use chroma::{Sink, Source};
use hal::{PAGE_SIZE, UserAddr};

/// Copies out of ranges of a program's memory until the sink is full; gives the bytes copied. Sleeps; a thread that is to end
/// gives up.
///
/// # Errors
/// If nothing was copied: `EFAULT`, on either side; `ENOMEM`; `EINTR`.
pub fn read(
    current: &Current,
    space: &AddressSpace,
    ranges: &[Iovec],
    to: &mut Sink<'_>,
) -> Result<usize, Errno> {
    each_piece(current, ranges, to.remaining(), |at, piece| {
        reach(current, || space.copy_out(at, piece))?;
        to.put(piece)
    })
}

/// As [`read`], from a source into ranges of a program's memory.
///
/// # Errors
/// As for [`read`].
pub fn write(
    current: &Current,
    space: &AddressSpace,
    ranges: &[Iovec],
    from: &mut Source<'_>,
) -> Result<usize, Errno> {
    each_piece(current, ranges, from.remaining(), |at, piece| {
        let taken = from.take(piece)?;
        let piece = piece.get(..taken).unwrap_or_default();
        reach(current, || space.copy_in(at, piece))
    })
}

/// Calls `step` for what of the ranges lies in a page, one after the other, until `wanted` bytes went through or a piece did not
/// whole.
fn each_piece(
    current: &Current,
    ranges: &[Iovec],
    wanted: usize,
    mut step: impl FnMut(UserAddr, &mut [u8]) -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    let mut buffer = Vec::new();
    charge::reserve_exact(&mut buffer, PAGE_SIZE)?;
    buffer.resize(PAGE_SIZE, 0);
    let mut done = 0;
    for range in ranges {
        let mut at = UserAddr::new(range.iov_base);
        let mut left = usize::try_from(range.iov_len).unwrap_or(usize::MAX);
        while left > 0 && done < wanted {
            let length = left.min(wanted - done).min(PAGE_SIZE - at.page_offset());
            let piece = buffer.get_mut(..length).unwrap_or_default();
            let moved = if current.is_killed() { Err(Errno::EINTR) } else { step(at, piece) };
            match moved {
                Err(error) if done == 0 => return Err(error),
                Err(_) => return Ok(done),
                Ok(moved) if moved < length => return Ok(done + moved),
                Ok(moved) => {
                    done += moved;
                    left -= moved;
                    at = at.saturating_add(moved as u64);
                }
            }
        }
    }
    Ok(done)
}

/// Tries to reach a page, and makes room when there is none.
fn reach(current: &Current, mut attempt: impl FnMut() -> Result<usize, FaultError>) -> Result<usize, Errno> {
    loop {
        match attempt() {
            Err(FaultError::NoMemory) if !current.is_killed() && memory::make_room() => {}
            outcome => return outcome.map_err(|_| Errno::EFAULT),
        }
    }
}
