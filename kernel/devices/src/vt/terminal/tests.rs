//! What sequences make of the screen, as Linux 6.1 does it (there `/dev/vcsa1` tells).

use std::string::String;
use std::vec::Vec;

use super::Console;

fn console(bytes: &str) -> Console {
    let mut console = Console::new(10, 4);
    console.feed(bytes.as_bytes());
    console
}

/// The rows' text without trailing blanks.
fn text(console: &Console) -> Vec<String> {
    let grid = console.terminal.grid();
    let row = |y| grid.row(y).iter().map(|cell| cell.character).collect::<String>();
    (0..grid.rows()).map(|y| String::from(row(y).trim_end())).collect()
}

#[track_caller]
fn shows(bytes: &str, rows: [&str; 4]) {
    assert_eq!(text(&console(bytes)), rows, "{bytes:?}");
}

fn place(bytes: &str) -> (usize, usize) {
    let state = console(bytes).terminal.state;
    (state.x, state.y)
}

/// Foreground and background of the first cell after writing `x` in a style.
fn colours(sequence: &str) -> (u8, u8) {
    let console = console(&std::format!("{sequence}x"));
    let cell = console.terminal.grid().row(0)[0];
    (cell.foreground, cell.background)
}

fn answers(bytes: &str) -> Vec<u8> {
    let mut all = Vec::new();
    console(bytes).terminal.take_answers(|bytes| all.extend_from_slice(bytes));
    all
}

#[test]
fn text_wraps_behind_the_last_column_and_scrolls_at_the_end() {
    shows("0123456789", ["0123456789", "", "", ""]);
    assert_eq!(place("0123456789"), (9, 0));
    shows("0123456789a", ["0123456789", "a", "", ""]);
    // The wrap that is due is forgotten by what moves the cursor.
    shows("0123456789\ra", ["a123456789", "", "", ""]);
    shows("\x1b[?7l0123456789ab", ["012345678b", "", "", ""]);
    shows("1\r\n2\r\n3\r\n4\r\n5", ["2", "3", "4", "5"]);
    shows("a\nb\tc\x08d\x7fe", ["a", " b      de", "", ""]);
}

#[test]
fn the_cursor_moves_within_the_screen() {
    assert_eq!(place("\x1b[2;3H"), (2, 1));
    assert_eq!(place("\x1b[99;99H"), (9, 3));
    assert_eq!(place("\x1b[3;5H\x1b[A\x1b[2D"), (2, 1));
    assert_eq!(place("\x1b[0B\x1b[3C"), (3, 1));
    assert_eq!(place("\x1b[2;2H\x1b[E"), (0, 2));
    assert_eq!(place("\x1b[3;2H\x1b[2F"), (0, 0));
    assert_eq!(place("\x1b[5G\x1b[3d"), (4, 2));
    assert_eq!(place("\x1b[2;7H\x1b7\x1b[H\x1b8"), (6, 1));
    assert_eq!(place("\x1b[2;7H\x1b[s\x1b[H\x1b[u"), (6, 1));
    assert_eq!(place("\t"), (8, 0));
    assert_eq!(place("\x1b[3g\x1b[5G\x1bH\r\t"), (4, 0));
    assert_eq!(place("\x1b[5G\t\x1b[g\r\t"), (9, 0));
}

#[test]
fn parts_are_erased() {
    let full = "aaaaaaaaaa\r\nbbbbbbbbbb\r\ncccccccccc\x1b[2;4H";
    let with = |sequence: &str| text(&console(&std::format!("{full}{sequence}")));
    assert_eq!(with("\x1b[K"), ["aaaaaaaaaa", "bbb", "cccccccccc", ""]);
    assert_eq!(with("\x1b[1K"), ["aaaaaaaaaa", "    bbbbbb", "cccccccccc", ""]);
    assert_eq!(with("\x1b[2K"), ["aaaaaaaaaa", "", "cccccccccc", ""]);
    assert_eq!(with("\x1b[J"), ["aaaaaaaaaa", "bbb", "", ""]);
    assert_eq!(with("\x1b[1J"), ["", "    bbbbbb", "cccccccccc", ""]);
    assert_eq!(with("\x1b[2J"), ["", "", "", ""]);
    assert_eq!(with("\x1b[2X"), ["aaaaaaaaaa", "bbb  bbbbb", "cccccccccc", ""]);
}

