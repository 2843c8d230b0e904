//! A framebuffer as somebody tells of it, and whether it can be drawn on.

use crate::{Framebuffer, MemoryKind, MemoryRegion, PhysAddr};

/// A framebuffer, not checked yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    /// Physical address of the first pixel.
    pub start: u64,
    /// Pixels in a row.
    pub width: u64,
    /// Rows.
    pub height: u64,
    /// Bytes from row to row.
    pub pitch: u64,
    /// Bits of a pixel.
    pub bits: u16,
    /// How many bits red, green and blue have.
    pub sizes: [u8; 3],
    /// Where red, green and blue begin in a pixel, in bits.
    pub shifts: [u8; 3],
}

impl Screen {
    /// Pixels of 32 bits, blue lowest: what nearly every machine has.
    pub const fn usual(start: u64, width: u64, height: u64, pitch: u64) -> Self {
        Self { start, width, height, pitch, bits: 32, sizes: [8; 3], shifts: [16, 8, 0] }
    }

    /// The framebuffer, if it can be drawn on: 32 bits a pixel, eight for each colour; rows that do not overlap; no memory of
    /// anybody's in it.
    ///
    /// # Errors
    /// What is wrong with it, in words for the log.
    pub fn check(&self, memory: &[MemoryRegion]) -> Result<Framebuffer, &'static str> {
        /// More than any screen has; keeps the products small.
        const MOST: u64 = 1 << 16;
        if self.bits != 32 {
            return Err("its pixels have not 32 bits");
        }
        if self.sizes != [8; 3] || self.shifts.iter().any(|shift| shift % 8 != 0 || *shift > 24) {
            return Err("its colours have not 8 bits each");
        }
        let [red, green, blue] = self.shifts;
        if red == green || green == blue || blue == red {
            return Err("its colours overlap");
        }
        if !(1..=MOST).contains(&self.width) || !(1..=MOST).contains(&self.height) {
            return Err("it has no size, or one that no screen has");
        }
        if self.pitch < self.width * 4 || self.pitch > MOST * 4 || !self.pitch.is_multiple_of(4) {
            return Err("its rows do not lie one after the other");
        }
        let end = self.start.checked_add(self.pitch * self.height).filter(|end| *end <= 1 << 46);
        let Some(end) = end.filter(|_| self.start > 0 && self.start.is_multiple_of(4)) else {
            return Err("it lies where nothing can");
        };
        let overlaps = |region: &MemoryRegion| {
            let region_end = region.start.get().saturating_add(region.length);
            region.kind != MemoryKind::Reserved && region.start.get() < end && self.start < region_end
        };
        if memory.iter().any(overlaps) {
            return Err("it lies in memory");
        }
        Ok(Framebuffer {
            start: PhysAddr::new(self.start),
            width: self.width as u32,
            height: self.height as u32,
            pitch: self.pitch as u32,
            shifts: self.shifts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Screen;
    use crate::{MemoryKind, MemoryRegion, PhysAddr};

    const GOOD: Screen = Screen::usual(0xfd00_0000, 1280, 800, 5120);

    fn memory(kind: MemoryKind) -> [MemoryRegion; 1] {
        [MemoryRegion { start: PhysAddr::new(0xfd00_0000), length: 0x100_0000, kind }]
    }

    #[test]
    fn a_screen_as_it_should_be_is_taken() {
        let framebuffer = GOOD.check(&memory(MemoryKind::Reserved)).unwrap();
        assert_eq!((framebuffer.width(), framebuffer.height()), (1280, 800));
        assert_eq!(framebuffer.pixel([1, 2, 3]), 0x01_0203);
        let other = Screen { shifts: [0, 8, 16], pitch: 8192, ..GOOD }.check(&[]).unwrap();
        assert_eq!(other.pixel([1, 2, 3]), 0x03_0201);
    }

    #[test]
    fn a_screen_that_cannot_be_drawn_on_is_refused() {
        let bad = [
            Screen { bits: 24, ..GOOD },
            Screen { sizes: [5, 6, 5], ..GOOD },
            Screen { shifts: [16, 8, 8], ..GOOD },
            Screen { shifts: [20, 10, 0], ..GOOD },
            Screen { shifts: [32, 8, 0], ..GOOD },
            Screen { width: 0, ..GOOD },
            Screen { height: u64::MAX, ..GOOD },
            Screen { pitch: 5119, ..GOOD },
            Screen { pitch: 5121, ..GOOD },
            Screen { pitch: u64::MAX - 3, ..GOOD },
            Screen { start: 0, ..GOOD },
            Screen { start: u64::MAX - 7, ..GOOD },
        ];
        for screen in bad {
            assert!(screen.check(&[]).is_err(), "{screen:?}");
        }
    }

    #[test]
    fn a_screen_in_memory_is_refused() {
        for kind in [MemoryKind::Usable, MemoryKind::Reclaimable] {
            assert!(GOOD.check(&memory(kind)).is_err());
            let below = [MemoryRegion { start: PhysAddr::new(0), length: 0xfd00_0001, kind }];
            assert!(GOOD.check(&below).is_err());
        }
    }
}
