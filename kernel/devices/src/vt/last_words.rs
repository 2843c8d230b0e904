//! What a panic says, on the screen: white on red, below what was last there.
//!
//! The thread that draws may be stopped anywhere, and so may whoever holds a lock; so this neither locks nor allocates, keeps its
//! place in atomics, and draws over what is there. Behind the last row it goes on at the first; when the screen is full, the rest is
//! for the serial line, as how a report begins tells most.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use alloc::sync::Arc;
use hal::Once;

use super::cell::PALETTE;
use super::paint::Canvas;

static CANVAS: Once<Arc<Canvas>> = Once::new();
/// The row that is written to, and the column in it.
static ROW: AtomicUsize = AtomicUsize::new(0);
static COLUMN: AtomicUsize = AtomicUsize::new(0);
static BEGUN: AtomicBool = AtomicBool::new(false);
/// Rows that were begun.
static USED: AtomicUsize = AtomicUsize::new(0);

/// Makes the screen known.
pub(super) fn prepare(canvas: Arc<Canvas>) {
    // There is one screen.
    let _ = CANVAS.set(canvas);
    hal::panic::set_screen_hook(write);
}

/// Notes the row that the cursor is in.
pub(super) fn follow(row: usize) {
    if !BEGUN.load(Ordering::Relaxed) {
        ROW.store(row, Ordering::Relaxed);
    }
}

/// Shows a part of a report.
fn write(bytes: &[u8]) {
    if let Some(canvas) = CANVAS.get() {
        show(canvas, bytes);
    }
}

fn show(canvas: &Canvas, bytes: &[u8]) {
    let (columns, rows) = canvas.size();
    let pixels = [15, 1].map(|colour: usize| {
        canvas.screen.framebuffer().pixel(PALETTE.get(colour).copied().unwrap_or_default())
    });
    let begin_row = || {
        if USED.fetch_add(1, Ordering::Relaxed) >= rows {
            return;
        }
        let row = (ROW.load(Ordering::Relaxed) + 1) % rows.max(1);
        ROW.store(row, Ordering::Relaxed);
        COLUMN.store(0, Ordering::Relaxed);
        (0..columns).for_each(|x| canvas.draw(x, row, ' ', pixels, 0));
    };
    if !BEGUN.swap(true, Ordering::Relaxed) {
        begin_row();
    }
    for byte in bytes {
        if USED.load(Ordering::Relaxed) > rows {
            return;
        }
        if *byte == b'\n' {
            begin_row();
            continue;
        }
        if byte.is_ascii_control() {
            continue;
        }
        if COLUMN.load(Ordering::Relaxed) >= columns {
            begin_row();
        }
        let column = COLUMN.fetch_add(1, Ordering::Relaxed);
        canvas.draw(column, ROW.load(Ordering::Relaxed), char::from(*byte), pixels, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::{Canvas, follow, show};
    use crate::vt::font::Font;
    use hal::Screen;

    #[test]
    fn a_report_begins_below_the_cursor_and_goes_round() {
        let screen = Screen::map(hal::simulate::framebuffer(32, 64)).unwrap();
        let canvas = Canvas { screen, font: Font::new().unwrap() };
        follow(2);
        show(&canvas, b"abcde\nf");
        // Rows 3 and 0 hold the letters, row 1 the next line; all of them red, row 2 untouched.
        let row = |y: u32| (0..32).map(|x| canvas.screen.pixel(x, y * 16 + 15)).collect::<std::vec::Vec<_>>();
        for y in [3, 0, 1] {
            assert_eq!(row(y), [0xaa_0000; 32], "row {y}");
        }
        assert_eq!(row(2), [0; 32]);
        let is_blank = |x: u32, y: u32| {
            (0..128).all(|at| canvas.screen.pixel(x * 8 + at % 8, y * 16 + at / 8) == 0xaa_0000)
        };
        let written: std::vec::Vec<_> =
            [3, 0, 1].into_iter().map(|y| (0..4).filter(|x| !is_blank(*x, y)).count()).collect();
        assert_eq!(written, [4, 1, 1]);
        // One row is left; what comes behind it changes nothing.
        show(&canvas, b"\nghij\nkl\nmn");
        assert!(is_blank(1, 1) && !is_blank(3, 2) && !is_blank(0, 3));
    }
}
