//! Kernel stacks: each in a slot of its own, with unmapped memory below.

use alloc::vec::Vec;

use super::layout::{DEVICES, STACKS};
use super::table::Bits;
use super::{frame_table, kernel_map, shootdown};
use crate::{LockClass, NoMemory, PAGE_SIZE, SpinLock};

/// Bytes of a stack.
const SIZE: u64 = 32 * 1024;
/// Pages of a stack.
const PAGES: usize = SIZE as usize / PAGE_SIZE;
/// Bytes of address space for each: the lower half is the guard.
const SLOT: u64 = 64 * 1024;
/// Stacks that stay mapped when they are given back, for the next thread.
const KEPT: usize = 64;

struct Slots {
    /// Free stacks with their memory.
    mapped: [u32; KEPT],
    mapped_count: usize,
    /// Free slots without memory; has room for all slots below `next`, so that giving one back allocates nothing.
    unmapped: Vec<u32>,
    /// The first slot that was never used.
    next: u32,
}

static CLASS: LockClass = LockClass::new("kernel stacks", 840);
static SLOTS: SpinLock<Slots> =
    SpinLock::new(&CLASS, Slots { mapped: [0; KEPT], mapped_count: 0, unmapped: Vec::new(), next: 0 });

/// A kernel stack. Its memory is given back when it is dropped, which must not happen on it.
pub(super) struct Stack {
    slot: u32,
}

impl Stack {
    /// Makes a stack. Its content is what was there before.
    ///
    /// # Errors
    /// [`NoMemory`] when too few frames are left.
    pub fn new() -> Result<Self, NoMemory> {
        let slot = loop {
            {
                let mut slots = SLOTS.lock_irq();
                if let Some(index) = slots.mapped_count.checked_sub(1) {
                    slots.mapped_count = index;
                    return Ok(Self { slot: slots.mapped[index] });
                }
                if let Some(slot) = slots.take_unmapped()? {
                    break slot;
                }
            }
            make_room()?;
        };
        // From here on a drop gives back what was mapped.
        let stack = Self { slot };
        for page in 0..SIZE / PAGE_SIZE as u64 {
            let frame = frame_table::allocate(0, frame_table::KERNEL);
            let mapped = frame.ok_or(NoMemory).and_then(|frame| {
                let at = stack.bottom() + page * PAGE_SIZE as u64;
                kernel_map::map(at, frame * PAGE_SIZE as u64, Bits::KERNEL_DATA).inspect_err(|_| {
                    // SAFETY: the frame was just claimed and is used nowhere.
                    unsafe { frame_table::free(frame, 0) }
                })
            });
            if mapped.is_err() {
                stack.unmap();
                core::mem::forget(stack);
                return Err(NoMemory);
            }
        }
        Ok(stack)
    }

    fn bottom(&self) -> u64 {
        STACKS + u64::from(self.slot) * SLOT + (SLOT - SIZE)
    }

    /// The first address above the stack.
    pub fn top(&self) -> u64 {
        self.bottom() + SIZE
    }

    /// Gives the memory and the slot back.
    fn unmap(&self) {
        let addresses: [u64; PAGES] = core::array::from_fn(|page| self.bottom() + (page * PAGE_SIZE) as u64);
        let frames = addresses.map(kernel_map::unmap);
        shootdown::forget_kernel(&addresses);
        for physical in frames.into_iter().flatten() {
            // SAFETY: the frame was the stack's, nobody runs on it, and no processor has a translation for it.
            unsafe { frame_table::free(physical / PAGE_SIZE as u64, 0) };
        }
        SLOTS.lock_irq().unmapped.push(self.slot); // there is room: see `Slots::unmapped`
    }
}

/// Gives the memory of the stacks back that are kept for the next threads.
pub(super) fn trim() {
    loop {
        let mut slots = SLOTS.lock_irq();
        let Some(index) = slots.mapped_count.checked_sub(1) else { return };
        slots.mapped_count = index;
        let stack = Stack { slot: slots.mapped[index] };
        drop(slots);
        stack.unmap();
        core::mem::forget(stack); // its drop would keep it again
    }
}

/// Makes room in the list of slots without memory, outside its lock.
fn make_room() -> Result<(), NoMemory> {
    let wanted = SLOTS.lock_irq().next as usize * 2 + KEPT;
    let mut larger = Vec::new();
    larger.try_reserve_exact(wanted).map_err(|_| NoMemory)?;
    let mut slots = SLOTS.lock_irq();
    if slots.unmapped.capacity() < larger.capacity() {
        larger.append(&mut slots.unmapped);
        core::mem::swap(&mut larger, &mut slots.unmapped);
    }
    drop(slots);
    drop(larger);
    Ok(())
}

impl Slots {
    /// A slot without memory; `None` when the list must grow before there can be one more.
    fn take_unmapped(&mut self) -> Result<Option<u32>, NoMemory> {
        if let Some(slot) = self.unmapped.pop() {
            return Ok(Some(slot));
        }
        if STACKS + u64::from(self.next + 1) * SLOT > DEVICES {
            return Err(NoMemory);
        }
        if self.unmapped.capacity() <= self.next as usize {
            return Ok(None);
        }
        self.next += 1;
        Ok(Some(self.next - 1))
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let mut slots = SLOTS.lock_irq();
        let count = slots.mapped_count;
        if let Some(free) = slots.mapped.get_mut(count) {
            *free = self.slot;
            slots.mapped_count += 1;
            return;
        }
        drop(slots);
        self.unmap();
    }
}

/// The last word of the unmapped part below the stack that an address lies in.
#[cfg(feature = "self-test")]
pub(super) fn guard_below(address: u64) -> Option<u64> {
    let slot = (STACKS..DEVICES).contains(&address).then(|| (address - STACKS) / SLOT)?;
    Some(STACKS + slot * SLOT + (SLOT - SIZE) - 8)
}

/// Says whether an address lies in the unmapped part below a stack, for the report of an overflow.
pub(super) fn is_guard(address: u64) -> bool {
    (STACKS..DEVICES).contains(&address) && (address - STACKS) % SLOT < SLOT - SIZE
}
