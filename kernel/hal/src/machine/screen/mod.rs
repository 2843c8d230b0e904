//! The screen: a linear framebuffer, drawn on by pixels.

mod bochs;

use super::kernel_map;
use crate::facts::Facts;
use crate::{Framebuffer, NoMemory, warn};

/// The boot loader's framebuffer, or that of a card whose modes the kernel can set itself; `None`, with a line in the log if
/// there is one, when it cannot be drawn on.
pub(super) fn find(facts: &Facts) -> Option<Framebuffer> {
    let screen = facts.screen.or_else(bochs::find)?;
    match screen.check(facts.regions()) {
        Ok(framebuffer) => Some(framebuffer),
        Err(reason) => {
            warn!("screen", "the framebuffer is not used: {reason} ({screen:x?})");
            None
        }
    }
}

/// A framebuffer to draw on. Whoever draws at the same place at the same time as another sees pixels of both.
pub struct Screen {
    framebuffer: Framebuffer,
    /// Where the first pixel is mapped.
    address: u64,
}

impl Screen {
    /// Maps a framebuffer, for good.
    ///
    /// # Errors
    /// [`NoMemory`] when no frame is left for page tables.
    pub fn map(framebuffer: Framebuffer) -> Result<Self, NoMemory> {
        let length = u64::from(framebuffer.pitch) * u64::from(framebuffer.height);
        let address = kernel_map::map_write_combining(framebuffer.start.get(), length)?;
        Ok(Self { framebuffer, address })
    }

    /// What it shows.
    pub fn framebuffer(&self) -> &Framebuffer {
        &self.framebuffer
    }

    /// Draws pixels from a place on to the right; what lies outside is left out. May be called anywhere.
    pub fn put(&self, x: u32, y: u32, pixels: &[u32]) {
        let Framebuffer { width, height, pitch, .. } = self.framebuffer;
        if y >= height || x >= width {
            return;
        }
        let row = self.address + u64::from(y) * u64::from(pitch) + u64::from(x) * 4;
        for (index, &pixel) in pixels.iter().take((width - x) as usize).enumerate() {
            // SAFETY: the pixel lies in the framebuffer, which is mapped for good and holds no Rust object: `check` saw that no
            // memory lies in it.
            unsafe { (row as *mut u32).add(index).write_volatile(pixel) };
        }
    }
}
