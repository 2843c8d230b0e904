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

/// Pages that are always there.
struct Pages {
    pages: Vec<Page>,
    mappings: Mappings,
}

impl Pages {
    fn new(pages: Vec<Page>) -> Arc<Self> {
        Arc::new(Self { pages, mappings: Mappings::new() })
    }

    fn length(&self) -> u64 {
        (self.pages.len() * PAGE_SIZE) as u64
    }
}

struct Vdso {
    /// The clocks.
    data: Arc<Pages>,
    /// The code.
    library: Arc<Pages>,
}

static VDSO: Once<Vdso> = Once::new();

impl MemoryObject for Pages {
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
    let data = chronos::clock::shown().map(|time| time.page().clone());
    let mut pages = Vec::new();
    for part in hal::vdso::image().chunks(PAGE_SIZE) {
        let page = Page::zeroed().ok_or(Errno::ENOMEM)?;
        page.copy_in(0, part);
        pages.push(page);
    }
    let vdso = Vdso { data: Pages::new(data.into_iter().collect()), library: Pages::new(pages) };
    let _ = VDSO.set(vdso); // a second start changes nothing
    Ok(())
}

/// Maps it somewhere above the stack that ends at `stack_top`, or where there is room, and gives its address. `None` when it was
/// not started. May sleep. `is_spread`: at a random distance from the stack.
///
/// # Errors
/// As [`AddressSpace::map`].
pub(crate) fn map(
    space: &AddressSpace,
    stack_top: UserAddr,
    is_spread: bool,
) -> Result<Option<UserAddr>, Errno> {
    let Some(vdso) = VDSO.get() else { return Ok(None) };
    let mut random = [0; 2];
    if is_spread {
        hal::random::fill(&mut random);
    }
    let above = u64::from(u16::from_le_bytes(random)) % SPREAD * PAGE_SIZE as u64;
    let request = |object: &Arc<Pages>, length, placement, protection, maximum, name| MapRequest {
        length,
        placement,
        protection,
        maximum,
        shared: false,
        grows_down: false,
        populate: false,
        backing: Some(Backing { object: object.clone(), first: 0, name: Some(Arc::new(Name(name))) }),
    };
    let (read, code) = (ProtFlags::READ, ProtFlags::READ | ProtFlags::EXEC);
    // First for all of it, so that there is room for both; then the code in its place.
    let hint = Placement::Hint(stack_top.saturating_add(above));
    let (before, behind) = (vdso.data.length(), vdso.library.length());
    let data = space.map(request(&vdso.data, before + behind, hint, read, read, "[vvar]"))?;
    let library = data.saturating_add(before);
    let at = Placement::Fixed(library);
    space.map(request(&vdso.library, behind, at, code, code | ProtFlags::WRITE, "[vdso]"))?;
    Ok(Some(library))
}
