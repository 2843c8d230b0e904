//! The table of functions that the kernel's backtraces use.
//!
//! The linker script ends with a segment of 16 zero bytes. Its place is taken by a table made of the linked image's own
//! symbols: the file grows at its end, and one program header is changed. A second link step would give the same, slower.

use std::path::Path;

use anyhow::{Context, Result};
use object::elf;
use object::read::elf::{ElfFile64, FileHeader, ProgramHeader};
use object::{Endianness, Object, ObjectSymbol, SymbolKind};

/// The link address that stands for physical address 0; symbols are stored from here on.
const BASE: u64 = 0xffff_ffff_8000_0000;
/// The linker script's symbol at the beginning of the segment.
const PLACE: &str = "symbols_start";
const MAGIC: &[u8; 8] = b"SERIXSYM";

/// Writes the image `linked` with its table to `finished`.
pub fn append(linked: &Path, finished: &Path) -> Result<()> {
    let mut bytes = std::fs::read(linked).with_context(|| format!("cannot read {}", linked.display()))?;
    let (header, table) = {
        let file = ElfFile64::<Endianness>::parse(&*bytes).context("the linked kernel is no ELF file")?;
        let place = file
            .symbols()
            .find(|symbol| symbol.name() == Ok(PLACE))
            .with_context(|| format!("the linked kernel has no symbol {PLACE}"))?
            .address();
        (header_offset(&file, place)?, table(&file))
    };
    let start = bytes.len().next_multiple_of(4096);
    bytes.resize(start, 0);
    bytes.extend_from_slice(&table);
    let fields = bytes
        .get_mut(header..header + size_of::<elf::ProgramHeader64<Endianness>>())
        .context("a program header lies outside the file")?;
    for (offset, value) in [(8, start), (32, table.len()), (40, table.len())] {
        fields[offset..offset + 8].copy_from_slice(&(value as u64).to_le_bytes()); // offset, file size, memory size
    }
    std::fs::write(finished, bytes).with_context(|| format!("cannot write {}", finished.display()))
}

/// Where in the file the program header of the segment at an address is.
fn header_offset(file: &ElfFile64<'_, Endianness>, address: u64) -> Result<usize> {
    let endian = file.endian();
    let index = file
        .elf_program_headers()
        .iter()
        .position(|header| header.p_type(endian) == elf::PT_LOAD && header.p_vaddr(endian) == address)
        .context("the linked kernel has no segment for its symbols")?;
    let first = usize::try_from(file.elf_header().e_phoff(endian))?;
    Ok(first + index * size_of::<elf::ProgramHeader64<Endianness>>())
}

/// The table: magic, number of entries, bytes of names; for each function its offset and where its name ends; the names.
fn table(file: &ElfFile64<'_, Endianness>) -> Vec<u8> {
    let mut functions: Vec<(u32, String)> = file
        .symbols()
        .filter(|symbol| matches!(symbol.kind(), SymbolKind::Text) && symbol.is_definition())
        .filter_map(|symbol| {
            let offset = u32::try_from(symbol.address().checked_sub(BASE)?).ok()?;
            Some((offset, format!("{:#}", rustc_demangle::demangle(symbol.name().ok()?))))
        })
        .collect();
    functions.sort();
    functions.dedup_by_key(|function| function.0);
    let mut names = Vec::new();
    let mut entries = Vec::new();
    for (offset, name) in &functions {
        names.extend_from_slice(name.as_bytes());
        entries.extend_from_slice(&offset.to_le_bytes());
        entries.extend_from_slice(&(names.len() as u32).to_le_bytes());
    }
    let mut table = MAGIC.to_vec();
    table.extend_from_slice(&(functions.len() as u32).to_le_bytes());
    table.extend_from_slice(&(names.len() as u32).to_le_bytes());
    table.extend(entries);
    table.extend(names);
    table
}
