//! Backtraces along the chain of frame pointers.

use core::fmt::{self, Write};

use super::kernel_map;

/// Frames looked at, at most.
pub(super) const DEPTH: usize = 32;

/// The return addresses in a chain of frames. A broken chain ends it.
pub(super) struct Callers {
    frame: u64,
    left: usize,
}

/// The callers from a frame on.
pub(super) fn callers(frame: u64) -> Callers {
    Callers { frame, left: DEPTH }
}

impl Iterator for Callers {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        const USER_HALF: u64 = 1 << 63;
        let frame = self.frame;
        self.left = self.left.checked_sub(1)?;
        if !frame.is_multiple_of(8)
            || frame < USER_HALF
            || !kernel_map::is_mapped(frame)
            || !kernel_map::is_mapped(frame + 8)
        {
            return None;
        }
        // SAFETY: both words are mapped; whatever they hold, it is only printed or checked.
        let [next, return_address] = unsafe { (frame as *const [u64; 2]).read_volatile() };
        // Callers lie further up on the stack.
        self.frame = if next > frame { next } else { 0 };
        (return_address >= USER_HALF).then_some(return_address)
    }
}

/// Prints the callers from a frame on.
pub(super) fn print(out: &mut dyn Write, frame: u64) {
    let _ = writeln!(out, "backtrace:"); // whoever writes here never fails
    for address in callers(frame) {
        let _ = writeln!(out, "  {}", Place(address));
    }
}

/// An address of the kernel's text, shown with the function that it lies in.
pub(super) struct Place(pub u64);

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(address) = *self;
        match super::symbols::find(address) {
            Some((name, offset)) => write!(out, "{address:#018x} {name} + {offset:#x}"),
            None => write!(out, "{address:#018x}"),
        }
    }
}
