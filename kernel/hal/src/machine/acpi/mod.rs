//! ACPI's static tables, as far as the kernel needs them (ACPI specification 6.5, chapter 5).
//!
//! Firmware's tables are untrusted bytes: they are read through slices of the direct map or of a mapping, lengths checked.

mod parse;

use super::{kernel_map, layout};
use crate::PhysAddr;

/// What the tables say.
#[derive(Debug)]
pub(super) struct Tables {
    /// Where every processor finds its local APIC.
    pub local_apic: u64,
    /// The first I/O APIC's registers and its first global interrupt.
    pub io_apic: Option<(u64, u32)>,
    /// ISA lines that are not what they were on the first PCs.
    pub overrides: [Option<Override>; 16],
    /// The APIC numbers of the processors that can be used, as a set of bits.
    processors: [u64; 4],
    /// How to power off.
    pub sleep: Option<Sleep>,
    /// How to reset: an I/O port and the value to write to it.
    pub reset: Option<(u16, u8)>,
}

/// An ISA line that arrives somewhere else or in another way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Override {
    /// The line, in ISA's numbering.
    pub line: u8,
    /// The global interrupt.
    pub global: u32,
    /// Active low instead of high.
    pub active_low: bool,
    /// Level-triggered instead of by edge.
    pub level: bool,
}

/// The soft-off state S5.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sleep {
    /// The PM1a and PM1b control registers' ports; 0 for none.
    pub ports: [u16; 2],
    /// The sleep type for each.
    pub types: [u8; 2],
}

impl Tables {
    /// The APIC numbers of the processors that can be used.
    pub fn processors(&self) -> impl Iterator<Item = u32> + '_ {
        (0..256).filter(|&number| self.processors[number as usize / 64] >> (number % 64) & 1 != 0)
    }

    fn add_processor(&mut self, number: u8) {
        self.processors[usize::from(number) / 64] |= 1 << (number % 64);
    }

    /// A PC without tables.
    const NONE: Self = Self {
        local_apic: 0xfee0_0000,
        io_apic: None,
        overrides: [None; 16],
        processors: [0; 4],
        sleep: None,
        reset: None,
    };
}

/// Reads the tables.
pub(super) fn find(rsdp: Option<PhysAddr>) -> Tables {
    let mut tables = Tables::NONE;
    if rsdp.and_then(|rsdp| parse::all(rsdp.get(), &mut tables)).is_none() {
        crate::warn!("acpi", "no usable tables");
    }
    tables
}

/// Firmware's bytes at a physical address; `None` when they cannot be mapped.
fn bytes(physical: u64, length: usize) -> Option<&'static [u8]> {
    let last = physical.checked_add(length as u64)?.checked_sub(1)?;
    let address = if kernel_map::is_direct(physical) && kernel_map::is_direct(last) {
        layout::DIRECT_MAP + physical
    } else {
        kernel_map::map_device(physical, length as u64).ok()?
    };
    // SAFETY: mapped for good, and firmware's tables do not change.
    Some(unsafe { core::slice::from_raw_parts(address as *const u8, length) })
}
