//! What a boot protocol found out, copied out of the loader's memory.

use crate::{BootInfo, BootMemory, MemoryKind, MemoryRegion, Once, PhysAddr, TryLock};

const MAX_REGIONS: usize = 128;
const MAX_COMMAND_LINE: usize = 4096;

/// The facts, as values: nothing in here points into memory that a loader owned.
pub(in super::super) struct Facts {
    loader: &'static str,
    regions: [MemoryRegion; MAX_REGIONS],
    region_count: usize,
    command_line: [u8; MAX_COMMAND_LINE],
    command_line_length: usize,
    /// Where the first file system's archive is, and how long.
    pub initramfs: Option<(u64, u64)>,
    /// Where ACPI's root pointer is.
    pub rsdp: Option<PhysAddr>,
}

impl Facts {
    /// Nothing is known but the protocol's name.
    pub fn new(loader: &'static str) -> Self {
        let none = MemoryRegion { start: PhysAddr::new(0), length: 0, kind: MemoryKind::Reserved };
        Self {
            loader,
            regions: [none; MAX_REGIONS],
            region_count: 0,
            command_line: [0; MAX_COMMAND_LINE],
            command_line_length: 0,
            initramfs: None,
            rsdp: None,
        }
    }

    /// Adds a region of the memory map; more than there is room for are left out, which only wastes them.
    pub fn add_region(&mut self, region: MemoryRegion) {
        if let Some(free) = self.regions.get_mut(self.region_count) {
            *free = region;
            self.region_count += 1;
            self.regions[..self.region_count].sort_unstable_by_key(|region| region.start);
        }
    }

    /// Keeps the command line, up to the first byte that is no text.
    pub fn set_command_line(&mut self, bytes: &[u8]) {
        let bytes = &bytes[..bytes.len().min(MAX_COMMAND_LINE)];
        let valid = match core::str::from_utf8(bytes) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        self.command_line[..valid].copy_from_slice(&bytes[..valid]);
        self.command_line_length = valid;
    }

    /// The memory map.
    pub fn regions(&self) -> &[MemoryRegion] {
        &self.regions[..self.region_count]
    }
}

static FACTS: Once<Facts> = Once::new();
static BOOT_INFO: Once<BootInfo> = Once::new();

/// Keeps the facts for good.
pub(super) fn keep(facts: Facts) -> &'static Facts {
    let _ = FACTS.set(facts);
    FACTS.get().unwrap_or_else(|| unreachable!("it was just set"))
}

/// The kernel's view of the facts.
pub(super) fn boot_info() -> Option<&'static BootInfo> {
    BOOT_INFO.get()
}

/// Makes the kernel's view of the facts.
pub(super) fn make_boot_info(facts: &'static Facts) {
    let initramfs = facts.initramfs.map(|(start, length)| {
        let bytes = super::super::layout::direct::<u8>(start);
        // SAFETY: the direct map shows the archive; its frames are marked as the boot loader's until `BootMemory` is dropped,
        // so nobody writes to them.
        BootMemory::new(unsafe { core::slice::from_raw_parts(bytes, length as usize) })
    });
    let _ = BOOT_INFO.set(BootInfo {
        loader: facts.loader,
        command_line: core::str::from_utf8(&facts.command_line[..facts.command_line_length])
            .unwrap_or_default(),
        memory: facts.regions(),
        initramfs: TryLock::new(initramfs),
        rsdp: facts.rsdp,
        framebuffer: None,
    });
}