#[test]
fn erased_places_take_the_background_and_nothing_else() {
    let console = console("\x1b[1;4;7;31;44mx\x1b[K");
    let cell = console.terminal.grid().row(0)[5];
    assert_eq!((cell.character, cell.foreground, cell.background), (' ', 1, 4));
}

#[test]
fn characters_and_lines_are_inserted_and_deleted() {
    shows("abcdef\x1b[3G\x1b[2@", ["ab  cdef", "", "", ""]);
    shows("abcdef\x1b[3G\x1b[2P", ["abef", "", "", ""]);
    shows("abcdef\x1b[3G\x1b[99P", ["ab", "", "", ""]);
    shows("abc\x1b[2G\x1b[4hXY\x1b[4lZ", ["aXYZc", "", "", ""]);
    shows("1\r\n2\r\n3\r\n4\x1b[2H\x1b[L", ["1", "", "2", "3"]);
    shows("1\r\n2\r\n3\r\n4\x1b[2H\x1b[2M", ["1", "4", "", ""]);
}

#[test]
fn only_the_region_scrolls() {
    let rows = "1\r\n2\r\n3\r\n4";
    let with = |sequence: &str| text(&console(&std::format!("{rows}\x1b[2;3r{sequence}")));
    assert_eq!(place("\x1b[3;3H\x1b[2;3r"), (0, 0));
    assert_eq!(with("\x1b[3H\n"), ["1", "3", "", "4"]);
    assert_eq!(with("\x1b[2H\x1bM"), ["1", "", "2", "4"]);
    assert_eq!(with("\x1b[4H\n"), ["1", "2", "3", "4"]);
    assert_eq!(with("\x1b[2H\x1b[L"), ["1", "", "2", "4"]);
    assert_eq!(with("\x1b[?6hx\x1b[9;1Hy"), ["1", "x", "y", "4"]);
    // One row is no region.
    assert_eq!(text(&console(&std::format!("{rows}\x1b[2;2r\n"))), ["2", "3", "4", ""]);
}

#[test]
fn colours_are_linuxs() {
    assert_eq!(colours(""), (7, 0));
    assert_eq!(colours("\x1b[31;42m"), (1, 2));
    assert_eq!(colours("\x1b[1;34m"), (12, 0));
    assert_eq!(colours("\x1b[2m"), (8, 0));
    assert_eq!(colours("\x1b[4m"), (6, 0));
    assert_eq!(colours("\x1b[3m"), (2, 0));
    assert_eq!(colours("\x1b[7m"), (0, 7));
    assert_eq!(colours("\x1b[1;7;31m"), (8, 1));
    assert_eq!(colours("\x1b[5m"), (7, 8));
    assert_eq!(colours("\x1b[31;1;44;0m"), (7, 0));
    assert_eq!(colours("\x1b[31;44;39;49m"), (7, 0));
    assert_eq!(colours("\x1b[1;31m\x1b[22m"), (1, 0));
    assert_eq!(colours("\x1b[92;103m"), (10, 3));
    assert_eq!(colours("\x1b[?5h"), (0, 7));
}

#[test]
fn many_colours_become_sixteen() {
    assert_eq!(colours("\x1b[38;5;196m"), (9, 0));
    assert_eq!(colours("\x1b[38;5;21;48;5;21m"), (12, 4));
    assert_eq!(colours("\x1b[38;5;9m"), (9, 0));
    assert_eq!(colours("\x1b[38;5;1m"), (1, 0));
    assert_eq!(colours("\x1b[38;5;232m"), (8, 0));
    assert_eq!(colours("\x1b[38;5;255;48;5;250m"), (15, 7));
    assert_eq!(colours("\x1b[38;2;255;255;0m"), (11, 0));
    assert_eq!(colours("\x1b[38;2;0;100;0;48;2;200;0;0m"), (2, 1));
    assert_eq!(colours("\x1b[38;5;256;44m"), (15, 4));
    assert_eq!(colours("\x1b[38;5;65535m\x1b[38;2m"), (15, 0));
    assert_eq!(colours("\x1b[1;38;5;1m"), (1, 0));
}

#[test]
fn questions_are_answered() {
    assert_eq!(answers("\x1b[c"), b"\x1b[?6c");
    assert_eq!(answers("\x1bZ"), b"\x1b[?6c");
    assert_eq!(answers("\x1b[5n\x1b[3;7H\x1b[6n"), b"\x1b[0n\x1b[3;7R");
    assert_eq!(answers("\x1b[1c\x1b[?6n"), b"");
    assert!(answers(&"\x1b[c".repeat(1000)).len() <= 256);
}

