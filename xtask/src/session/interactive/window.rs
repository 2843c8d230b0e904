//! The window's size.

use anyhow::Result;

use super::console::Console;
use crate::session::terminal::rows;

pub const CHECKS: super::Table = &[
    ("a program hears of the window's new size", signal),
    ("the shell's line editor follows the window's width", editor),
    ("vi draws itself anew in a window of another size", vi),
];

/// A program that waits for SIGWINCH and shows the size then. The trap runs as soon as `sleep` ends.
const WATCH: &str = "sh -c 'trap \"stty size; exit\" WINCH; echo ready; while :; do sleep 1; done'\r";

fn signal(console: &mut Console) -> Result<()> {
    console.keys(WATCH)?;
    console.row("ready")?;
    console.terminal().resize(super::size(40, 120))?;
    console.row("40 120")?;
    console.at_prompt()?;
    back(console)
}

/// Goes back to the usual size, and waits until the guest has it.
fn back(console: &mut Console) -> Result<()> {
    console.clear()?;
    console.keys(WATCH)?;
    console.row("ready")?;
    console.terminal().resize(super::SIZE)?;
    console.row("30 100")?;
    console.at_prompt()
}

fn editor(console: &mut Console) -> Result<()> {
    console.keys(WATCH)?;
    console.row("ready")?;
    console.terminal().resize(super::size(20, 40))?;
    console.row("20 40")?;
    console.at_prompt()?;
    console.clear()?;
    console.keys(&format!("cho {}{}e", "y".repeat(40), super::console::keys::CONTROL_A))?;
    console.terminal().wait("the line in two rows, the cursor in the first", |screen| {
        screen.cursor_position().0 == 0 && rows(screen).nth(1).is_some_and(|row| row.ends_with('y'))
    })?;
    console.keys("\r")?;
    console.row(&"y".repeat(40))?;
    console.at_prompt()?;
    back(console)
}

/// Waits until vi shows so many lines and its status line below.
fn filled(console: &mut Console, lines: usize) -> Result<()> {
    console.terminal().wait(&format!("line {lines} above the status line"), |screen| {
        let mut last = rows(screen).skip(lines - 1);
        last.next().is_some_and(|row| row == lines.to_string())
            && last.next().is_some_and(|row| row.contains("/tmp/w"))
    })
}

fn vi(console: &mut Console) -> Result<()> {
    console.ask("seq 50 > /tmp/w", &[])?;
    console.clear()?;
    console.keys("vi /tmp/w\r")?;
    filled(console, 29)?;
    console.terminal().resize(super::size(40, 120))?;
    filled(console, 39)?;
    console.terminal().resize(super::SIZE)?;
    filled(console, 29)?;
    console.keys(":q\r")?;
    console.at_prompt()
}
