//! Slabs: one or more adjacent frames, cut into objects of one size, with a header in front.

use core::alloc::Layout;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};

use super::super::{frame_table, layout};
use crate::{LockClass, PAGE_SIZE, SpinLock};

/// Sizes of objects. An object is aligned to the largest power of two that divides its size, at most 64, or to its size if
/// that is a power of two.
const SIZES: [usize; CLASSES] = [16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048];
pub(super) const CLASSES: usize = 13;
/// Larger things have frames of their own.
const LARGEST: usize = 2048;
/// Sizes are looked up in steps of this.
const STEP: usize = 16;

/// The class for each size, rounded up to a step.
const CLASS_OF_SIZE: [u8; LARGEST / STEP + 1] = {
    let mut table = [0; LARGEST / STEP + 1];
    let mut step = 0;
    while step < table.len() {
        let mut class = 0;
        while SIZES[class] < step * STEP {
            class += 1;
        }
        table[step] = class as u8;
        step += 1;
    }
    table
};

/// A free object.
pub(super) struct Object {
    pub next: Option<NonNull<Object>>,
}

/// What stands at the beginning of a slab.
struct Slab {
    /// Neighbours in the list of slabs that have free objects.
    next: Option<NonNull<Slab>>,
    previous: Option<NonNull<Slab>>,
    free: Option<NonNull<Object>>,
    /// Objects handed out.
    used: u16,
    /// Objects that were ever handed out: those behind are free and in no list.
    touched: u16,
    capacity: u16,
}

/// The slabs of a class.
struct Class {
    /// Slabs with free objects.
    partial: Option<NonNull<Slab>>,
    /// How many of these have no used object: one is kept.
    empty: u32,
}

// SAFETY: the pointers lead to slabs, which nobody reaches but through the lock.
unsafe impl Send for Class {}

static CLASS: LockClass = LockClass::new("slabs", 880);
static SLABS: [SpinLock<Class>; CLASSES] =
    [const { SpinLock::new(&CLASS, Class { partial: None, empty: 0 }) }; CLASSES];
static FRAMES: AtomicU64 = AtomicU64::new(0);
static USED: AtomicU64 = AtomicU64::new(0);

/// Frames that slabs have, and bytes of objects handed out.
pub(super) fn stats() -> (u64, u64) {
    (FRAMES.load(Ordering::Relaxed), USED.load(Ordering::Relaxed))
}

/// The class for a layout; `None` for frames.
#[inline]
pub(super) fn class(wanted: Layout) -> Option<usize> {
    // What needs a larger alignment than the step is rounded up to a power of two, whose class is aligned to it.
    let size = if wanted.align() > STEP {
        wanted.size().next_power_of_two().max(wanted.align())
    } else {
        wanted.size()
    };
    CLASS_OF_SIZE.get(size.div_ceil(STEP)).map(|&class| usize::from(class))
}

/// How many objects move between a processor and the slabs at once.
pub(super) fn batch(class: usize) -> usize {
    (4096 / SIZES[class]).clamp(4, 32)
}

/// How many free objects a processor keeps.
#[inline]
pub(super) fn most_at_hand(class: usize) -> u32 {
    const MOST: [u32; CLASSES] = {
        let mut most = [0; CLASSES];
        let mut class = 0;
        while class < CLASSES {
            let batch = 4096 / SIZES[class];
            most[class] = 2 * if batch < 4 {
                4
            } else if batch > 32 {
                32
            } else {
                batch as u32
            };
            class += 1;
        }
        most
    };
    MOST[class]
}

/// Where the first object lies: behind the header, at a multiple of the size's alignment.
fn first_offset(class: usize) -> usize {
    let size = SIZES[class];
    let alignment = if size.is_power_of_two() { size } else { 1 << size.trailing_zeros() };
    size_of::<Slab>().next_multiple_of(alignment)
}

/// Takes up to `wanted` free objects, from a new slab if there are none. Called with interrupts off.
pub(super) fn take(class: usize, wanted: usize, mut each: impl FnMut(NonNull<Object>)) {
    {
        let mut list = SLABS[class].lock();
        if list.partial.is_some() {
            return list.take(class, wanted, each);
        }
    }
    // Frames are asked for without the lock: the frame allocator has locks of its own.
    let Some(slab) = Slab::make(class) else { return };
    let mut list = SLABS[class].lock();
    // SAFETY: a new slab that is in no list.
    unsafe { list.link(slab) };
    list.empty += 1;
    list.take(class, wanted, &mut each);
}

/// Gives objects back to their slabs. Called with interrupts off.
///
/// # Safety
/// The objects are of the class, and free.
pub(super) unsafe fn give_back(objects: impl Iterator<Item = NonNull<Object>>, class: usize) {
    // Slabs that became empty, chained.
    let mut surplus: Option<NonNull<Slab>> = None;
    {
        let mut list = SLABS[class].lock();
        for object in objects {
            // SAFETY: the caller's contract.
            if let Some(mut slab) = unsafe { list.give_back(object, class) } {
                // SAFETY: the slab was taken off the list, empty.
                unsafe { slab.as_mut() }.next = surplus.replace(slab);
            }
        }
    }
    while let Some(slab) = surplus {
        let (frame, order) = frames_of(slab.cast());
        // SAFETY: as above; nothing refers to the slab any more.
        unsafe {
            surplus = slab.as_ref().next;
            frame_table::free(frame, order);
        }
        FRAMES.fetch_sub(1 << order, Ordering::Relaxed);
    }
}

