//! All that the kernel sees of a boot loader.

use crate::{PhysAddr, TryLock};

/// What the boot loader told, in one form for all boot protocols.
pub struct BootInfo {
    /// The boot protocol's name, for the log.
    pub loader: &'static str,
    /// The kernel's command line, without the kernel's own name.
    pub command_line: &'static str,
    /// The memory map, sorted by address, without overlaps.
    pub memory: &'static [MemoryRegion],
    /// The first file system's archive, until somebody takes it.
    pub(crate) initramfs: TryLock<Option<BootMemory>>,
    /// Where ACPI's root pointer is.
    pub rsdp: Option<PhysAddr>,
    /// A linear framebuffer: the loader's, or one that was found and set up.
    pub framebuffer: Option<Framebuffer>,
}

impl BootInfo {
    /// Takes the first file system's archive: its frames are given back when it is dropped. `None` when there is none, and
    /// from the second call on.
    pub fn take_initramfs(&self) -> Option<BootMemory> {
        self.initramfs.try_lock()?.take()
    }
}

/// A part of physical memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryRegion {
    /// Its first byte.
    pub start: PhysAddr,
    /// Its length in bytes.
    pub length: u64,
    /// What may be done with it.
    pub kind: MemoryKind,
}

/// What a part of physical memory may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryKind {
    /// Free memory.
    Usable,
    /// Holds the boot loader's data, free once those have been copied.
    Reclaimable,
    /// Firmware, devices, or broken.
    Reserved,
}

/// A framebuffer of 32-bit pixels, in memory that nothing else lies in: only hal makes one, of what it has checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framebuffer {
    /// Its first byte.
    pub(crate) start: PhysAddr,
    /// Pixels in a row.
    pub(crate) width: u32,
    /// Rows.
    pub(crate) height: u32,
    /// Bytes from one row to the next.
    pub(crate) pitch: u32,
    /// Where red, green and blue begin in a pixel, in bits.
    pub(crate) shifts: [u8; 3],
}

impl Framebuffer {
    /// Pixels in a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The pixel of a colour: red, green, blue.
    pub fn pixel(&self, colour: [u8; 3]) -> u32 {
        colour.into_iter().zip(self.shifts).fold(0, |pixel, (part, shift)| pixel | u32::from(part) << shift)
    }
}

/// Memory that the boot loader filled for the kernel. Its frames are given back when it is dropped.
#[derive(Debug)]
pub struct BootMemory {
    bytes: &'static [u8],
}

impl BootMemory {
    /// Memory that a backend vouches for: mapped, unchanging, and nobody else's until the value is dropped.
    pub(crate) fn new(bytes: &'static [u8]) -> Self {
        Self { bytes }
    }

    /// The content.
    pub fn bytes(&self) -> &[u8] {
        self.bytes
    }
}

impl Drop for BootMemory {
    fn drop(&mut self) {
        crate::arch::release_boot_memory(self.bytes);
    }
}
