//! The terminal `linux`: what bytes written to the console do to the grid (`console_codes(4)`; where that is silent, what
//! Linux 6.1 does).
//!
//! The crate `vte` takes sequences apart. [`Console`] feeds it, and sees to the two things that it does not know: sequences for
//! the palette, which have no end as other operating-system commands have; and bytes that are characters of a set rather than
//! UTF-8. [`Terminal`] is the state that sequences change:
//!
//! | file | what |
//! |---|---|
//! | `act` | which function of the terminal a sequence is |
//! | `motion` | the cursor, tabs, lines, scrolling |
//! | `edit` | erasing, inserting, deleting |
//! | `style` | colours and attributes |
//! | `modes` | modes, and what is asked and answered |
//! | `charset` | character sets, widths |

mod act;
mod charset;
mod edit;
mod modes;
mod motion;
mod style;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;

use vte::Parser;

use super::cell::{Cell, Colour, PALETTE, Style, Substitutes};
use super::grid::Grid;
use charset::Charset;
pub(crate) use modes::Modes;

/// What saving the cursor saves.
#[derive(Clone, Copy)]
struct State {
    x: usize,
    y: usize,
    style: Style,
    /// The sets, and which of them is in use.
    sets: [Charset; 2],
    shifted: bool,
}

/// Columns that can have a tab stop.
const TAB_COLUMNS: usize = 256;
/// Bytes of answers that are kept: who asks for more without reading them gets no more.
const ANSWERS: usize = 256;

/// The state of the terminal.
pub(crate) struct Terminal {
    grid: Grid,
    state: State,
    saved: State,
    /// The last column has been written to: the next character begins a line.
    wraps: bool,
    /// The region that scrolls: its first row, and the one after its last.
    top: usize,
    bottom: usize,
    modes: Modes,
    tabs: [bool; TAB_COLUMNS],
    /// Text is UTF-8.
    utf8: bool,
    /// Bytes are shown by this set, after these bits are set in them, and control characters too.
    bytes: Option<(Charset, u8)>,
    default_colours: (Colour, Colour),
    substitutes: Substitutes,
    palette: [[u8; 3]; 16],
    palette_changed: bool,
    answers: Vec<u8>,
    cursor_height: usize,
    /// The parser is within a sequence.
    in_sequence: bool,
    /// The next byte belongs to one that is over for the parser.
    swallows: bool,
}

/// Rows of pixels of the cursor as it is at first: an underline.
const CURSOR_HEIGHT: usize = 2;

impl Terminal {
    fn new(columns: usize, rows: usize) -> Terminal {
        let style = Style::plain(7, 0);
        let state = State { x: 0, y: 0, style, sets: [Charset::Latin, Charset::Graphics], shifted: false };
        let blank = style.blank(&Substitutes::USUAL, false);
        let mut terminal = Terminal {
            grid: Grid::new(columns, rows, blank),
            state,
            saved: state,
            wraps: false,
            top: 0,
            bottom: rows,
            modes: Modes::INITIAL,
            tabs: [false; TAB_COLUMNS],
            utf8: true,
            bytes: None,
            default_colours: (7, 0),
            substitutes: Substitutes::USUAL,
            palette: PALETTE,
            palette_changed: false,
            answers: Vec::with_capacity(ANSWERS),
            cursor_height: CURSOR_HEIGHT,
            in_sequence: false,
            swallows: false,
        };
        terminal.reset();
        terminal
    }

    /// Makes everything as it was at first, but for colours that the user has chosen.
    fn reset(&mut self) {
        let style = Style::plain(self.default_colours.0, self.default_colours.1);
        self.state = State { x: 0, y: 0, style, sets: [Charset::Latin, Charset::Graphics], shifted: false };
        self.saved = self.state;
        self.wraps = false;
        (self.top, self.bottom) = (0, self.grid.rows());
        self.modes = Modes::INITIAL;
        self.tabs = core::array::from_fn(|column| column > 0 && column % 8 == 0);
        self.utf8 = true;
        self.bytes = None;
        self.cursor_height = CURSOR_HEIGHT;
        let blank = self.blank();
        self.grid.for_each(|cell| *cell = blank);
    }

    pub(crate) fn grid(&self) -> &Grid {
        &self.grid
    }

    pub(crate) fn grid_mut(&mut self) -> &mut Grid {
        &mut self.grid
    }

    /// Where the cursor is shown, and how many rows of pixels it has; `None` while it is hidden.
    pub(crate) fn cursor(&self) -> Option<(usize, usize, usize)> {
        let shown = self.modes.cursor && self.cursor_height > 0;
        shown.then_some((self.state.x, self.state.y, self.cursor_height))
    }

    /// The row that the cursor is in.
    pub(crate) fn cursor_row(&self) -> usize {
        self.state.y
    }

    /// Modes that the keyboard follows.
    pub(crate) fn modes(&self) -> &Modes {
        &self.modes
    }

    pub(crate) fn palette(&self) -> &[[u8; 3]; 16] {
        &self.palette
    }

    /// Whether the palette changed since the last call.
    pub(crate) fn take_palette_change(&mut self) -> bool {
        core::mem::take(&mut self.palette_changed)
    }

    /// Gives what the terminal answered to `read`.
    pub(crate) fn take_answers(&mut self, read: impl FnOnce(&[u8])) {
        if !self.answers.is_empty() {
            read(&self.answers);
            self.answers.clear();
        }
    }

    fn answer(&mut self, bytes: &[u8]) {
        if self.answers.len() + bytes.len() <= ANSWERS {
            self.answers.extend_from_slice(bytes);
        }
    }

    /// What erased places show now.
    fn blank(&self) -> Cell {
        self.state.style.blank(&self.substitutes, self.modes.inverted)
    }

