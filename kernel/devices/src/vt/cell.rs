//! A character's place on the screen, and how it looks.

/// Colours by number: black, red, green, brown, blue, magenta, cyan, grey; the bright ones from 8 on.
pub(crate) type Colour = u8;

/// What a new terminal's colours are: red, green, blue of each (`console_codes(4)`: the palette of a VGA card).
pub(crate) const PALETTE: [[u8; 3]; 16] = [
    [0, 0, 0],
    [0xaa, 0, 0],
    [0, 0xaa, 0],
    [0xaa, 0x55, 0],
    [0, 0, 0xaa],
    [0xaa, 0, 0xaa],
    [0, 0xaa, 0xaa],
    [0xaa, 0xaa, 0xaa],
    [0x55, 0x55, 0x55],
    [0xff, 0x55, 0x55],
    [0x55, 0xff, 0x55],
    [0xff, 0xff, 0x55],
    [0x55, 0x55, 0xff],
    [0xff, 0x55, 0xff],
    [0x55, 0xff, 0xff],
    [0xff, 0xff, 0xff],
];

/// The bit that makes a colour bright.
pub(crate) const BRIGHT: Colour = 8;

/// What is shown at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub character: char,
    pub foreground: Colour,
    pub background: Colour,
}

/// How strong characters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intensity {
    Half,
    Normal,
    Bold,
}

/// What stands for an attribute that the screen cannot show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Substitutes {
    pub half: Colour,
    pub underline: Colour,
    pub italic: Colour,
}

impl Substitutes {
    /// Linux's: grey, cyan, green.
    pub(crate) const USUAL: Self = Self { half: BRIGHT, underline: 6, italic: 2 };
}

/// How characters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    pub foreground: Colour,
    pub background: Colour,
    pub intensity: Intensity,
    pub italic: bool,
    pub underline: bool,
    pub blink: bool,
    pub reverse: bool,
}

impl Style {
    /// Plain, in these colours.
    pub(crate) const fn plain(foreground: Colour, background: Colour) -> Self {
        Self {
            foreground,
            background,
            intensity: Intensity::Normal,
            italic: false,
            underline: false,
            blink: false,
            reverse: false,
        }
    }

    /// A character in this style. As on Linux bold is bright, blinking is a bright background, and one colour each stands for
    /// underlined, italic and half-bright. With `inverted` the whole screen is reversed.
    pub(crate) fn cell(&self, character: char, substitutes: &Substitutes, inverted: bool) -> Cell {
        let mut foreground = match () {
            () if self.italic => substitutes.italic,
            () if self.underline => substitutes.underline,
            () if self.intensity == Intensity::Half => substitutes.half,
            () => self.foreground,
        };
        let mut background = self.background;
        if self.reverse != inverted {
            // The hues change places; what is bright stays where it is.
            let (front, back) = (foreground & 7, background & 7);
            foreground = foreground & BRIGHT | back;
            background = background & BRIGHT | front;
        }
        if self.blink {
            background ^= BRIGHT;
        }
        if self.intensity == Intensity::Bold {
            foreground ^= BRIGHT;
        }
        Cell { character, foreground, background }
    }

    /// What erased places show: this style's colours and nothing else of it.
    pub(crate) fn blank(&self, substitutes: &Substitutes, inverted: bool) -> Cell {
        let plain = Self { blink: self.blink, ..Self::plain(self.foreground, self.background) };
        plain.cell(' ', substitutes, inverted)
    }
}
