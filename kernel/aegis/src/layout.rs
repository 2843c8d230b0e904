//! Where things go in an address space, at random.
//!
//! From the bottom: the program (position-independent ones near two thirds of the address space), the heap behind it, … mappings
//! downwards from below the stack, the stack at the top. Mappings, programs, heap and stack each move by 28 bits of pages'
//! worth, as on Linux with its default of `mmap_rnd_bits`.

use hal::USER_END;

use crate::PAGE;

/// Bits of randomness, in pages.
const RANDOM_BITS: u32 = 28;
/// The stack moves by 16 GiB at most (Linux: `STACK_RND_MASK`, 22 bits of pages).
const STACK_RANDOM_BITS: u32 = 22;
/// The heap begins up to 32 MiB behind the program.
const HEAP_RANDOM_BITS: u32 = 13;
/// The least and the most room left for the stack to grow.
const STACK_GAP: core::ops::RangeInclusive<u64> = 128 << 20..=USER_END / 6 * 5;
/// Never mapped below the stack, so that its overflow is noticed (Linux: `stack_guard_gap`).
pub(crate) const GUARD_GAP: u64 = 256 * PAGE;
/// The lowest address that a program may map (Linux: `mmap_min_addr`).
pub(crate) const LOWEST: u64 = 65536;

/// Where things go in one address space.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// The top of the stack.
    pub stack_top: u64,
    /// Mappings go below this.
    pub map_top: u64,
    /// A position-independent program is loaded here.
    pub program: u64,
    /// How far behind the program the heap begins.
    pub heap_offset: u64,
}

fn random_pages(bits: u32) -> u64 {
    let mut bytes = [0; 8];
    hal::random::fill(&mut bytes);
    (u64::from_le_bytes(bytes) & ((1 << bits) - 1)) * PAGE
}

impl Layout {
    /// A random layout with room for a stack of `stack_limit` bytes.
    pub fn random(stack_limit: u64) -> Self {
        Self::spread(stack_limit, PAGE << STACK_RANDOM_BITS, random_pages)
    }

    /// The layout that is the same every time (`ADDR_NO_RANDOMIZE`).
    pub fn fixed(stack_limit: u64) -> Self {
        Self::spread(stack_limit, 0, |_| 0)
    }

    fn spread(stack_limit: u64, stack_room: u64, pages: fn(u32) -> u64) -> Self {
        let stack_top = USER_END - pages(STACK_RANDOM_BITS);
        let room = stack_limit.saturating_add(GUARD_GAP + stack_room);
        let gap = room.clamp(*STACK_GAP.start(), *STACK_GAP.end()).next_multiple_of(PAGE);
        Self {
            stack_top,
            map_top: USER_END - gap - pages(RANDOM_BITS),
            program: (USER_END / 3 * 2).next_multiple_of(PAGE) + pages(RANDOM_BITS),
            heap_offset: pages(HEAP_RANDOM_BITS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{GUARD_GAP, Layout, PAGE};
    use hal::USER_END;

    #[test]
    fn every_place_moves_by_its_width() {
        /// A random bit is the same in so many layouts once in 2^63.
        const LAYOUTS: usize = 64;
        let first = Layout::random(8 << 20);
        for (bits, place) in [
            (28, (|layout| layout.program) as fn(&Layout) -> u64),
            (28, |layout| layout.map_top),
            (22, |layout| layout.stack_top),
            (13, |layout| layout.heap_offset),
        ] {
            let others = (0..LAYOUTS).map(|_| place(&Layout::random(8 << 20)) ^ place(&first));
            let varied = others.fold(0, |all, different| all | different) / PAGE;
            let wanted = (1 << bits) - 1;
            assert_eq!(varied & wanted, wanted, "{varied:#x} for {bits} bits");
        }
    }

    #[test]
    fn a_fixed_layout_is_that_of_linux() {
        let layout = Layout::fixed(8 << 20);
        assert_eq!((layout.stack_top, layout.heap_offset), (USER_END, 0));
        assert_eq!(layout.map_top, 0x7fff_f7ff_f000);
        assert_eq!(layout.program, 0x5555_5555_5000);
    }

    #[test]
    fn mappings_stay_below_the_room_for_the_stack() {
        for limit in [0, 8 << 20, 1 << 40, u64::MAX] {
            let layout = Layout::random(limit);
            assert!(
                layout.stack_top <= USER_END && layout.map_top < layout.stack_top - GUARD_GAP,
                "{layout:?}"
            );
            assert!(layout.map_top.is_multiple_of(4096) && layout.program.is_multiple_of(4096));
        }
    }
}