#[test]
fn text_is_utf8_and_wide_characters_take_two_places() {
    shows("Grüße ─┼█", ["Grüße ─┼█", "", "", ""]);
    shows("a漢b\u{200b}c\u{feff}", ["a漢 bc", "", "", ""]);
    let mut split = Console::new(10, 4);
    "é─".bytes().for_each(|byte| split.feed(&[byte]));
    assert_eq!(text(&split)[0], "é─");
    let cyrillic = "й жé x";
    for at in 0..=cyrillic.len() {
        let mut parts = Console::new(10, 4);
        let (first, second) = cyrillic.as_bytes().split_at(at);
        parts.feed(first);
        parts.feed(second);
        assert_eq!(text(&parts)[0], cyrillic, "{at}");
    }
    let mut broken = Console::new(10, 4);
    broken.feed(b"a\xffb\xc3(");
    assert_eq!(text(&broken)[0], "a\u{fffd}b\u{fffd}(");
}

#[test]
fn other_sets_are_for_bytes() {
    // In UTF-8 the sets of ISO 2022 mean nothing, as on Linux.
    shows("\x1b(0q\x1b(Bq", ["qq", "", "", ""]);
    shows("\x1b%@\x1b(0lqk\x1b(Bq\x0eq\x0f\x1b%Gé", ["┌─┐q─é", "", "", ""]);
    let mut console = Console::new(10, 4);
    console.feed(b"\x1b[11m\xda\xc4\x01\x1b[10ma\x1b[12mD\x1b[m\x1b[10mD");
    assert_eq!(text(&console)[0], "┌─☺a─D");
}

#[test]
fn a_reset_begins_anew() {
    shows("abc\x1b[2;3r\x1b[?7l\x1b[4h\x1b[31m\x1bcx", ["x", "", "", ""]);
    assert_eq!(colours("\x1b[31m\x1bc"), (7, 0));
    shows("\x1b#8\x1b[2;2H ", ["EEEEEEEEEE", "E EEEEEEEE", "EEEEEEEEEE", "EEEEEEEEEE"]);
}

#[test]
fn sequences_for_the_palette_have_no_end() {
    let mut console = console("\x1b]P1102030a\x1b]0;title\x07b\x1b]Rc");
    assert_eq!(text(&console)[0], "abc");
    assert!(console.terminal.take_palette_change());
    console.feed(b"\x1b]PF010203\x1b]P1a0b0c0");
    assert_eq!(console.terminal.palette()[15], [1, 2, 3]);
    assert_eq!(console.terminal.palette()[1], [0xa0, 0xb0, 0xc0]);
}

#[test]
fn what_linux_does_not_know_it_skips_in_its_own_way() {
    shows("a\x1bP1q\x1b\\b\x1b_x\x1b\\c\x1b^x\x1b\\d", ["abcd", "", "", ""]);
    shows("a\x1b[>5ub\x1b[5 qc\x1b[?1;25$pd", ["abcd", "", "", ""]);
    // The echo of a function key, and what is no string here.
    shows("ab\x1b[[Acd\x1bXe", ["abcde", "", "", ""]);
}

#[test]
fn the_log_is_plain_and_acts_on_nothing() {
    let mut console = console("\x1b[31mab");
    console.terminal.log("x\x1b[2Jy");
    console.feed(b"c");
    assert_eq!(text(&console), ["abx\u{fffd}[2Jy", "c", "", ""]);
    let colour = |x: usize, y| console.terminal.grid().row(y)[x].foreground;
    assert_eq!((colour(0, 0), colour(2, 0), colour(0, 1)), (1, 7, 1));
}

#[test]
fn anything_may_be_written() {
    let mut seed = 1u64;
    let mut console = Console::new(7, 3);
    for _ in 0..200_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let byte = (seed >> 33) as u8;
        // Mostly what sequences are made of.
        let bytes = b"\x1b[]?;0123456789HJKLMPX@ABCDmrhlcnsu78(0%@GP#";
        let index = usize::from(byte) % (bytes.len() * 2);
        console.feed(&[*bytes.get(index).unwrap_or(&byte)]);
    }
    let (x, y) = (console.terminal.state.x, console.terminal.state.y);
    assert!(x < 7 && y < 3);
}
