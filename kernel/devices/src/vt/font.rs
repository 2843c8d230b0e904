//! The font: Spleen, 8 by 16 pixels (by Frederic Cambus, BSD licence), as the crate `spleen-font` carries it.
//!
//! The file has the format PSF 1 (`psf(5)` of kbd): a header, 512 glyphs of a byte a row, and for each of them the characters that
//! it shows, which [`Font::new`] turns into a table to search. (The crate's own search knows PSF 2 only.)

use alloc::vec::Vec;

/// Pixels of a glyph.
pub(crate) const WIDTH: u32 = 8;
/// Rows of a glyph.
pub(crate) const HEIGHT: u32 = 16;

/// A byte a row; the highest bit is on the left.
pub(crate) type Glyph = [u8; HEIGHT as usize];

/// What shows a character that the font lacks.
const REPLACEMENT: char = '\u{fffd}';
/// Characters whose glyphs are found without searching.
const DIRECT: usize = 128;

/// The glyphs by character.
pub(crate) struct Font {
    direct: [&'static Glyph; DIRECT],
    /// The others, in the order of the characters.
    others: Vec<(char, &'static Glyph)>,
    missing: &'static Glyph,
}

impl Font {
    /// Reads the font; `None` when it is not what is expected.
    pub(crate) fn new() -> Option<Font> {
        const MAGIC: [u8; 2] = [0x36, 0x04];
        /// 512 glyphs, and the table of characters.
        const MODE: u8 = 3;
        const GLYPHS: usize = 512;
        let (header, rest) = spleen_font::FONT_8X16.split_first_chunk::<4>()?;
        let [first, second, mode, height] = *header;
        if [first, second] != MAGIC || mode != MODE || u32::from(height) != HEIGHT {
            return None;
        }
        let (glyphs, table) = rest.split_at_checked(GLYPHS * HEIGHT as usize)?;
        let (glyphs, _) = glyphs.as_chunks::<{ HEIGHT as usize }>();
        let mut others = characters(glyphs, table);
        others.sort_by_key(|(character, _)| *character);
        others.dedup_by_key(|(character, _)| *character);
        let find = |character| {
            let index = others.binary_search_by_key(&character, |(character, _)| *character).ok()?;
            others.get(index).map(|(_, glyph)| *glyph)
        };
        let missing = find(REPLACEMENT)?;
        let direct = core::array::from_fn(|code| find(char::from(code as u8)).unwrap_or(missing));
        others.retain(|(character, _)| *character as usize >= DIRECT);
        Some(Font { direct, others, missing })
    }

    /// The glyph of a character.
    pub(crate) fn glyph(&self, character: char) -> &'static Glyph {
        if let Some(glyph) = self.direct.get(character as usize) {
            return glyph;
        }
        let found = self.others.binary_search_by_key(&character, |(character, _)| *character);
        found.ok().and_then(|index| self.others.get(index)).map_or(self.missing, |(_, glyph)| *glyph)
    }
}

/// Reads the table: for each glyph 16-bit characters, then `ffff`; what stands between `fffe` and that is a sequence, which no
/// cell holds.
fn characters(glyphs: &'static [Glyph], table: &[u8]) -> Vec<(char, &'static Glyph)> {
    const END: u16 = 0xffff;
    const SEQUENCE: u16 = 0xfffe;
    let mut list = Vec::new();
    let mut glyphs = glyphs.iter();
    let mut glyph = glyphs.next();
    let mut in_sequence = false;
    for code in table.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes)) {
        match code {
            END => {
                glyph = glyphs.next();
                in_sequence = false;
            }
            SEQUENCE => in_sequence = true,
            _ if in_sequence => {}
            _ => list.extend(char::from_u32(u32::from(code)).zip(glyph)),
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::Font;

    #[test]
    fn characters_have_their_glyphs() {
        let font = Font::new().unwrap();
        assert_eq!(font.glyph(' '), &[0; 16]);
        assert_eq!(font.glyph('█'), &[0xff; 16]);
        assert!(font.glyph('─').contains(&0xff));
        assert_ne!(font.glyph('a'), font.glyph('b'));
        assert_ne!(font.glyph('ж'), font.glyph('\u{fffd}'));
        assert_eq!(font.glyph('漢'), font.glyph('\u{fffd}'));
    }
}
