//! What the build appends to the linked kernel: the table of functions for its backtraces, and the places that hold an absolute
//! address, so that it can move itself (`kernel/hal/src/machine/appended.rs` reads both).
//!
//! The linker script ends with a segment for an empty header. Its place is taken by tables made of the linked image's own symbols
//! and relocations: the file grows at its end, and one program header is changed. A second link step would give the same, slower.

use std::path::Path;

use anyhow::{Context, Result, bail};
use object::elf;
use object::read::elf::{ElfFile64, FileHeader, ProgramHeader};
use object::{Endianness, Object, ObjectSection, ObjectSymbol, RelocationFlags, SectionKind, SymbolKind};

type Image<'a> = ElfFile64<'a, Endianness>;

/// The link address that stands for physical address 0; functions are stored from here on.
const BASE: u64 = 0xffff_ffff_8000_0000;
/// The linker script's symbols: the first byte of the image, that of the segment, and the table of global offsets.
const START: &str = "image_start";
const PLACE: &str = "appended_start";
const OFFSETS: [&str; 2] = ["got_start", "got_end"];
const MAGIC: &[u8; 8] = b"SERIXTAB";

/// Writes the image `linked` with its tables to `finished`.
pub fn append(linked: &Path, finished: &Path) -> Result<()> {
    let mut bytes = std::fs::read(linked).with_context(|| format!("cannot read {}", linked.display()))?;
    let (header, tables) = {
        let file = Image::parse(&*bytes).context("the linked kernel is no ELF file")?;
        let place = symbol(&file, PLACE)?;
        (header_offset(&file, place)?, tables(&file)?)
    };
    let start = bytes.len().next_multiple_of(4096);
    bytes.resize(start, 0);
    bytes.extend_from_slice(&tables);
    let fields = bytes
        .get_mut(header..header + size_of::<elf::ProgramHeader64<Endianness>>())
        .context("a program header lies outside the file")?;
    for (offset, value) in [(8, start), (32, tables.len()), (40, tables.len())] {
        fields[offset..offset + 8].copy_from_slice(&(value as u64).to_le_bytes()); // offset, file size, memory size
    }
    std::fs::write(finished, bytes).with_context(|| format!("cannot write {}", finished.display()))
}

/// The finished image without what no loader loads: symbols, relocations, debug information. Limine reads the whole file.
pub fn loadable(bytes: &[u8]) -> Result<Vec<u8>> {
    let (last, start, length, end) = {
        let file = Image::parse(bytes).context("the kernel is no ELF file")?;
        let endian = file.endian();
        let segments = file.elf_program_headers().iter().enumerate();
        let mut loaded: Vec<_> =
            segments.filter(|(_, header)| header.p_type(endian) == elf::PT_LOAD).collect();
        let (last, tables) = loaded.pop().context("the kernel has no segment")?;
        let end = loaded.iter().map(|(_, header)| header.p_offset(endian) + header.p_filesz(endian)).max();
        (last, tables.p_offset(endian) as usize, tables.p_filesz(endian) as usize, end.unwrap_or(0) as usize)
    };
    let outside = "a segment of the kernel lies outside its file";
    let tables = bytes.get(start..).and_then(|rest| rest.get(..length)).context(outside)?;
    let mut image = bytes.get(..end).context(outside)?.to_vec();
    image.resize(end.next_multiple_of(4096), 0);
    let place = image.len() as u64;
    image.extend_from_slice(tables);
    // The header's fields: where section headers are, how many and which names them; a program header's file offset.
    const SECTIONS: usize = 40;
    const SECTION_NUMBERS: usize = 58;
    let header =
        size_of::<elf::FileHeader64<Endianness>>() + last * size_of::<elf::ProgramHeader64<Endianness>>() + 8;
    for (offset, bytes) in
        [(SECTIONS, &[0; 8][..]), (SECTION_NUMBERS, &[0; 6]), (header, &place.to_le_bytes())]
    {
        image.get_mut(offset..offset + bytes.len()).context(outside)?.copy_from_slice(bytes);
    }
    Ok(image)
}

