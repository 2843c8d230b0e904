//! Reading the tables.

use super::{Override, Sleep, Tables, bytes};

/// Bytes of the header that every table has.
const HEADER: usize = 36;

fn u8_at(table: &[u8], offset: usize) -> Option<u8> {
    table.get(offset).copied()
}

fn u16_at(table: &[u8], offset: usize) -> Option<u16> {
    Some(u16::from_le_bytes(table.get(offset..offset + 2)?.try_into().ok()?))
}

fn u32_at(table: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_le_bytes(table.get(offset..offset + 4)?.try_into().ok()?))
}

fn u64_at(table: &[u8], offset: usize) -> Option<u64> {
    Some(u64::from_le_bytes(table.get(offset..offset + 8)?.try_into().ok()?))
}

/// A whole table by its address, checked by its sum.
fn table(physical: u64) -> Option<&'static [u8]> {
    let length = u32_at(bytes(physical, HEADER)?, 4)? as usize;
    let table = bytes(physical, length.max(HEADER))?;
    (table.iter().fold(0, |sum: u8, &byte| sum.wrapping_add(byte)) == 0).then_some(table)
}

/// Reads everything, from the root pointer on; `None` when there is no usable root.
pub(super) fn all(rsdp: u64, tables: &mut Tables) -> Option<()> {
    let root = bytes(rsdp, 36)?;
    if !root.starts_with(b"RSD PTR ") {
        return None;
    }
    let wide = u8_at(root, 15)? >= 2 && u64_at(root, 24)? != 0;
    let list = table(if wide { u64_at(root, 24)? } else { u32_at(root, 16)?.into() })?;
    for entry in list.get(HEADER..)?.chunks_exact(if wide { 8 } else { 4 }) {
        let physical = if wide { u64_at(entry, 0)? } else { u32_at(entry, 0)?.into() };
        let Some(found) = table(physical) else { continue };
        // A table that is cut short leaves what it should have said at its default.
        let _ = match found.get(..4)? {
            b"APIC" => madt(found, tables),
            b"FACP" => fadt(found, tables),
            _ => None,
        };
    }
    Some(())
}

/// The multiple APIC description table (ACPI 5.2.12).
fn madt(table: &[u8], tables: &mut Tables) -> Option<()> {
    const LOCAL_APIC: u8 = 0;
    const IO_APIC: u8 = 1;
    const OVERRIDE: u8 = 2;
    const LOCAL_APIC_ADDRESS: u8 = 5;
    tables.local_apic = u32_at(table, HEADER)?.into();
    let mut rest = table.get(44..)?;
    let mut overrides = 0;
    while let Some(length) = u8_at(rest, 1).map(usize::from).filter(|&length| length >= 2) {
        let entry = rest.get(..length)?;
        match u8_at(entry, 0)? {
            LOCAL_APIC if u32_at(entry, 4)? & 1 != 0 => tables.add_processor(u8_at(entry, 3)?),
            IO_APIC if tables.io_apic.is_none() => {
                tables.io_apic = Some((u32_at(entry, 4)?.into(), u32_at(entry, 8)?));
            }
            OVERRIDE => {
                let flags = u16_at(entry, 8)?;
                let (active_low, level) = (flags & 3 == 3, flags >> 2 & 3 == 3);
                let found = Override { line: u8_at(entry, 3)?, global: u32_at(entry, 4)?, active_low, level };
                if let Some(free) = tables.overrides.get_mut(overrides) {
                    *free = Some(found);
                    overrides += 1;
                }
            }
            LOCAL_APIC_ADDRESS => tables.local_apic = u64_at(entry, 4)?,
            _ => {}
        }
        rest = rest.get(length..)?;
    }
    Some(())
}

/// The fixed description table (ACPI 5.2.9).
fn fadt(table: &[u8], tables: &mut Tables) -> Option<()> {
    const SYSTEM_IO: u8 = 1;
    const RESET_SUPPORTED: u32 = 1 << 10;
    let dsdt = self::table(u32_at(table, 40)?.into());
    let ports = [u32_at(table, 64)? as u16, u32_at(table, 68)? as u16];
    tables.sleep = dsdt.and_then(sleep_types).map(|types| Sleep { ports, types });
    if u32_at(table, 112)? & RESET_SUPPORTED != 0 && u8_at(table, 116)? == SYSTEM_IO {
        tables.reset = Some((u64_at(table, 120)? as u16, u8_at(table, 128)?));
    }
    Some(())
}

/// Finds `Name (_S5, Package () { SLP_TYPa, SLP_TYPb, … })` in the byte code (ACPI chapter 20) and gives the two values.
///
/// Only this form is understood: the name operator, the name, a package, and integers in it. A machine whose firmware computes
/// the values powers off by its owner's hand.
fn sleep_types(code: &[u8]) -> Option<[u8; 2]> {
    const NAME: u8 = 0x08;
    const PACKAGE: u8 = 0x12;
    let at = code.windows(4).position(|bytes| bytes == b"_S5_")?;
    let before = code.get(at.checked_sub(2)?..at)?;
    if before[1] != NAME && before != [NAME, b'\\'] {
        return None;
    }
    let package = code.get(at + 4..)?;
    if u8_at(package, 0)? != PACKAGE {
        return None;
    }
    // The length's first byte says in its upper two bits how many more there are; then comes the number of elements.
    let mut elements = package.get(3 + usize::from(u8_at(package, 1)? >> 6)..)?;
    let mut types = [0; 2];
    for value in &mut types {
        let (integer, length) = match u8_at(elements, 0)? {
            0x00 => (0, 1),
            0x01 => (1, 1),
            0x0a => (u8_at(elements, 1)?, 2),
            0x0b => (u8_at(elements, 1)?, 3),
            0x0c => (u8_at(elements, 1)?, 5),
            _ => return None,
        };
        *value = integer;
        elements = elements.get(length..)?;
    }
    Some(types)
}
