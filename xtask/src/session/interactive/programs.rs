//! Programs that take over the whole screen.

use anyhow::Result;

use super::console::Console;
use crate::session::terminal::rows;

pub const CHECKS: super::Table = &[
    ("vi writes a file that can be read back", vi_writes),
    ("vi edits a file", vi_edits),
    ("top shows the machine, refreshes, and q leaves it", top),
    ("less pages forth and back, searches, and q leaves it", less),
    ("more pages, and q leaves it", more),
];

/// Waits until this row (counted from 0) is `text`.
fn row_is(console: &mut Console, number: usize, text: &str) -> Result<()> {
    let what = format!("`{text}` in row {number}");
    console.terminal().wait(&what, |screen| rows(screen).nth(number).is_some_and(|row| row == text))
}

/// Waits until the row with the cursor is `text`.
fn cursor_on(console: &mut Console, text: &str) -> Result<()> {
    console.terminal().wait(&format!("the cursor in a row `{text}`"), |screen| {
        let (row, _) = screen.cursor_position();
        rows(screen).nth(row.into()).is_some_and(|row| row == text)
    })
}

/// Types Escape in vi, and nothing more before vi has taken it: a key that begins with Escape is known from it by the
/// silence after.
fn leave_insertion(console: &mut Console) -> Result<()> {
    console.row_where("vi's sign for insertion", |row| row.starts_with("I /tmp/v"))?;
    console.keys("\x1b")?;
    console.row_where("vi's sign for commands", |row| row.starts_with("- /tmp/v"))
}

fn vi_writes(console: &mut Console) -> Result<()> {
    console.keys("rm -f /tmp/v; vi /tmp/v\r")?;
    row_is(console, 1, "~")?;
    row_is(console, 28, "~")?;
    console.keys("ihello\rworld")?;
    row_is(console, 0, "hello")?;
    row_is(console, 1, "world")?;
    leave_insertion(console)?;
    console.keys(":wq\r")?;
    console.at_prompt()?;
    console.ask("cat /tmp/v", &["hello", "world"])
}

fn vi_edits(console: &mut Console) -> Result<()> {
    console.ask("seq 50 > /tmp/v", &[])?;
    console.clear()?;
    console.keys("vi /tmp/v\r")?;
    row_is(console, 0, "1")?;
    row_is(console, 28, "29")?;
    console.keys("ddyypAx")?;
    row_is(console, 0, "2")?;
    row_is(console, 1, "2x")?;
    leave_insertion(console)?;
    console.keys("G")?;
    cursor_on(console, "50")?;
    console.keys("i4")?;
    cursor_on(console, "450")?;
    leave_insertion(console)?;
    console.keys("\x1b[A\x1b[Ax")?;
    cursor_on(console, "8")?;
    console.keys("1G/40\r")?;
    cursor_on(console, "40")?;
    console.keys("ddu:x\r")?;
    console.at_prompt()?;
    console.ask("head -n 2 /tmp/v; wc -l < /tmp/v; grep -c 40 /tmp/v", &["2", "2x", "50", "1"])
}

fn top(console: &mut Console) -> Result<()> {
    let mark = console.terminal().mark();
    console.keys("top -d 1\r")?;
    console.row_where("the memory", |row| row.starts_with("Mem: ") && row.contains("K free"))?;
    console.row_where("the load", |row| row.starts_with("Load average: "))?;
    console.row_where("the head of the table", |row| row.contains("PID") && row.contains("COMMAND"))?;
    console.row_where("init", |row| row.trim_start().starts_with("1 ") && row.contains("init"))?;
    console.row_where("top itself", |row| row.ends_with("top -d 1"))?;
    console.terminal().wait_written(mark, "Load average: ", 3)?;
    console.keys("q")?;
    console.at_prompt()
}

fn less(console: &mut Console) -> Result<()> {
    console.keys("seq 200 | less\r")?;
    row_is(console, 0, "1")?;
    row_is(console, 28, "29")?;
    console.keys(" ")?;
    row_is(console, 0, "30")?;
    console.keys("b")?;
    row_is(console, 0, "1")?;
    console.keys("G")?;
    console.row("200")?;
    console.keys("g")?;
    row_is(console, 0, "1")?;
    // The pattern is read with the terminal's own line editing, which is on once the slash is shown.
    console.keys("/")?;
    row_is(console, 29, "/")?;
    console.keys("17\r")?;
    row_is(console, 0, "17")?;
    console.keys("n")?;
    row_is(console, 0, "117")?;
    console.keys("q")?;
    console.at_prompt()
}

fn more(console: &mut Console) -> Result<()> {
    console.keys("seq 200 > /tmp/m; more /tmp/m\r")?;
    console.row_where("the first page's end", |row| row.starts_with("--More--"))?;
    console.row("28")?;
    console.keys(" ")?;
    console.row("50")?;
    console.keys("q")?;
    console.at_prompt()
}
