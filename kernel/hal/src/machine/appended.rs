//! What the build appends to the image (`xtask/src/kernel/appendix.rs`): the table of functions, for backtraces, and the places
//! that hold an absolute address, for the slide.

use super::layout;

/// "SERIXTAB".
const MAGIC: u64 = u64::from_le_bytes(*b"SERIXTAB");

/// Followed by the functions, the wide places, the narrow ones and the names. All zero where the build appended nothing.
#[repr(C)]
struct Header {
    magic: u64,
    functions: u32,
    wide: u32,
    narrow: u32,
    /// Bytes of all names.
    names: u32,
}

/// A function: where it begins, from the link address of physical 0 on, and where its name ends; it begins where the one
/// before ends.
#[repr(C)]
pub(super) struct Function {
    pub start: u32,
    pub name_end: u32,
}

/// Places that hold an absolute address of the image, as offsets from its beginning.
#[derive(Clone, Copy)]
pub(super) struct Relocations {
    /// Places of eight bytes.
    pub wide: &'static [u32],
    /// Places of four bytes, sign-extended by the processor.
    pub narrow: &'static [u32],
}

impl Relocations {
    /// Says whether there are none, so that the image cannot move.
    pub fn is_empty(&self) -> bool {
        self.wide.is_empty() && self.narrow.is_empty()
    }
}

struct Tables {
    functions: &'static [Function],
    names: &'static [u8],
    relocations: Relocations,
}

fn tables() -> Tables {
    let start = layout::appended();
    // SAFETY: the linker script puts a header here, of zeroes unless the build put tables in its place.
    let header = unsafe { &*start.cast::<Header>() };
    if header.magic != MAGIC {
        return Tables { functions: &[], names: &[], relocations: Relocations { wide: &[], narrow: &[] } };
    }
    // SAFETY: the build wrote as much of each as the header says, and the loader loaded it.
    unsafe {
        let functions = start.add(size_of::<Header>()).cast::<Function>();
        let wide = functions.add(header.functions as usize).cast::<u32>();
        let narrow = wide.add(header.wide as usize);
        let names = narrow.add(header.narrow as usize).cast::<u8>();
        Tables {
            functions: core::slice::from_raw_parts(functions, header.functions as usize),
            names: core::slice::from_raw_parts(names, header.names as usize),
            relocations: Relocations {
                wide: core::slice::from_raw_parts(wide, header.wide as usize),
                narrow: core::slice::from_raw_parts(narrow, header.narrow as usize),
            },
        }
    }
}

/// The functions, sorted by address, and their names, one behind the other.
pub(super) fn functions() -> (&'static [Function], &'static [u8]) {
    let tables = tables();
    (tables.functions, tables.names)
}

/// The places that hold an absolute address.
pub(super) fn relocations() -> Relocations {
    tables().relocations
}

/// Bytes of it all.
pub(super) fn length() -> usize {
    let Tables { functions, names, relocations } = tables();
    let places = size_of_val(relocations.wide) + size_of_val(relocations.narrow);
    size_of::<Header>() + size_of_val(functions) + places + names.len()
}
