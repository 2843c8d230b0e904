//! A picture of a screen.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Red, green, blue.
pub type Colour = [u8; 3];

/// Pixels, row by row.
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<Colour>,
}

impl Picture {
    /// Reads a file of the format PPM, variant P6, as QEMU writes it.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&bytes).context("QEMU's picture of the screen is not what it should be")
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let mut rest = bytes;
        let mut words = Vec::new();
        while words.len() < 4 {
            let length = rest.iter().position(u8::is_ascii_whitespace).context("its header has no end")?;
            let (word, after) = rest.split_at(length);
            words.push(std::str::from_utf8(word)?);
            rest = after.get(1..).unwrap_or_default();
        }
        ensure!(words.first() == Some(&"P6") && words.get(3) == Some(&"255"), "its header is {words:?}");
        let number = |index: usize| words.get(index).copied().unwrap_or_default().parse::<usize>();
        let (width, height) = (number(1)?, number(2)?);
        let pixels = rest.as_chunks::<3>().0.to_vec();
        ensure!(
            width > 0 && pixels.len() == width * height,
            "it has {} pixels for {width}x{height}",
            pixels.len()
        );
        Ok(Self { width, height, pixels })
    }

    /// Writes the picture as PNG, with a palette where that is enough: text has few colours.
    pub fn write_png(&self, path: &Path) -> Result<()> {
        const MOST: usize = 16;
        let mut palette: Vec<Colour> = Vec::new();
        for pixel in &self.pixels {
            if palette.len() <= MOST && !palette.contains(pixel) {
                palette.push(*pixel);
            }
        }
        let file = fs::File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        let mut encoder = png::Encoder::new(file, u32::try_from(self.width)?, u32::try_from(self.height)?);
        encoder.set_compression(png::Compression::High);
        let bytes = if palette.len() > MOST {
            encoder.set_color(png::ColorType::Rgb);
            self.pixels.concat()
        } else {
            encoder.set_color(png::ColorType::Indexed);
            encoder.set_depth(png::BitDepth::Four);
            encoder.set_palette(palette.concat());
            let index = |pixel: &Colour| palette.iter().position(|colour| colour == pixel).unwrap_or(0) as u8;
            let pack = |pair: &[Colour]| pair.iter().fold(0, |byte, pixel| byte << 4 | index(pixel));
            self.pixels.chunks(self.width).flat_map(|row| row.chunks(2).map(pack)).collect()
        };
        let mut writer = encoder.write_header().context("cannot write a picture")?;
        writer.write_image_data(&bytes).context("cannot write a picture")
    }

    /// A row of pixels.
    pub fn row(&self, y: usize) -> &[Colour] {
        self.pixels.get(y * self.width..(y + 1) * self.width).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Picture;

    #[test]
    fn a_picture_is_read_whole_or_not_at_all() {
        let picture = Picture::parse(b"P6\n2 1\n255\n\x01\x02\x03\n\x05\x06").unwrap();
        assert_eq!((picture.width, picture.height), (2, 1));
        assert_eq!(picture.row(0), [[1, 2, 3], [10, 5, 6]]);
        for bad in [&b"P6\n2 1\n255\n\x01"[..], b"P5\n1 1\n255\nabc", b"P6\n", b""] {
            assert!(Picture::parse(bad).is_err());
        }
    }
}
