//! The library that every program has mapped: it tells the time without a system call (`vdso(7)`).
//!
//! Two mappings, as on Linux: `[vvar]`, the page with the clocks, and behind it `[vdso]`, the code. The pages are the same for
//! all programs; a debugger's breakpoint in the code makes a copy, the clocks cannot be made writable.

use abi::time::clock::{
    CLOCK_BOOTTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_COARSE, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME,
    CLOCK_REALTIME_COARSE, CLOCK_TAI,
};
use abi::{Errno, ProtFlags};
use aegis::{AddressSpace, AreaName, Backing, MapRequest, Mappings, MemoryObject, ObjectError, Placement};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hal::{Once, PAGE_SIZE, Page, UserAddr};

/// The clocks that count from boot, and those that show wall time, as masks.
const SINCE_BOOT: u16 = mask(&[CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME]);
const WALL: u16 = mask(&[CLOCK_REALTIME, CLOCK_REALTIME_COARSE, CLOCK_TAI]);

/// How far above the stack it is mapped at most, in pages.
const SPREAD: u64 = 512;

const fn mask(clocks: &[i32]) -> u16 {
    match clocks {
        [clock, rest @ ..] => 1 << *clock | mask(rest),
        [] => 0,
    }
}

/// The page with the clocks, and the library's.
struct Vdso {
    pages: Vec<Page>,
    mappings: Mappings,
}

static VDSO: Once<Arc<Vdso>> = Once::new();

impl MemoryObject for Vdso {
    fn page(&self, index: u64) -> Result<Page, ObjectError> {
        self.peek(index).ok_or(ObjectError::Beyond)
    }

    fn peek(&self, index: u64) -> Option<Page> {
        self.pages.get(usize::try_from(index).ok()?).cloned()
    }

    fn mappings(&self) -> &Mappings {
        &self.mappings
    }
}

struct Name(&'static str);

impl AreaName for Name {
    fn numbers(&self) -> (u64, u64) {
        (0, 0)
    }

    fn path(&self) -> String {
        String::from(self.0)
    }
}

/// Makes the library ready; programs that are executed from now on have it.
///
/// # Errors
/// `ENOMEM`.
pub fn start() -> Result<(), Errno> {
    chronos::clock::show(SINCE_BOOT, WALL).map_err(|_| Errno::ENOMEM)?;
    let mut pages = Vec::new();
    pages.extend(chronos::clock::shown().map(|time| time.page().clone()));
    for part in hal::vdso::image().chunks(PAGE_SIZE) {
        let page = Page::zeroed().ok_or(Errno::ENOMEM)?;
        page.copy_in(0, part);
        pages.push(page);
    }
    let _ = VDSO.set(Arc::new(Vdso { pages, mappings: Mappings::new() }));
    Ok(())
}

/// Maps it somewhere above the stack that ends at `stack_top`, or where there is room, and gives its address. `None` when it was
/// not started. May sleep.
///
/// # Errors
/// As [`AddressSpace::map`].
pub(crate) fn map(space: &AddressSpace, stack_top: UserAddr) -> Result<Option<UserAddr>, Errno> {
    let Some(vdso) = VDSO.get() else { return Ok(None) };
    let page = PAGE_SIZE as u64;
    let mut random = [0; 2];
    hal::random::fill(&mut random);
    let above = u64::from(u16::from_le_bytes(random)) % SPREAD * page;
    let request = |first: u64, pages: usize, placement, protection, maximum, name| MapRequest {
        length: pages as u64 * page,
        placement,
        protection,
        maximum,
        shared: false,
        grows_down: false,
        populate: false,
        backing: Some(Backing { object: vdso.clone(), first, name: Some(Arc::new(Name(name))) }),
    };
    let (read, code) = (ProtFlags::READ, ProtFlags::READ | ProtFlags::EXEC);
    // First for all of it, so that there is room for both; then the code in its place.
    let hint = Placement::Hint(stack_top.saturating_add(above));
    let time = space.map(request(0, vdso.pages.len(), hint, read, read, "[vvar]"))?;
    let library = time.saturating_add(page);
    let maximum = code | ProtFlags::WRITE;
    let pages = vdso.pages.len().saturating_sub(1);
    space.map(request(1, pages, Placement::Fixed(library), code, maximum, "[vdso]"))?;
    Ok(Some(library))
}