    /// Writes a character at the cursor.
    fn put(&mut self, character: char) {
        if charset::is_invisible(character) {
            return;
        }
        self.put_one(character);
        if charset::is_wide(character) {
            self.put_one(' ');
        }
    }

    fn put_one(&mut self, character: char) {
        if self.wraps {
            self.carriage_return();
            self.line_feed();
        }
        if self.modes.insert {
            self.insert_characters(1);
        }
        let cell = self.state.style.cell(character, &self.substitutes, self.modes.inverted);
        self.grid.set(self.state.x, self.state.y, cell);
        if self.state.x + 1 < self.grid.columns() {
            self.state.x += 1;
        } else {
            self.wraps = self.modes.wrap;
        }
    }

    /// How a byte outside of sequences is shown, if not as UTF-8 or a control character.
    fn byte_set(&self) -> Option<(Charset, u8)> {
        let [plain, other] = self.state.sets;
        let chosen = || (if self.state.shifted { other } else { plain }, 0);
        self.bytes.or_else(|| (!self.utf8).then(chosen))
    }

    /// Shows a byte by a set; says whether it did: some control characters always act.
    fn put_byte(&mut self, byte: u8) -> bool {
        let Some((set, bits)) = self.byte_set() else { return false };
        let acts = match byte {
            0 | 8 | 10 | 12..=15 | 24 | 26 | 27 => true,
            _ => self.bytes.is_none() && (byte < b' ' || byte == 127),
        };
        if !acts {
            self.put(set.character(byte | bits));
        }
        !acts
    }

    /// Writes a line of the kernel's log: plain, and nothing in it acts. The line is ended.
    pub(crate) fn log(&mut self, line: &str) {
        let style = self.state.style;
        let insert = core::mem::replace(&mut self.modes.insert, false);
        self.state.style = Style::plain(self.default_colours.0, self.default_colours.1);
        for character in line.chars() {
            self.put(if character.is_control() { '\u{fffd}' } else { character });
        }
        self.carriage_return();
        self.line_feed();
        self.state.style = style;
        self.modes.insert = insert;
    }
}

/// A sequence for the palette: `ESC ] P` and seven hexadecimal digits, or `ESC ] R`. Neither has an end.
#[derive(Clone, Copy)]
enum PaletteSequence {
    /// None has begun.
    No,
    /// `ESC` has come.
    Escape,
    /// `ESC ]`; the parser has not seen the bracket yet.
    Bracket,
    /// So many digits, and their value.
    Digits(u32, u32),
}

/// A terminal with the parser in front of it.
pub(crate) struct Console {
    parser: Parser,
    sequence: PaletteSequence,
    pub terminal: Terminal,
}

const ESCAPE: u8 = 27;
/// What ends a sequence without effect.
const CANCEL: &[u8] = &[24];

impl Console {
    pub(crate) fn new(columns: usize, rows: usize) -> Console {
        Console {
            parser: Parser::new(),
            sequence: PaletteSequence::No,
            terminal: Terminal::new(columns, rows),
        }
    }

    /// Does what the bytes say.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            if core::mem::take(&mut self.terminal.swallows) || self.feed_special(*byte) {
                rest = after;
            } else if self.terminal.in_sequence {
                // One at a time: the end of a sequence may change what the next byte is.
                self.parse(core::slice::from_ref(byte));
                rest = after;
            } else if self.terminal.put_byte(*byte) {
                rest = after;
            } else {
                let length = if self.terminal.byte_set().is_some() {
                    1
                } else {
                    rest.iter().position(|byte| *byte == ESCAPE).map_or(rest.len(), |at| at + 1)
                };
                let (piece, after) = rest.split_at(length);
                self.parse(piece);
                rest = after;
            }
        }
    }

    fn parse(&mut self, piece: &[u8]) {
        // The rest of a character goes alone: vte 0.15 loses what stands behind it (alacritty/vte, issue 159).
        let rest = piece.iter().take_while(|byte| **byte & 0xc0 == 0x80).count();
        let (rest, others) = piece.split_at(rest);
        self.parser.advance(&mut self.terminal, rest);
        self.parser.advance(&mut self.terminal, others);
        if piece.last() == Some(&ESCAPE) {
            self.terminal.in_sequence = true;
            self.sequence = PaletteSequence::Escape;
        }
    }

    /// Says whether a byte belongs to a sequence for the palette, or ends one that is a string to the parser only. A byte that was
    /// held back goes to the parser when it does not.
    fn feed_special(&mut self, byte: u8) -> bool {
        use PaletteSequence::{Bracket, Digits, Escape, No};
        let sequence = core::mem::replace(&mut self.sequence, No);
        match (sequence, byte) {
            (Escape, b']') => self.sequence = Bracket,
            (Escape, b'X') => self.parse(CANCEL),
            (Bracket, b'P') => {
                self.parse(CANCEL);
                self.sequence = Digits(0, 0);
            }
            (Bracket, b'R') => {
                self.parse(CANCEL);
                self.terminal.set_palette(PALETTE);
            }
            (Bracket, _) => {
                self.parse(b"]");
                return false;
            }
            (Digits(count, value), _) => {
                /// A colour's number, and two digits for each of red, green and blue.
                const DIGITS: u32 = 7;
                let Some(digit) = char::from(byte).to_digit(16) else { return false };
                let (count, value) = (count + 1, value << 4 | digit);
                if count < DIGITS {
                    self.sequence = Digits(count, value);
                } else {
                    self.terminal
                        .set_colour((value >> 24) as u8, [16, 8, 0].map(|shift| (value >> shift) as u8));
                }
            }
            (No | Escape, _) => return false,
        }
        true
    }
}
