//! The kernel's own address space layout randomisation: the image moves by a random multiple of 2 MiB within its GiB.
//!
//! The build keeps the linker's relocations ([`super::super::appended`]). The image is mapped a second time, at its new
//! address; then every absolute address in it is adjusted. While that goes on, old and new addresses are both good, as both show
//! the same memory; so the code may run that is being adjusted. At last the processor jumps to the new address, with an empty
//! stack, and nothing may remain that remembers an old one: the slide comes before anything stores an address.

use core::arch::asm;

use super::super::{appended, layout, random, register};
use super::tables::{self, IMAGE_ROOM, LARGE};

/// The image stays within this much address space: what the boot tables map, and what 32-bit absolute addresses reach.
const WINDOW: u64 = 1 << 30;

/// Moves the image if `wanted` and possible, and calls `then` where it is now, on the empty boot stack.
///
/// # Safety
/// The boot tables are loaded; interrupts are off; no memory holds an address of the image but what the linker knows of.
pub(super) unsafe fn enter(wanted: bool, then: extern "C" fn() -> !) -> ! {
    let slide = if wanted { choose() } else { 0 };
    let then = then as *const () as u64 + slide;
    let stack = tables::stack_top() + slide;
    if slide != 0 {
        // SAFETY: the caller's contract; `choose` leaves the image's present place alone.
        unsafe {
            tables::map_image(layout::LINKED + slide);
            register::write_cr3(register::read_cr3());
            adjust(slide);
        }
    }
    // SAFETY: both addresses are mapped; nothing on the old stack is used again.
    unsafe {
        asm!("mov rsp, {}", "xor ebp, ebp", "call {}", "ud2", in(reg) stack, in(reg) then, options(noreturn))
    }
}

/// How far to move: 0, or far enough that the two places don't overlap.
fn choose() -> u64 {
    const PLACES: u64 = (WINDOW - (layout::LINKED - layout::KERNEL_BASE) - 2 * IMAGE_ROOM) / LARGE;
    if appended::relocations().is_empty() {
        return 0;
    }
    let [word, ..] = random::gather_words();
    IMAGE_ROOM + word % PLACES * LARGE
}

/// Adds the slide to every absolute address in the image.
///
/// # Safety
/// The image is mapped at both places, writable.
unsafe fn adjust(slide: u64) {
    let start = layout::LINKED as *mut u8;
    let relocations = appended::relocations();
    for offset in relocations.wide {
        // SAFETY: the build lists places of eight bytes in the image.
        unsafe {
            let place = start.add(*offset as usize).cast::<u64>();
            place.write_unaligned(place.read_unaligned().wrapping_add(slide));
        }
    }
    for offset in relocations.narrow {
        // SAFETY: the build lists places of four bytes in the image, which are sign-extended to an address; within the window
        // the sign stays.
        unsafe {
            let place = start.add(*offset as usize).cast::<u32>();
            place.write_unaligned(place.read_unaligned().wrapping_add(slide as u32));
        }
    }
}
