//! Limine's boot protocol, base revision 3 or what older loaders take it for (PROTOCOL.md of Limine): for machines with a BIOS or
//! UEFI.
//!
//! Limine finds the requests in the image, loads the image anywhere in physical memory and at its linked virtual address, and
//! enters at [`limine_start`] in long mode, in its own page tables. Its answers are copied; then the [boot page tables](tables)
//! take over, and nothing of Limine's is used any more.

use core::arch::global_asm;

use limine::BaseRevision;
use limine::memory_map::{Entry, EntryType};
use limine::request::{
    EntryPointRequest, ExecutableAddressRequest, ExecutableFileRequest, FramebufferRequest, HhdmRequest,
    MemoryMapRequest, ModuleRequest, RequestsEndMarker, RequestsStartMarker, RsdpRequest,
};

use super::super::layout;
use super::tables;
use crate::facts::limine::{Answer, kind};
use crate::facts::screen::Screen;

/// Regions of the memory map that are looked at.
const MAX_REGIONS: usize = 128;

/// Puts a request where Limine looks for it.
macro_rules! request {
    ($section:literal, $name:ident: $type:ty = $value:expr) => {
        // SAFETY: the linker script gives the section a place in the image's data.
        #[used]
        #[unsafe(link_section = $section)]
        static $name: $type = $value;
    };
}

request!(".limine.first", START: RequestsStartMarker = RequestsStartMarker::new());
request!(".limine", REVISION: BaseRevision = BaseRevision::with_revision(3));
request!(".limine", ENTRY: EntryPointRequest = EntryPointRequest::new().with_entry_point(limine_start));
request!(".limine", ADDRESS: ExecutableAddressRequest = ExecutableAddressRequest::new());
request!(".limine", FILE: ExecutableFileRequest = ExecutableFileRequest::new());
request!(".limine", FRAMEBUFFER: FramebufferRequest = FramebufferRequest::new());
request!(".limine", DIRECT_MAP: HhdmRequest = HhdmRequest::new());
request!(".limine", MEMORY: MemoryMapRequest = MemoryMapRequest::new());
request!(".limine", MODULES: ModuleRequest = ModuleRequest::new());
request!(".limine", RSDP: RsdpRequest = RsdpRequest::new());
request!(".limine.last", END: RequestsEndMarker = RequestsEndMarker::new());

global_asm!(
    r#"
    .pushsection .text.boot, "ax"
    .globl limine_start
limine_start:
    cli
    cld
    lea rsp, [rip + boot_stack_top]
    xor ebp, ebp
    call {start}
    ud2
    .popsection
"#,
    start = sym start,
);

// SAFETY: defined above; Limine calls it once.
unsafe extern "C" {
    safe fn limine_start() -> !;
}

/// The first Rust code: on the boot stack, in Limine's page tables.
///
/// # Safety
/// Called once, by the entry code.
unsafe extern "C" fn start() -> ! {
    let (Some(address), Some(memory), Some(direct_map)) =
        (ADDRESS.get_response(), MEMORY.get_response(), DIRECT_MAP.get_response())
    else {
        super::refuse("Limine did not answer all that was asked");
    };
    let mut regions = [(0, 0, 0); MAX_REGIONS];
    let mut count = 0;
    for (region, entry) in regions.iter_mut().zip(memory.entries()) {
        *region = (entry.base, entry.length, kind(entry));
        count += 1;
    }
    let module = MODULES.get_response().and_then(|response| response.modules().first());
    let screen = FRAMEBUFFER.get_response().and_then(|response| response.framebuffers().next());
    let facts = Answer {
        direct_map: direct_map.offset(),
        memory: &regions[..count],
        command_line: FILE.get_response().map_or(&[], |response| response.file().string().to_bytes()),
        module: module.map(|module| (module.addr() as u64, module.size())),
        rsdp: RSDP.get_response().map(|response| response.address() as u64),
        screen: screen.map(|screen| Screen {
            start: screen.addr() as u64,
            width: screen.width(),
            height: screen.height(),
            pitch: screen.pitch(),
            bits: screen.bpp(),
            sizes: [screen.red_mask_size(), screen.green_mask_size(), screen.blue_mask_size()],
            shifts: [screen.red_mask_shift(), screen.green_mask_shift(), screen.blue_mask_shift()],
        }),
    }
    .facts();
    layout::set_physical(address.physical_base());
    // SAFETY: the facts are a copy, and Limine's tables are not needed for anything else.
    unsafe { tables::fill_and_load() };
    super::start(facts)
}

/// The kind of a region, as a number of Limine's: what the kernel may use, or reserved.
fn kind(entry: &Entry) -> u64 {
    match entry.entry_type {
        EntryType::USABLE => kind::USABLE,
        EntryType::BOOTLOADER_RECLAIMABLE => kind::BOOTLOADER_RECLAIMABLE,
        EntryType::EXECUTABLE_AND_MODULES => kind::EXECUTABLE_AND_MODULES,
        _ => kind::RESERVED,
    }
}
