//! What Limine answers, as facts.

use super::screen::Screen;
use super::{Facts, Loader};
use crate::{MemoryKind, MemoryRegion, PhysAddr};

/// Kinds of memory in Limine's map (its PROTOCOL.md, "Memory Map Feature").
pub(crate) mod kind {
    pub(crate) const USABLE: u64 = 0;
    pub(crate) const RESERVED: u64 = 1;
    pub(crate) const BOOTLOADER_RECLAIMABLE: u64 = 5;
    pub(crate) const EXECUTABLE_AND_MODULES: u64 = 6;
}

/// An answer, without Limine's pointers but for those that `direct_map` turns into physical addresses.
pub(crate) struct Answer<'a> {
    /// What Limine adds to a physical address for a pointer.
    pub direct_map: u64,
    /// Start, length and kind of each region.
    pub memory: &'a [(u64, u64, u64)],
    /// The command line.
    pub command_line: &'a [u8],
    /// Pointer to the first module, and its length.
    pub module: Option<(u64, u64)>,
    /// Where ACPI's root pointer is: a physical address in base revision 3, a pointer in those before and after.
    pub rsdp: Option<u64>,
    /// The first framebuffer, with a pointer for where it starts.
    pub screen: Option<Screen>,
}

impl Answer<'_> {
    /// The facts in it. What holds Limine's own data counts as free: the kernel has left its stack and page tables, and these
    /// facts are a copy. So does the memory of the image and the modules, which are known by their addresses.
    pub fn facts(&self) -> Facts {
        let mut facts = Facts::new(Loader::Limine);
        for &(start, length, kind) in self.memory {
            let kind = match kind {
                kind::USABLE | kind::BOOTLOADER_RECLAIMABLE | kind::EXECUTABLE_AND_MODULES => {
                    MemoryKind::Usable
                }
                _ => MemoryKind::Reserved,
            };
            facts.add_region(MemoryRegion { start: PhysAddr::new(start), length, kind });
        }
        facts.set_command_line(self.command_line);
        facts.initramfs = self
            .module
            .and_then(|(pointer, length)| Some((pointer.checked_sub(self.direct_map)?, length)))
            .filter(|(_, length)| *length > 0);
        facts.rsdp = self.rsdp.map(|rsdp| PhysAddr::new(rsdp.checked_sub(self.direct_map).unwrap_or(rsdp)));
        facts.screen = self
            .screen
            .and_then(|screen| Some(Screen { start: screen.start.checked_sub(self.direct_map)?, ..screen }));
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Screen, kind};
    use crate::MemoryKind;

    const DIRECT: u64 = 0xffff_8000_0000_0000;

    fn answer() -> Answer<'static> {
        Answer {
            direct_map: DIRECT,
            memory: &[
                (0x10_0000, 0x1000, 5),
                (0x1000, 0x9_e000, 0),
                (0x20_0000, 0x40_0000, 6),
                (0xfd00_0000, 0x1000, 7),
                (0xf000_0000, 0x1000, kind::RESERVED),
            ],
            command_line: b"console=tty0",
            module: Some((DIRECT + 0x40_0000, 77)),
            rsdp: Some(0xf_5a20),
            screen: Some(Screen::usual(DIRECT + 0xfd00_0000, 1280, 800, 5120)),
        }
    }

    #[test]
    fn what_limine_lets_go_is_usable_and_sorted() {
        let facts = answer().facts();
        let regions: Vec<_> =
            facts.regions().iter().map(|region| (region.start.get(), region.kind)).collect();
        assert_eq!(
            regions,
            [
                (0x1000, MemoryKind::Usable),
                (0x10_0000, MemoryKind::Usable),
                (0x20_0000, MemoryKind::Usable),
                (0xf000_0000, MemoryKind::Reserved),
                (0xfd00_0000, MemoryKind::Reserved)
            ]
        );
    }

    #[test]
    fn pointers_become_physical_addresses() {
        let facts = answer().facts();
        assert_eq!(facts.loader(), "Limine");
        assert_eq!(facts.initramfs, Some((0x40_0000, 77)));
        assert_eq!(facts.screen.map(|screen| screen.start), Some(0xfd00_0000));
        assert_eq!(facts.rsdp.map(|rsdp| rsdp.get()), Some(0xf_5a20));
        assert_eq!(facts.command_line(), "console=tty0");
        let older = Answer { rsdp: Some(DIRECT + 0xf_5a20), ..answer() };
        assert_eq!(older.facts().rsdp, facts.rsdp);
    }

    #[test]
    fn pointers_that_are_no_direct_ones_are_left_out() {
        let mut odd = answer();
        odd.module = Some((0x1000, 1));
        odd.screen = odd.screen.map(|screen| Screen { start: 0xfd00_0000, ..screen });
        let facts = odd.facts();
        assert!(facts.initramfs.is_none() && facts.screen.is_none());
    }
}
