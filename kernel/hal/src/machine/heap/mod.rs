//! The heap: objects of fixed sizes from slabs, larger ones as adjacent frames.
//!
//! Each processor keeps free objects of every size at hand, so that allocating and freeing are a few instructions with
//! interrupts off. Memory may be given back anywhere, also in interrupt handlers; it is asked for where interrupts are not kept
//! out (debug builds check that). Gives null when memory has run out.

mod slab;

use alloc::boxed::Box;
use core::alloc::{GlobalAlloc, Layout};
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};

use super::{area, frame_table, layout};
use crate::{NoMemory, PAGE_SIZE, lock_check};
use slab::{CLASSES, Object};

/// Free objects that a processor has at hand.
pub(super) struct Cache {
    lists: [List; CLASSES],
}

/// Free objects of one size.
#[derive(Clone, Copy)]
struct List {
    first: Option<NonNull<Object>>,
    count: u32,
}

impl Cache {
    /// Nothing at hand.
    pub const fn new() -> Self {
        Self { lists: [List { first: None, count: 0 }; CLASSES] }
    }
}

/// How much of the heap is used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Frames that the heap took.
    pub frames: u64,
    /// Bytes handed out.
    pub used: u64,
}

/// Frames that large allocations have.
static LARGE_FRAMES: AtomicU64 = AtomicU64::new(0);

/// The present figures. Objects that processors have at hand count as handed out.
pub fn stats() -> Stats {
    let large = LARGE_FRAMES.load(Ordering::Relaxed);
    let (frames, used) = slab::stats();
    Stats { frames: frames + large, used: used + large * PAGE_SIZE as u64 }
}

/// The kernel's global allocator; the image declares it as such.
pub struct Heap;

// SAFETY: memory comes from frames that the table of frames gives out once; slabs cut them into objects that do not overlap
// and have the size and alignment of their class.
unsafe impl GlobalAlloc for Heap {
    #[inline]
    unsafe fn alloc(&self, wanted: Layout) -> *mut u8 {
        lock_check::check_may_allocate();
        let Some(class) = slab::class(wanted) else { return large(wanted) };
        let interrupts = super::irq_save();
        // SAFETY: this processor's own, with interrupts off.
        let list = unsafe { &mut (*area::current().heap.get()).lists[class] };
        let object = match list.first {
            Some(object) => {
                // SAFETY: a free object holds the link to the next one.
                list.first = unsafe { object.as_ref() }.next;
                list.count -= 1;
                object.as_ptr().cast()
            }
            None => refill(list, class),
        };
        super::irq_restore(interrupts);
        object
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, given: Layout) {
        let Some(class) = slab::class(given) else {
            let order = order(given);
            LARGE_FRAMES.fetch_sub(1 << order, Ordering::Relaxed);
            // SAFETY: `large` gave these frames.
            return unsafe { frame_table::free(frame_of(pointer), order) };
        };
        let interrupts = super::irq_save();
        // SAFETY: this processor's own, with interrupts off.
        let list = unsafe { &mut (*area::current().heap.get()).lists[class] };
        let object = pointer.cast::<Object>();
        // SAFETY: the object is free now, and large enough for a link.
        unsafe { object.write(Object { next: list.first }) };
        list.first = NonNull::new(object);
        list.count += 1;
        if list.count > slab::most_at_hand(class) {
            spill(list, class);
        }
        super::irq_restore(interrupts);
    }

    unsafe fn realloc(&self, pointer: *mut u8, old: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller guarantees a valid size for the alignment.
        let new = unsafe { Layout::from_size_align_unchecked(new_size, old.align()) };
        let fits = match (slab::class(old), slab::class(new)) {
            (Some(before), Some(after)) => before == after,
            (None, None) => order(old) == order(new),
            _ => false,
        };
        if fits {
            lock_check::check_may_allocate(); // luck: it could have been larger
            return pointer;
        }
        // SAFETY: the caller's contract; the two allocations do not overlap.
        unsafe {
            let moved = self.alloc(new);
            if !moved.is_null() {
                core::ptr::copy_nonoverlapping(pointer, moved, old.size().min(new_size));
                self.dealloc(pointer, old);
            }
            moved
        }
    }
}

/// Takes objects from the slabs: gives one, and puts some more at hand.
#[cold]
fn refill(list: &mut List, class: usize) -> *mut u8 {
    slab::take(class, slab::batch(class), |object| {
        // SAFETY: the object is free and ours.
        unsafe { object.write(Object { next: list.first }) };
        list.first = Some(object);
        list.count += 1;
    });
    let Some(first) = list.first else { return core::ptr::null_mut() };
    // SAFETY: a free object holds the link to the next one.
    list.first = unsafe { first.as_ref() }.next;
    list.count -= 1;
    first.as_ptr().cast()
}

/// Gives some of the objects at hand back to their slabs.
#[cold]
fn spill(list: &mut List, class: usize) {
    let wanted = slab::batch(class).min(list.count as usize);
    let objects = core::iter::from_fn(|| {
        let object = list.first?;
        // SAFETY: a free object holds the link to the next one.
        list.first = unsafe { object.as_ref() }.next;
        list.count -= 1;
        Some(object)
    });
    // SAFETY: the objects are of the class, free, and given up here.
    unsafe { slab::give_back(objects.take(wanted), class) };
}

/// Gives what processors have at hand back to the slabs, and empty slabs to the frame allocator. Called with interrupts on and
/// without a lock.
pub fn trim() {
    super::cpu::on_each(trim_own);
}

/// Gives back what this processor has at hand.
fn trim_own() {
    for class in 0..CLASSES {
        let interrupts = super::irq_save();
        // SAFETY: this processor's own, with interrupts off.
        let list = unsafe { &mut (*area::current().heap.get()).lists[class] };
        while list.count > 0 {
            spill(list, class);
        }
        super::irq_restore(interrupts);
    }
}

/// The number of frames, as a power of two, for what is too large for a slab.
fn order(wanted: Layout) -> u8 {
    wanted.size().max(wanted.align()).div_ceil(PAGE_SIZE).next_power_of_two().trailing_zeros() as u8
}

/// The largest power of two of frames that is asked for at once: 1 GiB.
const LARGEST_ORDER: u8 = 18;

fn large(wanted: Layout) -> *mut u8 {
    let order = order(wanted);
    if order > LARGEST_ORDER {
        return core::ptr::null_mut();
    }
    match frame_table::allocate(order, frame_table::KERNEL) {
        Some(frame) => {
            LARGE_FRAMES.fetch_add(1 << order, Ordering::Relaxed);
            layout::direct(frame * PAGE_SIZE as u64)
        }
        None => core::ptr::null_mut(),
    }
}

fn frame_of(pointer: *mut u8) -> u64 {
    (pointer as u64 - layout::DIRECT_MAP) / PAGE_SIZE as u64
}

/// A box for a value to be written.
///
/// # Errors
/// [`NoMemory`] when there is none.
pub(super) fn try_box<T>() -> Result<Box<MaybeUninit<T>>, NoMemory> {
    let wanted = Layout::new::<T>();
    assert_ne!(wanted.size(), 0, "nothing needs no box");
    // SAFETY: the size is not 0.
    let pointer = unsafe { alloc::alloc::alloc(wanted) }.cast::<MaybeUninit<T>>();
    if pointer.is_null() {
        return Err(NoMemory);
    }
    // SAFETY: memory of the global allocator with the layout of the content.
    Ok(unsafe { Box::from_raw(pointer) })
}
