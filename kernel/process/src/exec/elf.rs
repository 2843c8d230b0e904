//! Reading ELF headers.
//!
//! The bytes are a stranger's, so every number is checked and nothing here can panic: own parsing over zerocopy's bounded
//! views (goblin's `from_bytes` unwraps). Only what `exec` needs is looked at: a 64-bit x86-64 executable that is static
//! (`ET_EXEC`) or position independent (`ET_DYN`), with or without an interpreter.
//!
//! Source: System V ABI, chapters 4 and 5; Linux's `load_elf_binary` for what is refused and how.

use abi::{Errno, ProtFlags};
use alloc::vec::Vec;
use zerocopy::{FromBytes, Immutable, KnownLayout};

const PAGE: u64 = hal::PAGE_SIZE as u64;
const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const EM_X86_64: u16 = 62;
const PT_LOAD: u32 = 1;
const PT_INTERP: u32 = 3;
const PT_GNU_STACK: u32 = 0x6474_e551;
const PF_X: u32 = 1;
const PF_W: u32 = 2;
const PF_R: u32 = 4;
/// Linux refuses larger program header tables.
const MAX_TABLE: u64 = 65536;

/// The length of an ELF header.
pub const HEADER_SIZE: usize = size_of::<FileHeader>();
/// The length of a program header.
pub const PROGRAM_HEADER_SIZE: usize = size_of::<RawSegment>();

#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
struct FileHeader {
    magic: [u8; 4],
    class: u8,
    data: u8,
    ident_rest: [u8; 10],
    kind: u16,
    machine: u16,
    version: u32,
    entry: u64,
    program_headers: u64,
    section_headers: u64,
    flags: u32,
    header_size: u16,
    program_header_size: u16,
    program_header_count: u16,
    section_header_size: u16,
    section_header_count: u16,
    section_names: u16,
}

#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
struct RawSegment {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    physical: u64,
    file_size: u64,
    memory_size: u64,
    align: u64,
}

/// What the file header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether it can be loaded anywhere.
    pub relocatable: bool,
    /// The first instruction's address.
    pub entry: u64,
    /// Where the program headers begin in the file.
    pub table_offset: u64,
    /// The number of program headers.
    pub count: u16,
}

/// A part of the file that is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The address that the file asks for (before the load bias).
    pub address: u64,
    /// Where it begins in the file; congruent to the address modulo the page size.
    pub offset: u64,
    /// Bytes from the file.
    pub file_size: u64,
    /// Bytes in memory; what is beyond the file's is zero.
    pub memory_size: u64,
    /// The protection.
    pub protection: ProtFlags,
}

impl Segment {
    /// The first address of the first page.
    pub fn start_page(&self) -> u64 {
        self.address & !(PAGE - 1)
    }

    /// The address behind the last byte.
    pub fn end(&self) -> u64 {
        self.address.saturating_add(self.memory_size)
    }

    /// The address behind the last byte that comes from the file.
    pub fn file_end(&self) -> u64 {
        self.address.saturating_add(self.file_size)
    }
}

/// A program as its headers describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// What is mapped, in the file's order; later ones take the place of earlier ones.
    pub segments: Vec<Segment>,
    /// Where the interpreter's path is in the file, and its length with the NUL.
    pub interpreter: Option<(u64, usize)>,
    /// Whether the program asks for an executable stack.
    pub executable_stack: bool,
    /// The address of the program headers in memory, if a segment holds them (before the load bias).
    pub table_address: Option<u64>,
    /// The largest alignment that a segment asks for, at least a page.
    pub alignment: u64,
    /// A segment cannot be mapped as it is, or there is none. Linux notices that when the old program is gone already.
    pub is_flawed: bool,
}

