//! The I/O APIC (Intel 82093AA): which device interrupt goes to which vector.

use core::sync::atomic::{AtomicU32, Ordering};

use super::super::acpi::{Override, Tables};
use super::super::kernel_map;
use crate::cpu::CpuId;
use crate::irq::NoSuchLine;
use crate::{LockClass, Once, SpinLock};

const MASKED: u32 = 1 << 16;
const LEVEL_TRIGGERED: u32 = 1 << 15;
const ACTIVE_LOW: u32 = 1 << 13;
const VERSION: u32 = 1;
const FIRST_ENTRY: u32 = 0x10;

/// The index register and the window to what it names.
struct Registers {
    index: &'static AtomicU32,
    window: &'static AtomicU32,
}

impl Registers {
    fn read(&mut self, register: u32) -> u32 {
        self.index.store(register, Ordering::Relaxed);
        self.window.load(Ordering::Relaxed)
    }

    fn write(&mut self, register: u32, value: u32) {
        self.index.store(register, Ordering::Relaxed);
        self.window.store(value, Ordering::Relaxed);
    }
}

struct IoApic {
    registers: SpinLock<Registers>,
    /// The first global interrupt, and how many.
    base: u32,
    count: u32,
    overrides: [Option<Override>; 16],
}

static CLASS: LockClass = LockClass::new("I/O APIC", 1_010);
static IO_APIC: Once<IoApic> = Once::new();

/// Maps the first I/O APIC, which has the ISA lines, and masks everything.
///
/// # Errors
/// There is none, or it cannot be mapped.
pub(super) fn init(tables: &Tables) -> Result<(), NoSuchLine> {
    let (physical, base) = tables.io_apic.ok_or(NoSuchLine)?;
    let address = kernel_map::map_device(physical, 0x20).map_err(|_| NoSuchLine)?;
    // SAFETY: the two registers are mapped for good; atomics, as they change by themselves.
    let mut registers = unsafe {
        Registers { index: &*(address as *const AtomicU32), window: &*((address + 0x10) as *const AtomicU32) }
    };
    let count = (registers.read(VERSION) >> 16 & 0xff) + 1;
    for entry in 0..count {
        registers.write(FIRST_ENTRY + 2 * entry, MASKED);
    }
    let registers = SpinLock::new(&CLASS, registers);
    let _ = IO_APIC.set(IoApic { registers, base, count, overrides: tables.overrides });
    Ok(())
}

/// Lets an ISA line interrupt the boot processor with a vector.
///
/// # Errors
/// No I/O APIC has the line.
pub(in super::super) fn route(line: u8, vector: u8) -> Result<(), NoSuchLine> {
    let apic = IO_APIC.get().ok_or(NoSuchLine)?;
    let found = apic.overrides.iter().flatten().find(|entry| entry.line == line);
    let (global, low, level) =
        found.map_or((u32::from(line), false, false), |entry| (entry.global, entry.active_low, entry.level));
    let entry = global.checked_sub(apic.base).filter(|&entry| entry < apic.count).ok_or(NoSuchLine)?;
    let polarity = if low { ACTIVE_LOW } else { 0 };
    let trigger = if level { LEVEL_TRIGGERED } else { 0 };
    let mut registers = apic.registers.lock_irq();
    registers.write(FIRST_ENTRY + 2 * entry + 1, super::local::number(CpuId::new(0)) << 24);
    registers.write(FIRST_ENTRY + 2 * entry, u32::from(vector) | polarity | trigger);
    Ok(())
}
