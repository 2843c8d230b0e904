//! Editing the line that is being typed, and the lines typed before.

use anyhow::Result;

use super::console::{Console, keys};

pub const CHECKS: super::Table = &[
    ("arrows move, typing inserts in the middle", insert),
    ("backspace removes the character before", backspace),
    ("the delete key removes the character under the cursor", delete),
    ("Ctrl-A goes to the beginning", to_beginning),
    ("Ctrl-E goes to the end", to_end),
    ("Ctrl-K removes the rest", kill_rest),
    ("Ctrl-U removes what is before", kill_line),
    ("Ctrl-W removes the word before", kill_word),
    ("a line longer than the window wraps and can be edited", long_line),
    ("Ctrl-L clears the screen and keeps the line", clear_screen),
    ("up and down go through the history", history),
    ("Ctrl-R finds a line in the history", search),
];

fn insert(console: &mut Console) -> Result<()> {
    console.ask(&format!("echo ad{}bc", keys::LEFT), &["abcd"])
}

fn backspace(console: &mut Console) -> Result<()> {
    console.ask("echo wrong\x7f\x7f\x7fite", &["write"])
}

fn delete(console: &mut Console) -> Result<()> {
    console.ask(&format!("echo abxc{}{}{}", keys::LEFT, keys::LEFT, keys::DELETE), &["abc"])
}

fn to_beginning(console: &mut Console) -> Result<()> {
    console.ask(&format!("cho begin{}e", keys::CONTROL_A), &["begin"])
}

fn to_end(console: &mut Console) -> Result<()> {
    console.ask(&format!("echo en{}\x05d", keys::CONTROL_A), &["end"])
}

fn kill_rest(console: &mut Console) -> Result<()> {
    console.ask(&format!("echo kept lost{}\x0b", keys::LEFT.repeat(5)), &["kept"])
}

fn kill_line(console: &mut Console) -> Result<()> {
    console.ask("nosuchprogram with words\x15echo clean", &["clean"])
}

fn kill_word(console: &mut Console) -> Result<()> {
    console.ask("echo one two\x17three", &["one three"])
}

fn long_line(console: &mut Console) -> Result<()> {
    let long = "x".repeat(150);
    console.keys(&format!("cho {long} | wc -c{}e", keys::CONTROL_A))?;
    console.terminal().wait("a cursor in the first of two rows", |screen| screen.cursor_position().0 == 0)?;
    console.keys("\r")?;
    console.row("151")?;
    console.at_prompt()
}

fn clear_screen(console: &mut Console) -> Result<()> {
    console.ask("echo before", &["before"])?;
    console.keys("echo kept\x0c")?;
    let line = format!("{} echo kept", console.prompt());
    console.terminal().wait("the line alone", |screen| screen.contents().trim_end() == line)?;
    console.keys("\r")?;
    console.answer(&["kept"])
}

fn history(console: &mut Console) -> Result<()> {
    console.ask("echo first", &["first"])?;
    console.ask("echo second", &["second"])?;
    console.ask(&keys::UP.repeat(2), &["first"])?;
    // Now the history ends in: first, second, first.
    console.ask(&format!("{}{}", keys::UP.repeat(3), keys::DOWN), &["second"])
}

fn search(console: &mut Console) -> Result<()> {
    console.ask("echo needle in hay", &["needle in hay"])?;
    console.ask("echo more hay", &["more hay"])?;
    console.ask("\x12needl", &["needle in hay"])
}