/// Reads a file's header.
///
/// # Errors
/// `ENOEXEC`: no 64-bit ELF program for this machine.
pub fn parse_header(bytes: &[u8]) -> Result<Header, Errno> {
    let (header, _) = FileHeader::read_from_prefix(bytes).map_err(|_| Errno::ENOEXEC)?;
    let sound = header.magic == *b"\x7fELF"
        && header.machine == EM_X86_64
        && matches!(header.kind, ET_EXEC | ET_DYN)
        && usize::from(header.program_header_size) == PROGRAM_HEADER_SIZE
        && header.program_header_count > 0
        && u64::from(header.program_header_count) * (PROGRAM_HEADER_SIZE as u64) <= MAX_TABLE;
    if !sound {
        return Err(Errno::ENOEXEC);
    }
    Ok(Header {
        relocatable: header.kind == ET_DYN,
        entry: header.entry,
        table_offset: header.program_headers,
        count: header.program_header_count,
    })
}

fn protection(flags: u32) -> ProtFlags {
    let mut protection = ProtFlags::empty();
    protection.set(ProtFlags::READ, flags & PF_R != 0);
    protection.set(ProtFlags::WRITE, flags & PF_W != 0);
    protection.set(ProtFlags::EXEC, flags & PF_X != 0);
    protection
}

/// Checks one segment as `load_elf_binary` does. An empty one is `None`.
fn check_segment(raw: &RawSegment) -> Result<Option<Segment>, Errno> {
    if raw.memory_size == 0 {
        return Ok(None);
    }
    let in_space = raw.address.checked_add(raw.memory_size).is_some_and(|end| end <= hal::USER_END);
    if raw.file_size > raw.memory_size || !in_space {
        return Err(Errno::EINVAL);
    }
    let in_file = raw.offset.checked_add(raw.file_size).is_some_and(|end| i64::try_from(end).is_ok());
    let mappable = raw.file_size == 0 || raw.offset % PAGE == raw.address % PAGE;
    if !in_file || !mappable {
        return Err(Errno::EINVAL);
    }
    Ok(Some(Segment {
        address: raw.address,
        offset: raw.offset,
        file_size: raw.file_size,
        memory_size: raw.memory_size,
        protection: protection(raw.flags),
    }))
}

/// Reads the program headers; `table` is their bytes.
///
/// # Errors
/// `ENOEXEC` for a table that is cut short, or an interpreter without a sound name; `ENOMEM`.
pub fn parse_program(header: &Header, table: &[u8]) -> Result<Program, Errno> {
    let count = usize::from(header.count);
    let table_size = (count * PROGRAM_HEADER_SIZE) as u64;
    let mut program = Program {
        segments: Vec::new(),
        interpreter: None,
        // A program without the note is one from before it existed; on x86-64 Linux gives it a plain stack all the same.
        executable_stack: false,
        table_address: None,
        alignment: PAGE,
        is_flawed: false,
    };
    aegis::charge::reserve(&mut program.segments, count.min(64))?;
    let mut rest = table;
    for _ in 0..count {
        let (raw, tail) = RawSegment::read_from_prefix(rest).map_err(|_| Errno::ENOEXEC)?;
        rest = tail;
        match raw.kind {
            PT_LOAD => {
                let segment = match check_segment(&raw) {
                    Ok(Some(segment)) => segment,
                    Ok(None) => continue,
                    Err(_) => {
                        program.is_flawed = true;
                        continue;
                    }
                };
                let within = header.table_offset.checked_sub(segment.offset);
                if let Some(within) = within
                    && within.saturating_add(table_size) <= segment.file_size
                {
                    program.table_address.get_or_insert(segment.address.saturating_add(within));
                }
                if raw.align.is_power_of_two() {
                    program.alignment = program.alignment.max(raw.align);
                }
                aegis::charge::reserve(&mut program.segments, 1)?;
                program.segments.push(segment);
            }
            PT_INTERP if program.interpreter.is_none() => {
                let length = usize::try_from(raw.file_size).unwrap_or(usize::MAX);
                if !(2..=abi::fs::PATH_MAX).contains(&length) {
                    return Err(Errno::ENOEXEC);
                }
                program.interpreter = Some((raw.offset, length));
            }
            PT_GNU_STACK => program.executable_stack = raw.flags & PF_X != 0,
            _ => {}
        }
    }
    program.is_flawed |= program.segments.is_empty();
    Ok(program)
}

