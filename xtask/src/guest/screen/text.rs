//! Reading text in a picture: each cell is compared with the font's glyphs, so a character is right or not found.

use std::collections::HashMap;

use anyhow::{Context, Result};

use super::picture::{Colour, Picture};

const WIDTH: usize = 8;
const HEIGHT: usize = 16;
/// The cursor, an underline of so many rows, exchanges the two colours.
const CURSOR: usize = 2;

type Glyph = [u8; HEIGHT];

/// What is read in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The character; U+FFFD for what is no glyph of the font's.
    pub character: char,
    /// Its colour; that of the background where nothing is written.
    pub foreground: Colour,
    /// What is behind it.
    pub background: Colour,
}

/// Reads pictures, one after the other: rows that are as they were are not read again.
pub struct Reader {
    glyphs: HashMap<Glyph, char>,
    last: Vec<(Vec<Colour>, Vec<Cell>)>,
}

impl Reader {
    /// Reads the font.
    pub fn new() -> Result<Self> {
        Ok(Self {
            glyphs: glyphs(spleen_font::FONT_8X16).context("the font is not what it should be")?,
            last: Vec::new(),
        })
    }

    /// Reads all rows of a picture.
    pub fn read(&mut self, picture: &Picture) -> Vec<Vec<Cell>> {
        let bands = picture.pixels.chunks_exact(picture.width * HEIGHT);
        let rows: Vec<_> = bands
            .enumerate()
            .map(|(index, band)| match self.last.get(index) {
                Some((pixels, cells)) if pixels == band => (pixels.clone(), cells.clone()),
                _ => (band.to_vec(), self.read_row(picture, index)),
            })
            .collect();
        self.last = rows;
        self.last.iter().map(|(_, cells)| cells.clone()).collect()
    }

    fn read_row(&self, picture: &Picture, index: usize) -> Vec<Cell> {
        let lines: Vec<&[Colour]> = (0..HEIGHT).map(|line| picture.row(index * HEIGHT + line)).collect();
        (0..picture.width / WIDTH).map(|column| self.read_cell(&lines, column)).collect()
    }

    fn read_cell(&self, lines: &[&[Colour]], column: usize) -> Cell {
        let rows = lines.iter().filter_map(|line| line.get(column * WIDTH..(column + 1) * WIDTH));
        let first = lines.first().and_then(|line| line.get(column * WIDTH)).copied().unwrap_or_default();
        let (mut other, mut colours) = (first, 1);
        let mut bits: Glyph = [0; HEIGHT];
        for (byte, row) in bits.iter_mut().zip(rows) {
            for (at, pixel) in row.iter().enumerate() {
                if *pixel != first {
                    colours += usize::from(*pixel != other);
                    other = *pixel;
                    *byte |= 0x80 >> at;
                }
            }
        }
        if other == first {
            return Cell { character: ' ', foreground: first, background: first };
        }
        let inverse = bits.map(|byte| !byte);
        let ways = [(bits, other, first), (inverse, first, other)];
        for (glyph, foreground, background) in ways.into_iter().filter(|_| colours == 2) {
            let mut with_cursor = glyph;
            with_cursor.iter_mut().rev().take(CURSOR).for_each(|byte| *byte = !*byte);
            if let Some(character) = self.glyphs.get(&glyph).or_else(|| self.glyphs.get(&with_cursor)) {
                return Cell { character: *character, foreground, background };
            }
        }
        Cell { character: char::REPLACEMENT_CHARACTER, foreground: other, background: first }
    }
}

/// The text of rows, without the blanks at their ends.
pub fn rows(cells: &[Vec<Cell>]) -> Vec<String> {
    let text = |row: &Vec<Cell>| row.iter().map(|cell| cell.character).collect::<String>();
    cells.iter().map(|row| text(row).trim_end().to_owned()).collect()
}

/// The font's glyphs and what they mean (a PSF 1 file with 512 glyphs); of several characters with one glyph the first.
fn glyphs(font: &[u8]) -> Option<HashMap<Glyph, char>> {
    const HEADER: usize = 4;
    const GLYPHS: usize = 512;
    const END: u16 = 0xffff;
    let (bitmaps, table) = font.get(HEADER..)?.split_at_checked(GLYPHS * HEIGHT)?;
    let mut glyphs: HashMap<Glyph, char> = HashMap::new();
    let mut bitmaps = bitmaps.as_chunks::<HEIGHT>().0.iter();
    let mut bitmap = bitmaps.next()?;
    for code in table.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes)) {
        if code == END {
            let Some(next) = bitmaps.next() else { break };
            bitmap = next;
        } else if let Some(character) = char::from_u32(u32::from(code)) {
            let known = glyphs.entry(*bitmap).or_insert(character);
            *known = character.min(*known);
        }
    }
    Some(glyphs)
}

#[cfg(test)]
mod tests {
    use super::{Picture, Reader, rows};

    const GREY: [u8; 3] = [0xaa; 3];

    /// Draws text as the kernel does; the last character with the cursor.
    fn draw(reader: &Reader, text: &str) -> Picture {
        let glyph =
            |wanted: char| reader.glyphs.iter().find(|(_, other)| **other == wanted).map(|(glyph, _)| *glyph);
        let glyphs: Vec<_> = text.chars().map(|character| glyph(character).unwrap()).collect();
        let width = glyphs.len() * 8;
        let mut pixels = Vec::new();
        for line in 0..16 {
            for (index, glyph) in glyphs.iter().enumerate() {
                let cursor = index + 1 == glyphs.len() && line >= 14;
                let bits = if cursor { !glyph[line] } else { glyph[line] };
                pixels.extend((0..8).map(|at| if bits << at & 0x80 != 0 { GREY } else { [0; 3] }));
            }
        }
        Picture { width, height: 16, pixels }
    }

    #[test]
    fn what_is_drawn_is_read() {
        let mut reader = Reader::new().unwrap();
        let text = "Serix ─é x:~# ";
        let mut picture = draw(&reader, text);
        let cells = reader.read(&picture);
        assert_eq!(rows(&cells), [text.trim_end()]);
        assert_eq!((cells[0][0].foreground, cells[0][0].background), (GREY, [0; 3]));
        picture.pixels[9 * picture.width + 3] = [1, 2, 3];
        assert_eq!(reader.read(&picture)[0][0].character, char::REPLACEMENT_CHARACTER);
    }
}
