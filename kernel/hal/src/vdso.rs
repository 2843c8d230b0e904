//! The vDSO: a small library that every program has mapped, and that tells the time without a system call.
//!
//! Two things make it up. [`image`] is the library, an ELF shared object that is assembled into the kernel
//! (`machine/vdso.rs`). A [`TimePage`] lies right below it and holds what it computes with: the rate of the time-stamp
//! counter, and what each clock shows beyond the time since boot. Its numbers are those that [`crate::time::now`] uses, so that
//! library and system call never disagree.
//!
//! Who changes the page makes its sequence number odd before and even afterwards; who reads it tries again until the number
//! was even and the same before and after (the processor keeps stores in order, and loads).

use core::sync::atomic::{Ordering, fence};

use zerocopy::{Immutable, IntoBytes};

use crate::{LockClass, NoMemory, Page, SpinLock, arch};

/// Clocks with lower numbers can be shown.
pub const CLOCKS: usize = 16;

/// What the page begins with.
#[derive(Clone, Copy, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct TimeData {
    pub sequence: u64,
    /// A bit for each clock that can be computed; for the others the library makes a system call.
    pub known: u64,
    /// The counter at boot.
    pub base: u64,
    /// Nanoseconds in a tick, times 2^32.
    pub nanos_per_tick: u64,
    /// What each clock shows beyond the nanoseconds since boot.
    pub offsets: [u64; CLOCKS],
}

static CLASS: LockClass = LockClass::new("time page", 1_030);

/// The page that programs see: the clocks.
pub struct TimePage {
    page: Page,
    sequence: SpinLock<u64>,
}

impl TimePage {
    /// A page that knows no clock yet.
    ///
    /// # Errors
    /// [`NoMemory`].
    pub fn new() -> Result<Self, NoMemory> {
        let page = Page::zeroed().ok_or(NoMemory)?;
        Ok(Self { page, sequence: SpinLock::new(&CLASS, 0) })
    }

    /// The page, to be mapped right below the [`image`], for reading only.
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// Shows the clocks as they are now. `offsets` gives, for each clock that counts as the time since boot does, what it shows
    /// beyond that, in nanoseconds (modulo 2^64); it is asked with the page locked, so that the last to ask is the last to be
    /// shown. Must not sleep.
    pub fn publish(&self, offsets: impl FnOnce() -> [Option<u64>; CLOCKS]) {
        let mut sequence = self.sequence.lock_irq();
        let offsets = offsets();
        let (base, nanos_per_tick) = arch::time::conversion();
        let mut data = TimeData {
            sequence: sequence.wrapping_add(1),
            known: 0,
            base,
            nanos_per_tick,
            offsets: offsets.map(|offset| offset.unwrap_or(0)),
        };
        for (clock, _) in offsets.iter().enumerate().filter(|(_, offset)| offset.is_some()) {
            data.known |= 1 << clock;
        }
        const FIRST: usize = size_of::<u64>();
        self.page.copy_in(0, data.sequence.as_bytes());
        fence(Ordering::SeqCst);
        self.page.copy_in(FIRST, &data.as_bytes()[FIRST..]);
        fence(Ordering::SeqCst);
        *sequence = sequence.wrapping_add(2);
        self.page.copy_in(0, sequence.as_bytes());
    }
}

/// The library: whole pages, to be mapped for reading and executing.
pub fn image() -> &'static [u8] {
    arch::vdso::image()
}

#[cfg(test)]
mod tests {
    use super::{CLOCKS, TimeData, TimePage};
    use core::mem::offset_of;

    #[test]
    fn the_page_shows_the_last_offsets_under_an_even_sequence() {
        let _machine = crate::simulate::exclusive();
        let time = TimePage::new().unwrap();
        let word = |offset: usize| {
            let mut bytes = [0; 8];
            time.page().copy_out(offset, &mut bytes);
            u64::from_le_bytes(bytes)
        };
        let offset_of_clock = |clock: usize| word(offset_of!(TimeData, offsets) + clock * 8);
        assert_eq!(word(offset_of!(TimeData, known)), 0);
        let mut offsets = [None; CLOCKS];
        (offsets[0], offsets[11]) = (Some(5), Some(7));
        time.publish(|| offsets);
        assert_eq!(word(offset_of!(TimeData, sequence)), 2);
        assert_eq!(word(offset_of!(TimeData, known)), 1 << 11 | 1);
        assert_eq!((offset_of_clock(0), offset_of_clock(11)), (5, 7));
        offsets[0] = Some(6);
        time.publish(|| offsets);
        assert_eq!((word(offset_of!(TimeData, sequence)), offset_of_clock(0)), (4, 6));
    }
}