impl Program {
    /// The first page's address and the length, in whole pages, of what the segments span.
    pub fn span(&self) -> (u64, u64) {
        let start = self.segments.iter().map(Segment::start_page).min().unwrap_or(0);
        let end = self.segments.iter().map(Segment::end).max().unwrap_or(0);
        (start, end.saturating_sub(start).next_multiple_of(PAGE))
    }
}

#[cfg(test)]
mod tests {
    use super::{HEADER_SIZE, PROGRAM_HEADER_SIZE, Program, parse_header, parse_program};
    use abi::{Errno, ProtFlags};
    use std::vec::Vec;

    /// A sound static program: text at 0x400000, data at 0x401e80 with 0x80 bytes from the file and 0x100 in memory.
    fn sound() -> Vec<u8> {
        let mut file = std::vec![0; HEADER_SIZE + 3 * PROGRAM_HEADER_SIZE];
        let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, b"\x7fELF\x02\x01\x01");
        put(16, &2u16.to_le_bytes());
        put(18, &62u16.to_le_bytes());
        put(24, &0x40_0100u64.to_le_bytes());
        put(32, &64u64.to_le_bytes());
        put(54, &56u16.to_le_bytes());
        put(56, &3u16.to_le_bytes());
        let mut segment = |index: usize, kind: u32, flags: u32, words: [u64; 6]| {
            let at = HEADER_SIZE + index * PROGRAM_HEADER_SIZE;
            put(at, &kind.to_le_bytes());
            put(at + 4, &flags.to_le_bytes());
            for (i, word) in words.iter().enumerate() {
                put(at + 8 + i * 8, &word.to_le_bytes());
            }
        };
        segment(0, 1, 5, [0, 0x40_0000, 0, 0x800, 0x800, 0x1000]);
        segment(1, 1, 6, [0xe80, 0x40_1e80, 0, 0x80, 0x100, 0x1000]);
        segment(2, 0x6474_e551, 6, [0; 6]);
        file
    }

    fn parse(file: &[u8]) -> Result<Program, Errno> {
        let header = parse_header(file)?;
        let start = usize::try_from(header.table_offset).unwrap_or(usize::MAX);
        parse_program(&header, file.get(start..).unwrap_or_default())
    }

    #[test]
    fn a_sound_program_is_understood() {
        let program = parse(&sound()).unwrap();
        assert_eq!(program.segments.len(), 2);
        assert_eq!(program.segments[0].protection, ProtFlags::READ | ProtFlags::EXEC);
        assert_eq!(program.segments[1].file_end(), 0x40_1f00);
        assert_eq!(program.table_address, Some(0x40_0040));
        assert_eq!(program.span(), (0x40_0000, 0x2000));
        assert!(!program.executable_stack);
    }

    #[test]
    fn other_machines_and_kinds_are_not_executable() {
        for (at, value) in [(0, 0), (16, 1), (18, 3), (54, 55), (56, 0)] {
            let mut file = sound();
            file[at] = value;
            assert_eq!(parse(&file), Err(Errno::ENOEXEC), "byte {at}");
        }
    }

    #[test]
    fn segments_that_cannot_be_mapped_are_flaws() {
        let at = HEADER_SIZE + PROGRAM_HEADER_SIZE;
        for (offset, word) in [(8, 0xe00), (32, 0x101), (40, u64::MAX), (16, 0x7fff_ffff_fe80)] {
            let mut file = sound();
            file[at + offset..at + offset + 8].copy_from_slice(&u64::to_le_bytes(word));
            assert!(parse(&file).unwrap().is_flawed, "offset {offset}");
        }
    }

    #[test]
    fn no_mutation_of_a_header_panics() {
        let whole = sound();
        for length in 0..whole.len() {
            let _ = parse(&whole[..length]);
        }
        for at in 0..whole.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut file = whole.clone();
                file[at] = value;
                if let Ok(program) = parse(&file) {
                    assert!(program.is_flawed || program.span().1 > 0);
                }
            }
        }
    }
}
