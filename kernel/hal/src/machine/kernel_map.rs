//! The kernel's half of the page tables, the same in every address space: every entry of a root table that the kernel will
//! ever use exists from the start, so that a copy of the root's upper half stays right.

use core::sync::atomic::Ordering;

use super::features::{self, Features};
use super::layout::{self, DEVICES, DIRECT_MAP, KERNEL_BASE, STACKS};
use super::table::{self, ADDRESS, Bits};
use super::{area, early, frame_table};
use crate::facts::Facts;
use crate::{LockClass, MemoryKind, NoMemory, Once, PAGE_SIZE, SpinLock};

const PAGE: u64 = PAGE_SIZE as u64;
const LARGE: u64 = 2 << 20;
const HUGE: u64 = 1 << 30;

static ROOT: Once<u64> = Once::new();
/// Held while the kernel's tables change.
static CLASS: LockClass = LockClass::new("kernel page tables", 850);
static CHANGING: SpinLock<()> = SpinLock::new(&CLASS, ());

/// The physical address of the kernel's own root table.
pub(super) fn root() -> u64 {
    ROOT.get().copied().unwrap_or_default()
}

/// Builds the tables and switches to them: from here on text is read-only and executable, everything else is not executable,
/// and nothing is mapped in the user's half.
pub(super) fn init(facts: &Facts) {
    let root = early::take(1);
    let _ = ROOT.set(root);
    let image = layout::image();
    let read_only = Bits::PRESENT | Bits::NO_EXECUTE | Bits::GLOBAL;
    let map = |virtual_base: u64, start: u64, end: u64, size: u64, bits: Bits| {
        let mut at = start;
        while at < end {
            enter(root, virtual_base.wrapping_add(at), at, size, bits);
            at += size;
        }
    };
    let base = layout::image_base();
    map(base, image.text, image.rodata, PAGE, Bits::PRESENT | Bits::GLOBAL);
    map(base, image.rodata, image.data, PAGE, read_only);
    map(base, image.data, image.appended, PAGE, Bits::KERNEL_DATA);
    map(base, image.appended, image.end, PAGE, read_only);

    let mut done = 0;
    for (start, end) in direct_ranges(facts) {
        let mut at = start.max(done);
        while at < end {
            let block = at & !(LARGE - 1);
            let size = if block < image.end && block + LARGE > image.text {
                PAGE
            } else if at % HUGE == 0 && end - at >= HUGE && features::get().contains(Features::HUGE_PAGES) {
                HUGE
            } else {
                LARGE
            };
            // Nobody writes to text or read-only data by the back door either.
            let bits = if size == PAGE && at >= image.text && at < image.data {
                read_only
            } else {
                Bits::KERNEL_DATA
            };
            enter(root, DIRECT_MAP + at, at, size, bits);
            at += size;
        }
        done = at;
    }
    for start in [STACKS, DEVICES] {
        // SAFETY: the root table was made above.
        let entry = unsafe { &table::at(root)[table::index(start, 3)] };
        entry.store(early::take(1) | Bits::KERNEL_TABLE.bits(), Ordering::Relaxed);
    }
    // SAFETY: the new tables map the image, the boot stack in it, and all memory that the boot tables showed and that is memory.
    unsafe { area::current().translations.load(root) };
}

/// Switches a further processor to the tables.
pub(super) fn load() {
    // SAFETY: the tables are complete, and every stack is mapped in them.
    unsafe { area::current().translations.load(root()) };
}

/// What the direct map covers: all memory, and what firmware left in the first MiB and beside usable memory (ACPI's tables),
/// in steps of large pages.
fn direct_ranges(facts: &Facts) -> impl Iterator<Item = (u64, u64)> + '_ {
    /// Reserved regions below this size hold firmware's tables; larger ones are windows to devices.
    const TABLES: u64 = 16 << 20;
    let wanted = facts.regions().iter().filter(|region| {
        region.kind != MemoryKind::Reserved || region.length <= TABLES && region.start.get() < 0xe000_0000
    });
    core::iter::once((0, LARGE)).chain(wanted.map(|region| {
        let end = region.start.get().saturating_add(region.length).min(layout::DIRECT_MAP_SIZE);
        (region.start.get() & !(LARGE - 1), end.next_multiple_of(LARGE))
    }))
}

