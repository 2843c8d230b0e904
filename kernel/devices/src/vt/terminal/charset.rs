//! Character sets, for who does not write UTF-8 (`console_codes(4)`, "Character sets").

/// A set of 256 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    /// ISO 8859-1.
    Latin,
    /// The VT100's drawing characters in place of small letters.
    Graphics,
    /// Code page 437, the PC's own.
    Pc,
}

/// The drawing characters, from `_` on.
const GRAPHICS: &str = "\u{a0}◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·";
/// Code page 437: what its control characters show.
const PC_LOW: &str = " ☺☻♥♦♣♠•◘○◙♂♀♪♫☼▶◀↕‼¶§▬↨↑↓→←∟↔▲▼";
/// Code page 437 from 127 on.
const PC_HIGH: &str = "⌂ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

impl Charset {
    /// The set that the last byte of an escape sequence names.
    pub(super) fn named(byte: u8) -> Option<Charset> {
        match byte {
            b'B' => Some(Charset::Latin),
            b'0' => Some(Charset::Graphics),
            // `K` is what the user has loaded, which is the font as it is.
            b'U' | b'K' => Some(Charset::Pc),
            _ => None,
        }
    }

    /// The character of a byte.
    pub(super) fn character(self, byte: u8) -> char {
        let other = match self {
            Charset::Latin => None,
            Charset::Graphics => byte.checked_sub(b'_').and_then(|index| GRAPHICS.chars().nth(index.into())),
            Charset::Pc if byte < b' ' => PC_LOW.chars().nth(byte.into()),
            Charset::Pc => byte.checked_sub(127).and_then(|index| PC_HIGH.chars().nth(index.into())),
        };
        other.unwrap_or(char::from(byte))
    }
}

/// Whether a character takes two places (East Asian Wide and Fullwidth of Unicode's annex 11, in whole blocks as Linux has them).
pub(super) fn is_wide(character: char) -> bool {
    matches!(
        u32::from(character),
        0x1100..=0x115f | 0x2329..=0x232a | 0x2e80..=0x303e | 0x3040..=0xa4cf | 0xac00..=0xd7a3
            | 0xf900..=0xfaff | 0xfe10..=0xfe19 | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6
            | 0x2_0000..=0x2_fffd | 0x3_0000..=0x3_fffd
    )
}

/// Whether a character takes none.
pub(super) fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{feff}')
}