/// The address of a symbol of the linker script.
fn symbol(file: &Image<'_>, name: &str) -> Result<u64> {
    let found = file.symbols().find(|symbol| symbol.name() == Ok(name));
    Ok(found.with_context(|| format!("the linked kernel has no symbol {name}"))?.address())
}

/// Where in the file the program header of the segment at an address is.
fn header_offset(file: &Image<'_>, address: u64) -> Result<usize> {
    let endian = file.endian();
    let index = file
        .elf_program_headers()
        .iter()
        .position(|header| header.p_type(endian) == elf::PT_LOAD && header.p_vaddr(endian) == address)
        .context("the linked kernel has no segment for its tables")?;
    let first = usize::try_from(file.elf_header().e_phoff(endian))?;
    Ok(first + index * size_of::<elf::ProgramHeader64<Endianness>>())
}

/// The header with the numbers of what follows: functions, wide and narrow places, names.
fn tables(file: &Image<'_>) -> Result<Vec<u8>> {
    let (functions, count, names) = functions(file);
    let Places { wide, narrow } = places(file)?;
    let mut tables = MAGIC.to_vec();
    for number in [count, wide.len(), narrow.len(), names.len()] {
        tables.extend_from_slice(&u32::try_from(number)?.to_le_bytes());
    }
    tables.extend(functions);
    tables.extend(wide.iter().chain(&narrow).flat_map(|place| place.to_le_bytes()));
    tables.extend(names);
    Ok(tables)
}

/// For each function its offset and where its name ends; how many there are; the names.
fn functions(file: &Image<'_>) -> (Vec<u8>, usize, Vec<u8>) {
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
    (entries, functions.len(), names)
}

/// Offsets from the image's first byte.
#[derive(Default)]
struct Places {
    wide: Vec<u32>,
    narrow: Vec<u32>,
}

/// Where the image holds an absolute address of its own. What is relative, or a physical address (the entry's), stays.
fn places(file: &Image<'_>) -> Result<Places> {
    let start = symbol(file, START)?;
    let mut places = Places::default();
    for section in file.sections().filter(|section| section.address() >= start) {
        if matches!(section.kind(), SectionKind::UninitializedData) {
            continue;
        }
        let data = section.data().context("a section of the kernel lies outside the file")?;
        for (address, relocation) in section.relocations() {
            let RelocationFlags::Elf { r_type } = relocation.flags() else { continue };
            let list = match r_type {
                elf::R_X86_64_64 => &mut places.wide,
                elf::R_X86_64_32S => &mut places.narrow,
                elf::R_X86_64_32 | elf::R_X86_64_PC32 | elf::R_X86_64_PC64 | elf::R_X86_64_PLT32 => continue,
                elf::R_X86_64_GOTPCREL | elf::R_X86_64_GOTPCRELX | elf::R_X86_64_REX_GOTPCRELX => continue,
                other => bail!("the kernel has a relocation of type {other}, which moving it does not know"),
            };
            let at = usize::try_from(address - section.address())?;
            // The upper half of a sign-extended address is all ones, so its lower half tells enough.
            let value = data.get(at..at + 4).context("a relocation lies outside its section")?;
            let upper = r_type == elf::R_X86_64_64 && data.get(at + 4..at + 8) != Some(&[0xff; 4]);
            if !upper && u64::from(u32::from_le_bytes(value.try_into()?)) >= start & 0xffff_ffff {
                list.push(u32::try_from(address - start)?);
            }
        }
    }
    let [first, end] = [symbol(file, OFFSETS[0])?, symbol(file, OFFSETS[1])?];
    // The linker fills the table of global offsets without leaving relocations.
    places.wide.extend((first..end).step_by(8).map(|address| (address - start) as u32));
    Ok(places)
}
