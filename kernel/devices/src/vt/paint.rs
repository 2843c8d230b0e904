//! Drawing: what the grid holds and the screen does not show yet.

use alloc::sync::Arc;
use alloc::vec::Vec;

use hal::Screen;

use super::cell::{Cell, PALETTE};
use super::font::{self, Font};
use super::terminal::Terminal;

/// A screen, and what to draw characters with.
pub(crate) struct Canvas {
    pub screen: Screen,
    pub font: Font,
}

impl Canvas {
    /// Columns and rows of characters.
    pub(crate) fn size(&self) -> (usize, usize) {
        let framebuffer = self.screen.framebuffer();
        ((framebuffer.width() / font::WIDTH) as usize, (framebuffer.height() / font::HEIGHT) as usize)
    }

    /// Draws a character in two pixels; of the last `reversed` rows with the two exchanged. May be called anywhere.
    pub(crate) fn draw(&self, x: usize, y: usize, character: char, pixels: [u32; 2], reversed: usize) {
        let [foreground, background] = pixels;
        let (left, top) = (x as u32 * font::WIDTH, y as u32 * font::HEIGHT);
        let plain = font::HEIGHT as usize - reversed.min(font::HEIGHT as usize);
        for (line, bits) in (0..).zip(self.font.glyph(character)) {
            let bits = if line < plain { *bits } else { !*bits };
            let row: [u32; font::WIDTH as usize] =
                core::array::from_fn(|at| if bits << at & 0x80 != 0 { foreground } else { background });
            self.screen.put(left, top + line as u32, &row);
        }
    }
}

/// Where the cursor is, and how many rows of pixels it has.
type Cursor = (usize, usize, usize);

/// Draws, and knows what it has drawn.
pub(crate) struct Painter {
    canvas: Arc<Canvas>,
    /// Cells as they were drawn; `None` where that is not known.
    shown: Vec<Vec<Option<Cell>>>,
    cursor: Option<Cursor>,
    /// The pixels of the colours.
    pixels: [u32; 16],
}

impl Painter {
    pub(crate) fn new(canvas: Arc<Canvas>) -> Painter {
        let (columns, rows) = canvas.size();
        let shown = (0..rows).map(|_| alloc::vec![None; columns]).collect();
        let pixels = pixels(&canvas, &PALETTE);
        Painter { canvas, shown, cursor: None, pixels }
    }

    /// Brings the screen up to date. Takes a few million instructions when all has changed: to be called with nothing held.
    pub(crate) fn paint(&mut self, terminal: &mut Terminal) {
        if terminal.take_palette_change() {
            self.pixels = pixels(&self.canvas, terminal.palette());
            self.shown.iter_mut().flatten().for_each(|cell| *cell = None);
            terminal.grid_mut().change_all();
        }
        let cursor = terminal.cursor();
        if cursor != self.cursor {
            for (x, y, _) in [self.cursor, cursor].into_iter().flatten() {
                if let Some(cell) = self.shown.get_mut(y).and_then(|row| row.get_mut(x)) {
                    *cell = None;
                }
                terminal.grid_mut().touch(y);
            }
            self.cursor = cursor;
        }
        let pixel = |colour: u8| self.pixels.get(usize::from(colour)).copied().unwrap_or_default();
        for (y, shown) in self.shown.iter_mut().enumerate() {
            if !terminal.grid_mut().take_change(y) {
                continue;
            }
            for (x, (shown, cell)) in shown.iter_mut().zip(terminal.grid().row(y)).enumerate() {
                if *shown != Some(*cell) {
                    *shown = Some(*cell);
                    let reversed =
                        cursor.filter(|at| (at.0, at.1) == (x, y)).map_or(0, |(_, _, height)| height);
                    let pixels = [pixel(cell.foreground), pixel(cell.background)];
                    self.canvas.draw(x, y, cell.character, pixels, reversed);
                }
            }
        }
    }
}

fn pixels(canvas: &Canvas, palette: &[[u8; 3]; 16]) -> [u32; 16] {
    palette.map(|colour| canvas.screen.framebuffer().pixel(colour))
}

#[cfg(test)]
mod tests {
    use super::{Canvas, Painter};
    use crate::vt::font::Font;
    use crate::vt::terminal::Console;
    use alloc::sync::Arc;
    use hal::Screen;

    fn canvas() -> Arc<Canvas> {
        let screen = Screen::map(hal::simulate::framebuffer(83, 50)).unwrap();
        Arc::new(Canvas { screen, font: Font::new().unwrap() })
    }

    /// The pixels of a cell.
    fn cell(canvas: &Canvas, x: u32, y: u32) -> std::vec::Vec<u32> {
        let pixels = (0..16).flat_map(|line| (0..8).map(move |column| (column, line)));
        pixels.map(|(column, line)| canvas.screen.pixel(x * 8 + column, y * 16 + line)).collect()
    }

    #[test]
    fn characters_appear_in_their_colours_and_only_changed_ones_are_drawn() {
        let canvas = canvas();
        assert_eq!(canvas.size(), (10, 3));
        let mut painter = Painter::new(canvas.clone());
        let mut console = Console::new(10, 3);
        console.feed(b"\x1b[?25l\x1b[1;31;44m\xe2\x96\x88\x1b[0m ");
        painter.paint(&mut console.terminal);
        assert_eq!(cell(&canvas, 0, 0), [0xff_5555; 128]);
        assert_eq!(cell(&canvas, 1, 0), [0; 128]);
        // What somebody else draws over stays until the cell changes.
        canvas.screen.put(0, 0, &[7]);
        console.feed(b"\x1b[1;2Hx");
        painter.paint(&mut console.terminal);
        assert_eq!(canvas.screen.pixel(0, 0), 7);
        assert!(cell(&canvas, 1, 0).contains(&0xaa_aaaa));
        console.feed(b"\x1b]P0102030");
        painter.paint(&mut console.terminal);
        assert_eq!(canvas.screen.pixel(0, 0), 0xff_5555);
        assert!(cell(&canvas, 1, 0).contains(&0x10_2030));
    }

    #[test]
    fn the_cursor_is_a_line_that_moves() {
        let canvas = canvas();
        let mut painter = Painter::new(canvas.clone());
        let mut console = Console::new(10, 3);
        painter.paint(&mut console.terminal);
        let lines = |x| cell(&canvas, x, 0).chunks(8).filter(|line| line[0] != 0).count();
        assert_eq!((lines(0), lines(1)), (2, 0));
        console.feed(b"\x1b[1;2H");
        painter.paint(&mut console.terminal);
        assert_eq!((lines(0), lines(1)), (0, 2));
        console.feed(b"\x1b[?25l");
        painter.paint(&mut console.terminal);
        assert_eq!(lines(1), 0);
    }
}
