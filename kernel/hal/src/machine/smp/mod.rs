//! Starting the further processors (Intel SDM volume 3, 9.4: INIT, then the start-up interrupt).
//!
//! One after the other: each enters at [`trampoline`] in 16-bit mode, comes to [`enter`] on a stack of its own, sets itself up
//! as the boot processor did, and runs what the kernel gave to [`start`]. A processor that does not answer, or whose
//! time-stamp counter is behind the others', is left out, and so are those after it: their numbers have no gap.

mod counter;
mod trampoline;

use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;

use super::acpi::Tables;
use super::boot::tables;
use super::stack::Stack;
use super::{apic, area, cpu, descriptors, features, fpu, kernel_map, time, trap};
use crate::facts::Facts;
use crate::{MemoryKind, Once, PAGE_SIZE, info, warn};

/// What a started processor runs.
type Main = fn() -> !;

/// How long a processor may take to answer. An emulator's host may be busy.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between the reset of the processors and their start.
const AFTER_INIT: Duration = Duration::from_millis(10);
/// After this long without an answer the start-up interrupt is sent a second time.
const SECOND_TRY: Duration = Duration::from_millis(20);

/// The APIC numbers of the processors in the order of ACPI's table, without the boot processor's.
static FOUND: [AtomicU32; area::MAX] = [const { AtomicU32::new(0) }; area::MAX];
static FOUND_COUNT: AtomicUsize = AtomicUsize::new(0);
/// The frame below 1 MiB where the trampoline goes; 0 for none.
static LOW_FRAME: AtomicU64 = AtomicU64::new(0);
static MAIN: Once<Main> = Once::new();
/// What became of the processor that is being started.
static PHASE: AtomicU8 = AtomicU8::new(OFFERED);

const OFFERED: u8 = 0;
const ARRIVED: u8 = 1;
const WITHDRAWN: u8 = 2;

/// Keeps what the start needs to know. On the boot processor, whose local APIC is up.
pub(super) fn prepare(facts: &Facts, tables: &Tables) {
    let own = apic::local::own_number();
    let others = tables.processors().filter(|&number| number != own);
    for (slot, number) in FOUND.iter().zip(others).take(area::MAX - 1) {
        slot.store(number, Ordering::Relaxed);
        FOUND_COUNT.fetch_add(1, Ordering::Relaxed);
    }
    LOW_FRAME.store(low_frame(facts).unwrap_or(0), Ordering::Relaxed);
}

/// A whole usable frame between firmware's first page and its data area, which nobody else is given.
fn low_frame(facts: &Facts) -> Option<u64> {
    const PREFERRED: u64 = 0x8000;
    const END: u64 = 0x9_0000;
    facts.regions().iter().filter(|region| region.kind == MemoryKind::Usable).find_map(|region| {
        let start = region.start.get().max(PREFERRED).next_multiple_of(PAGE_SIZE as u64);
        let end = region.start.get().saturating_add(region.length).min(END);
        (start + PAGE_SIZE as u64 <= end).then_some(start)
    })
}

/// Starts every processor that ACPI's table names; each runs `main` with interrupts off. Once, by the boot processor.
pub(super) fn start(main: Main) {
    let count = FOUND_COUNT.load(Ordering::Relaxed);
    let frame = LOW_FRAME.load(Ordering::Relaxed);
    if count == 0 || MAIN.set(main).is_err() {
        return;
    }
    if frame == 0 {
        return warn!("smp", "no memory below 1 MiB for the start of {count} processors");
    }
    if !trampoline::install(frame, tables::root()) {
        return warn!("smp", "the boot page tables are beyond 4 GiB: further processors cannot be started");
    }
    let numbers = || FOUND.iter().take(count).map(|number| number.load(Ordering::Relaxed));
    numbers().for_each(apic::local::send_init);
    wait(AFTER_INIT, || false);
    for number in numbers() {
        let index = cpu::online();
        if !start_one(frame, number, index) {
            warn!(
                "smp",
                "processor {index} (APIC {number}) does not start; it and those after it are left out"
            );
            break;
        }
    }
    info!("smp", "{} of {} processors run", cpu::online(), count + 1);
}

/// Starts one processor and waits until it has come online.
fn start_one(frame: u64, number: u32, index: usize) -> bool {
    let Ok(stack) = Stack::new() else { return false };
    area::prepare(index);
    counter::reset();
    PHASE.store(OFFERED, Ordering::Release);
    trampoline::set(frame, kernel_map::root(), stack.top(), enter as *const () as u64, index as u64);
    // A processor that arrives late finds its stack, even if nobody waits for it any more.
    core::mem::forget(stack);
    apic::local::send_start(number, (frame / PAGE_SIZE as u64) as u8);
    let arrived = || PHASE.load(Ordering::Acquire) == ARRIVED;
    if !wait(SECOND_TRY, arrived) {
        apic::local::send_start(number, (frame / PAGE_SIZE as u64) as u8);
    }
    if !wait(PATIENCE, arrived)
        && PHASE.compare_exchange(OFFERED, WITHDRAWN, Ordering::AcqRel, Ordering::Acquire).is_ok()
    {
        return false;
    }
    counter::compare_with_new() && wait(PATIENCE, || cpu::online() > index)
}

/// Waits until `condition` holds; says whether it did in time.
fn wait(patience: Duration, condition: impl Fn() -> bool) -> bool {
    let end = time::now_nanos() + patience.as_nanos() as u64;
    while !condition() {
        if time::now_nanos() > end {
            return false;
        }
        core::hint::spin_loop();
    }
    true
}

/// The first Rust code of a started processor: on its stack, in the kernel's page tables, with interrupts off.
extern "C" fn enter(index: u64) -> ! {
    area::adopt(index as usize);
    features::enable_on_this_processor();
    kernel_map::load();
    descriptors::load();
    descriptors::use_fault_stacks();
    trap::init();
    fpu::init_processor();
    if PHASE.compare_exchange(OFFERED, ARRIVED, Ordering::AcqRel, Ordering::Acquire).is_err()
        || !counter::compare_as_new()
    {
        cpu::stop();
    }
    apic::local::init_processor();
    match MAIN.get() {
        Some(main) => main(),
        None => cpu::stop(),
    }
}
