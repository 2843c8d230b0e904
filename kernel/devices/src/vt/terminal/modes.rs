//! Modes, what is asked and answered, and Linux's own settings of its console.

use core::fmt::Write;

use alloc::string::String;

use super::{CURSOR_HEIGHT, Terminal};
use crate::vt::cell::{BRIGHT, Colour, Substitutes};
use crate::vt::font;

/// What is switched on and off by `CSI … h` and `l`, and by `ESC =` and `>`.
pub(crate) struct Modes {
    /// Characters push those behind them.
    pub insert: bool,
    /// A line feed is a carriage return too, and the key Enter sends both.
    pub new_line: bool,
    /// Cursor keys send what applications want.
    pub application_cursor: bool,
    /// The numeric pad sends what applications want.
    pub application_keypad: bool,
    /// The whole screen is reversed.
    pub inverted: bool,
    /// Rows count from the region's first.
    pub origin: bool,
    /// A character behind the last column begins a line.
    pub wrap: bool,
    /// The cursor is shown.
    pub cursor: bool,
}

impl Modes {
    pub(super) const INITIAL: Self = Self {
        insert: false,
        new_line: false,
        application_cursor: false,
        application_keypad: false,
        inverted: false,
        origin: false,
        wrap: true,
        cursor: true,
    };
}

impl Terminal {
    /// Switches a mode of ECMA-48.
    pub(super) fn set_mode(&mut self, number: u16, on: bool) {
        match number {
            3 => self.bytes = on.then_some((super::Charset::Pc, 0)),
            4 => self.modes.insert = on,
            20 => self.modes.new_line = on,
            _ => {}
        }
    }

    /// Switches one of DEC's.
    pub(super) fn set_private_mode(&mut self, number: u16, on: bool) {
        match number {
            1 => self.modes.application_cursor = on,
            5 if self.modes.inverted != on => {
                self.modes.inverted = on;
                self.grid.for_each(|cell| {
                    let (front, back) = (cell.foreground & 7, cell.background & 7);
                    cell.foreground = cell.foreground & BRIGHT | back;
                    cell.background = cell.background & BRIGHT | front;
                });
            }
            6 => {
                self.modes.origin = on;
                self.move_to_origin(0, 0);
            }
            7 => self.modes.wrap = on,
            25 => self.modes.cursor = on,
            _ => {}
        }
    }

    /// Answers what the terminal is: a VT102.
    pub(super) fn identify(&mut self) {
        self.answer(b"\x1b[?6c");
    }

    /// Answers how the terminal is, or where the cursor is.
    pub(super) fn report(&mut self, what: u16) {
        match what {
            5 => self.answer(b"\x1b[0n"),
            6 => {
                let first = if self.modes.origin { self.top } else { 0 };
                let (row, column) = (self.state.y + 1 + first, self.state.x + 1);
                let mut text = String::new();
                // A string takes what it is given.
                let _ = write!(text, "\x1b[{row};{column}R");
                self.answer(text.as_bytes());
            }
            _ => {}
        }
    }

    /// `CSI ? N c`: the cursor's height, in five steps; 1 hides it.
    pub(super) fn set_cursor_shape(&mut self, shape: u16) {
        let all = font::HEIGHT as usize;
        self.cursor_height = match shape & 0xf {
            1 => 0,
            3 => all / 3,
            4 => all / 2,
            5 => all * 2 / 3,
            6..=8 => all,
            _ => CURSOR_HEIGHT,
        };
    }

    /// `CSI N ; … ]`: Linux's own.
    pub(super) fn set_up(&mut self, what: u16, value: u16) {
        let colour = (value & 15) as Colour;
        match what {
            1 if value < 16 => self.substitutes = Substitutes { underline: colour, ..self.substitutes },
            2 if value < 16 => self.substitutes = Substitutes { half: colour, ..self.substitutes },
            8 => {
                let cell = self.state.style.cell(' ', &self.substitutes, self.modes.inverted);
                self.default_colours = (cell.foreground, cell.background);
            }
            _ => {}
        }
    }

    /// Changes one of the sixteen colours, on the whole screen.
    pub(super) fn set_colour(&mut self, number: u8, colour: [u8; 3]) {
        if let Some(place) = self.palette.get_mut(usize::from(number)) {
            *place = colour;
            self.palette_changed = true;
        }
    }

    pub(super) fn set_palette(&mut self, palette: [[u8; 3]; 16]) {
        self.palette = palette;
        self.palette_changed = true;
    }
}
