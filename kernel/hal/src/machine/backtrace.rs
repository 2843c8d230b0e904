//! Backtraces along the chain of frame pointers.

use core::arch::asm;
use core::fmt::{self, Write};

use super::kernel_map;

/// Frames printed at most.
const DEPTH: usize = 32;

/// The frame pointer of the function that this is inlined into.
#[inline(always)]
pub(super) fn frame_pointer() -> u64 {
    let pointer: u64;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rbp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// Prints the callers from a frame on. A broken chain ends it.
pub(super) fn print(out: &mut dyn Write, mut frame: u64) {
    const USER_HALF: u64 = 1 << 63;
    let _ = writeln!(out, "backtrace:"); // whoever writes here never fails
    for _ in 0..DEPTH {
        if !frame.is_multiple_of(8)
            || frame < USER_HALF
            || !kernel_map::is_mapped(frame)
            || !kernel_map::is_mapped(frame + 8)
        {
            return;
        }
        // SAFETY: both words are mapped; whatever they hold, it is only printed or checked.
        let [next, return_address] = unsafe { (frame as *const [u64; 2]).read_volatile() };
        if return_address < USER_HALF {
            return;
        }
        let _ = out.write_str("  ");
        let _ = write_address(out, return_address);
        let _ = writeln!(out);
        // Callers lie further up on the stack.
        if next <= frame {
            return;
        }
        frame = next;
    }
}

/// Prints an address of the kernel's text, with the function that it lies in.
pub(super) fn write_address(out: &mut dyn Write, address: u64) -> fmt::Result {
    match super::symbols::find(address) {
        Some((name, offset)) => write!(out, "{address:#018x} {name} + {offset:#x}"),
        None => write!(out, "{address:#018x}"),
    }
}
