//! Mapping a program into a new address space.

use super::elf::{self, Header, Program, Segment};
use crate::mapped::FileName;
use abi::{Errno, ProtFlags};
use aegis::{AddressSpace, Backing, MapRequest, Placement};
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::inode::WritersDenied;
use chroma::{OpenFile, Sink};
use hal::UserAddr;

const PAGE: u64 = hal::PAGE_SIZE as u64;

/// An executable file that was looked at.
pub struct Executable {
    /// The file.
    pub file: Arc<OpenFile>,
    /// Keeps the file from being written to.
    pub unwritable: WritersDenied,
    /// Its header.
    pub header: Header,
    /// Its program headers.
    pub program: Program,
}

/// Where a program lies.
pub struct Loaded {
    /// What was added to the file's addresses.
    pub bias: u64,
    /// Parts of pages behind the file's bytes: to be zeroed once the address space is in use.
    pub to_zero: Vec<(UserAddr, usize)>,
    /// The address behind the last byte.
    pub end: u64,
    /// The bounds of executable segments, and of writable ones.
    pub code: (u64, u64),
    /// As above.
    pub data: (u64, u64),
}

/// Reads bytes of a file; fewer where it ends.
pub fn read_at(file: &OpenFile, offset: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let count = file.read_at(offset.saturating_add(done as u64), &mut Sink::kernel(rest))?;
        if count == 0 {
            break;
        }
        done += count;
    }
    Ok(done)
}

impl Executable {
    /// Looks at a file that begins with `probe`.
    ///
    /// # Errors
    /// See [`elf::parse_header`] and [`elf::parse_program`].
    pub fn examine(file: Arc<OpenFile>, unwritable: WritersDenied, probe: &[u8]) -> Result<Self, Errno> {
        let header = elf::parse_header(probe)?;
        let size = usize::from(header.count) * elf::PROGRAM_HEADER_SIZE;
        let mut table = Vec::new();
        aegis::charge::reserve(&mut table, size)?;
        table.resize(size, 0);
        let read = read_at(&file, header.table_offset, &mut table)?;
        table.truncate(read);
        let program = elf::parse_program(&header, &table)?;
        Ok(Self { file, unwritable, header, program })
    }

    /// The path of the interpreter that the program asks for, if any.
    ///
    /// # Errors
    /// `EIO`: the file ends before it; `ENOEXEC`: it does not end with a NUL.
    pub fn interpreter(&self) -> Result<Option<Vec<u8>>, Errno> {
        let Some((offset, length)) = self.program.interpreter else { return Ok(None) };
        let mut path = Vec::new();
        aegis::charge::reserve(&mut path, length)?;
        path.resize(length, 0);
        let read = read_at(&self.file, offset, &mut path)?;
        if read < length {
            return Err(Errno::EIO);
        }
        if path.pop() != Some(0) {
            return Err(Errno::ENOEXEC);
        }
        let end = path.iter().position(|&byte| byte == 0).unwrap_or(path.len());
        path.truncate(end);
        Ok(Some(path))
    }

    /// Maps the program. A relocatable one goes to `base`, or anywhere.
    ///
    /// # Errors
    /// As [`AddressSpace::map`]; `ENODEV`: the file cannot be mapped.
    pub fn map(&self, space: &AddressSpace, base: Option<u64>) -> Result<Loaded, Errno> {
        let bias = self.bias(space, base)?;
        let object = self.file.ops().memory_object(&self.file)?;
        let name = FileName::of(&self.file);
        let mut loaded =
            Loaded { bias, to_zero: Vec::new(), end: 0, code: (u64::MAX, 0), data: (u64::MAX, 0) };
        for segment in &self.program.segments {
            let backing = Backing { object: object.clone(), first: 0, name: Some(name.clone()) };
            map_segment(space, segment, bias, backing, &mut loaded)?;
        }
        Ok(loaded)
    }

    fn bias(&self, space: &AddressSpace, base: Option<u64>) -> Result<u64, Errno> {
        if !self.header.relocatable {
            return Ok(0);
        }
        let (first, span) = self.program.span();
        let alignment = self.program.alignment;
        let base = match base {
            Some(base) => base,
            None => {
                // Reserved to find the place, then given back: nobody else maps anything into this space yet.
                let length = span.checked_add(alignment - PAGE).ok_or(Errno::ENOMEM)?;
                let place = space.map(anonymous(Placement::Anywhere, length, ProtFlags::empty()))?;
                space.unmap(place, length)?;
                place.get().checked_next_multiple_of(alignment).ok_or(Errno::ENOMEM)?
            }
        };
        Ok((base & !(alignment - 1)).wrapping_sub(first & !(alignment - 1)))
    }
}

fn anonymous(placement: Placement, length: u64, protection: ProtFlags) -> MapRequest {
    MapRequest {
        length,
        placement,
        protection,
        maximum: ProtFlags::READ | ProtFlags::WRITE | ProtFlags::EXEC,
        shared: false,
        grows_down: false,
        populate: false,
        backing: None,
    }
}

fn map_segment(
    space: &AddressSpace,
    segment: &Segment,
    bias: u64,
    mut backing: Backing,
    loaded: &mut Loaded,
) -> Result<(), Errno> {
    let at = |address: u64| UserAddr::new(address.wrapping_add(bias));
    let start = segment.start_page();
    let file_end = segment.file_end();
    // Behind the file's last page everything is fresh.
    let file_pages_end = if segment.file_size == 0 {
        start
    } else {
        file_end.checked_next_multiple_of(PAGE).ok_or(Errno::ENOMEM)?
    };
    if segment.file_size > 0 {
        backing.first = segment.offset / PAGE;
        let request = MapRequest {
            backing: Some(backing),
            ..anonymous(Placement::Fixed(at(start)), file_pages_end - start, segment.protection)
        };
        space.map(request)?;
        let rest = file_pages_end - file_end;
        if segment.memory_size > segment.file_size
            && rest > 0
            && segment.protection.contains(ProtFlags::WRITE)
        {
            loaded.to_zero.push((at(file_end), usize::try_from(rest).unwrap_or(0)));
        }
    }
    let end = segment.end();
    if end > file_pages_end {
        let length = end - file_pages_end;
        if length / PAGE > aegis::frames::managed() {
            return Err(Errno::ENOMEM);
        }
        // As on Linux it can be written, whatever the segment says.
        let protection = segment.protection & ProtFlags::EXEC | ProtFlags::READ | ProtFlags::WRITE;
        space.map(anonymous(Placement::Fixed(at(file_pages_end)), length, protection))?;
    }
    let (low, high) = (at(segment.address).get(), at(end).get());
    loaded.end = loaded.end.max(high);
    let bounds = if segment.protection.contains(ProtFlags::EXEC) {
        &mut loaded.code
    } else if segment.protection.contains(ProtFlags::WRITE) {
        &mut loaded.data
    } else {
        return Ok(());
    };
    *bounds = (bounds.0.min(low), bounds.1.max(high));
    Ok(())
}