/// The first frame, and the order, of the slab that a place belongs to.
fn frames_of(place: NonNull<Object>) -> (u64, u8) {
    let frame = (place.as_ptr() as u64 - layout::DIRECT_MAP) / PAGE_SIZE as u64;
    // SAFETY: the frame is claimed by a slab; the word says how large that is.
    let order = unsafe { frame_table::word(frame) }.load(Ordering::Relaxed) & !frame_table::SLAB;
    (frame >> order << order, order as u8)
}

impl Slab {
    /// Makes a slab of adjacent frames: enough for a handful of objects, or of one frame when there is nothing larger.
    fn make(class: usize) -> Option<NonNull<Self>> {
        let order = match SIZES[class] {
            ..384 => 0,
            384..1024 => 1,
            _ => 2,
        };
        Self::of_order(class, order).or_else(|| if order > 0 { Self::of_order(class, 0) } else { None })
    }

    fn of_order(class: usize, order: u8) -> Option<NonNull<Self>> {
        let frame = frame_table::allocate(order, frame_table::SLAB | u32::from(order))?;
        FRAMES.fetch_add(1 << order, Ordering::Relaxed);
        let bytes = PAGE_SIZE << order;
        let capacity = (bytes - first_offset(class)) / SIZES[class];
        let slab = NonNull::new(layout::direct::<Self>(frame * PAGE_SIZE as u64))?;
        // SAFETY: the frames were just claimed.
        unsafe {
            slab.write(Self {
                next: None,
                previous: None,
                free: None,
                used: 0,
                touched: 0,
                capacity: capacity as u16,
            });
        }
        Some(slab)
    }
}

impl Class {
    /// Takes up to `wanted` free objects of the slabs that there are.
    fn take(&mut self, class: usize, wanted: usize, mut each: impl FnMut(NonNull<Object>)) {
        let size = SIZES[class];
        let mut taken = 0;
        while let (Some(mut pointer), true) = (self.partial, taken < wanted) {
            // SAFETY: slabs in the list exist and are reached through the lock only.
            let slab = unsafe { pointer.as_mut() };
            if slab.used == 0 {
                self.empty -= 1;
            }
            while slab.used < slab.capacity && taken < wanted {
                let object = match slab.free {
                    Some(object) => {
                        // SAFETY: a free object holds the link to the next one.
                        slab.free = unsafe { object.as_ref() }.next;
                        object
                    }
                    None => {
                        let offset = first_offset(class) + usize::from(slab.touched) * size;
                        slab.touched += 1;
                        // SAFETY: below the capacity, as the slab has a free object.
                        unsafe { pointer.byte_add(offset).cast() }
                    }
                };
                slab.used += 1;
                taken += 1;
                each(object);
            }
            if slab.used == slab.capacity {
                // SAFETY: the slab is in the list.
                unsafe { self.unlink(pointer) };
            }
        }
        USED.fetch_add((taken * size) as u64, Ordering::Relaxed);
    }

    /// Takes an object back; gives the slab when it has become empty and is not kept.
    ///
    /// # Safety
    /// The object is of the class, and free.
    unsafe fn give_back(&mut self, object: NonNull<Object>, class: usize) -> Option<NonNull<Slab>> {
        let (frame, _) = frames_of(object);
        let mut pointer = NonNull::new(layout::direct::<Slab>(frame * PAGE_SIZE as u64))?;
        USED.fetch_sub(SIZES[class] as u64, Ordering::Relaxed);
        // SAFETY: slabs are reached through the lock only; the object is free.
        unsafe {
            let slab = pointer.as_mut();
            object.write(Object { next: slab.free });
            slab.free = Some(object);
            if slab.used == slab.capacity {
                self.link(pointer);
            }
            slab.used -= 1;
            if slab.used > 0 {
                return None;
            }
            if self.empty == 0 {
                self.empty = 1;
                return None;
            }
            self.unlink(pointer);
        }
        Some(pointer)
    }

    /// # Safety
    /// The slab is of this class and in no list.
    unsafe fn link(&mut self, mut pointer: NonNull<Slab>) {
        // SAFETY: slabs are reached through the lock only.
        unsafe {
            pointer.as_mut().previous = None;
            pointer.as_mut().next = self.partial;
            if let Some(mut next) = self.partial {
                next.as_mut().previous = Some(pointer);
            }
        }
        self.partial = Some(pointer);
    }

    /// # Safety
    /// The slab is in this list.
    unsafe fn unlink(&mut self, pointer: NonNull<Slab>) {
        // SAFETY: slabs are reached through the lock only.
        unsafe {
            let (next, previous) = (pointer.as_ref().next, pointer.as_ref().previous);
            match previous {
                Some(mut previous) => previous.as_mut().next = next,
                None => self.partial = next,
            }
            if let Some(mut next) = next {
                next.as_mut().previous = previous;
            }
        }
    }
}