/// Enters one page during bring-up, making tables as needed.
fn enter(root: u64, address: u64, physical: u64, size: u64, bits: Bits) {
    let leaf = match size {
        HUGE => 2,
        LARGE => 1,
        _ => 0,
    };
    let mut at = root;
    for level in (leaf + 1..4).rev() {
        // SAFETY: `at` is a table that this function made, or the root.
        let entry = unsafe { &table::at(at)[table::index(address, level)] };
        let mut value = entry.load(Ordering::Relaxed);
        if value == 0 {
            value = early::take(1) | Bits::KERNEL_TABLE.bits();
            entry.store(value, Ordering::Relaxed);
        }
        at = value & ADDRESS;
    }
    let large = if leaf > 0 { Bits::LARGE.bits() } else { 0 };
    // SAFETY: as above.
    unsafe { &table::at(at)[table::index(address, leaf)] }
        .store(physical | bits.bits() | large, Ordering::Relaxed);
}

/// Maps one page of the regions for stacks and devices, where nothing is mapped.
///
/// # Errors
/// [`NoMemory`] when no frame is left for a table.
pub(super) fn map(address: u64, physical: u64, bits: Bits) -> Result<(), NoMemory> {
    debug_assert!((STACKS..KERNEL_BASE).contains(&address), "only stacks and devices are mapped later");
    let _changing = CHANGING.lock_irq();
    let mut at = root();
    for level in (1..4).rev() {
        // SAFETY: `at` is a table of the kernel's half; these are never freed.
        let entry = unsafe { &table::at(at)[table::index(address, level)] };
        let mut value = entry.load(Ordering::Relaxed);
        if value == 0 {
            let frame = frame_table::allocate(0, frame_table::KERNEL).ok_or(NoMemory)?;
            // SAFETY: the frame was just claimed.
            unsafe { frame_table::clear(frame) };
            value = (frame * PAGE) | Bits::KERNEL_TABLE.bits();
            entry.store(value, Ordering::Release);
        }
        at = value & ADDRESS;
    }
    // SAFETY: as above.
    unsafe { &table::at(at)[table::index(address, 0)] }.store(physical | bits.bits(), Ordering::Release);
    Ok(())
}

/// Removes one page that [`map`] entered; gives its physical address. The caller flushes.
pub(super) fn unmap(address: u64) -> Option<u64> {
    let _changing = CHANGING.lock_irq();
    let mut at = root();
    for level in (1..4).rev() {
        // SAFETY: as in `map`.
        let value = unsafe { &table::at(at)[table::index(address, level)] }.load(Ordering::Relaxed);
        if value == 0 {
            return None;
        }
        at = value & ADDRESS;
    }
    // SAFETY: as in `map`.
    let value = unsafe { &table::at(at)[table::index(address, 0)] }.swap(0, Ordering::Relaxed);
    (value != 0).then_some(value & ADDRESS)
}

/// Where the next device's registers will be mapped.
static NEXT_DEVICE: SpinLock<u64> = SpinLock::new(&DEVICES_CLASS, DEVICES);
static DEVICES_CLASS: LockClass = LockClass::new("device mappings", 845);

/// Maps device registers, for good; gives the virtual address.
///
/// # Errors
/// [`NoMemory`] when no frame is left for a table.
pub(super) fn map_device(physical: u64, length: u64) -> Result<u64, NoMemory> {
    map_as(physical, length, Bits::UNCACHED | Bits::WRITE_THROUGH)
}

/// Maps memory of a device that takes writes in any order and many at a time, for good; gives the virtual address.
///
/// # Errors
/// As [`map_device`].
pub(super) fn map_write_combining(physical: u64, length: u64) -> Result<u64, NoMemory> {
    let able = features::get().contains(Features::PAT);
    map_as(physical, length, if able { Bits::WRITE_COMBINING } else { Bits::UNCACHED | Bits::WRITE_THROUGH })
}

fn map_as(physical: u64, length: u64, kind: Bits) -> Result<u64, NoMemory> {
    let bits = Bits::KERNEL_DATA | kind;
    let first = physical & !(PAGE - 1);
    let mut next = NEXT_DEVICE.lock_irq();
    let start = *next;
    let mut at = first;
    while at < physical + length {
        map(*next, at, bits)?;
        *next += PAGE;
        at += PAGE;
    }
    Ok(start + (physical - first))
}

/// Says whether the direct map shows a physical address.
pub(super) fn is_direct(physical: u64) -> bool {
    physical < layout::DIRECT_MAP_SIZE && is_mapped(DIRECT_MAP + physical)
}

/// Says whether a kernel address is mapped.
pub(super) fn is_mapped(address: u64) -> bool {
    let mut at = root();
    for level in (0..4).rev() {
        // SAFETY: `at` is a table of the kernel's half; these are never freed.
        let value = unsafe { &table::at(at)[table::index(address, level)] }.load(Ordering::Relaxed);
        if value & Bits::PRESENT.bits() == 0 {
            return false;
        }
        if value & Bits::LARGE.bits() != 0 {
            return true;
        }
        at = value & ADDRESS;
    }
    true
}
