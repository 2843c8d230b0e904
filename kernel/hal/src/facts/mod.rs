//! What a boot protocol found out, copied out of the loader's memory: values only, no address, so that it stays right when the
//! kernel's image moves.

pub(crate) mod limine;
pub(crate) mod screen;

use crate::{MemoryKind, MemoryRegion, PhysAddr};
use screen::Screen;

const MAX_REGIONS: usize = 128;
const MAX_COMMAND_LINE: usize = 4096;

/// The facts.
pub(crate) struct Facts {
    loader: Loader,
    regions: [MemoryRegion; MAX_REGIONS],
    region_count: usize,
    command_line: [u8; MAX_COMMAND_LINE],
    command_line_length: usize,
    /// Where the first file system's archive is, and how long.
    pub initramfs: Option<(u64, u64)>,
    /// Where ACPI's root pointer is.
    pub rsdp: Option<PhysAddr>,
    /// A framebuffer that the loader set up, as it tells of it.
    pub screen: Option<Screen>,
}

/// A boot protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loader {
    /// Xen's, for virtual machines.
    Pvh,
    /// Limine's.
    Limine,
}

impl Loader {
    /// Its name, for the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pvh => "PVH",
            Self::Limine => "Limine",
        }
    }
}

impl Facts {
    /// Nothing is known but the protocol.
    pub fn new(loader: Loader) -> Self {
        let none = MemoryRegion { start: PhysAddr::new(0), length: 0, kind: MemoryKind::Reserved };
        Self {
            loader,
            regions: [none; MAX_REGIONS],
            region_count: 0,
            command_line: [0; MAX_COMMAND_LINE],
            command_line_length: 0,
            initramfs: None,
            rsdp: None,
            screen: None,
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

    /// The protocol's name.
    pub fn loader(&self) -> &'static str {
        self.loader.name()
    }

    /// The command line.
    pub fn command_line(&self) -> &str {
        core::str::from_utf8(&self.command_line[..self.command_line_length]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Facts, Loader, MAX_COMMAND_LINE};

    #[test]
    fn a_command_line_ends_where_it_is_no_text_or_too_long() {
        let mut facts = Facts::new(Loader::Pvh);
        facts.set_command_line(b"quiet \xffx");
        assert_eq!(facts.command_line(), "quiet ");
        facts.set_command_line(&[b'a'; MAX_COMMAND_LINE + 1]);
        assert_eq!(facts.command_line().len(), MAX_COMMAND_LINE);
    }
}
