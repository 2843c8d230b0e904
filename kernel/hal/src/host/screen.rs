//! The screen: memory of the test's.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Framebuffer, NoMemory};

/// A framebuffer to draw on.
pub struct Screen {
    framebuffer: Framebuffer,
    pixels: Vec<AtomicU32>,
}

impl Screen {
    /// Makes one that shows nothing but zeros.
    ///
    /// # Errors
    /// None here.
    pub fn map(framebuffer: Framebuffer) -> Result<Self, NoMemory> {
        let count = framebuffer.width as usize * framebuffer.height as usize;
        Ok(Self { framebuffer, pixels: (0..count).map(|_| AtomicU32::new(0)).collect() })
    }

    /// What it shows.
    pub fn framebuffer(&self) -> &Framebuffer {
        &self.framebuffer
    }

    /// Draws pixels from a place on to the right; what lies outside is left out.
    pub fn put(&self, x: u32, y: u32, pixels: &[u32]) {
        let width = self.framebuffer.width;
        if y < self.framebuffer.height && x < width {
            let start = (y * width + x) as usize;
            for (place, pixel) in self.pixels[start..].iter().zip(pixels).take((width - x) as usize) {
                place.store(*pixel, Ordering::Relaxed);
            }
        }
    }

    /// A pixel, for tests.
    pub fn pixel(&self, x: u32, y: u32) -> u32 {
        self.pixels[(y * self.framebuffer.width + x) as usize].load(Ordering::Relaxed)
    }
}
