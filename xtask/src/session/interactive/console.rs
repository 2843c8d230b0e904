//! A shell at the other end of a terminal: its prompt, what it answers to a line.

use std::time::Duration;

use anyhow::Result;
use vt100::Screen;

use crate::session::terminal::{Size, Terminal, rows};

/// The keys of a terminal that are more than one character.
pub mod keys {
    /// The arrow to the left.
    pub const LEFT: &str = "\x1b[D";
    /// The arrow up.
    pub const UP: &str = "\x1b[A";
    /// The arrow down.
    pub const DOWN: &str = "\x1b[B";
    /// The key that removes the character under the cursor.
    pub const DELETE: &str = "\x1b[3~";
    /// Ctrl-A for the guest: the first one is `run`'s own escape key.
    pub const CONTROL_A: &str = "\x01a";
}

/// Ten times what vi waits after Escape.
const SILENCE: Duration = Duration::from_millis(500);

/// A terminal with a shell in it.
pub struct Console {
    terminal: Terminal,
    prompt: String,
}

impl Console {
    /// Waits for the first prompt, `root@HOST:FOLDER#` as the guest's /etc/profile makes it.
    pub fn first_prompt(mut terminal: Terminal, patience: Duration) -> Result<Self> {
        let usual = terminal.set_patience(patience);
        terminal.wait("a prompt", |screen| {
            let row = cursor_row(screen);
            row.starts_with("root@") && row.ends_with('#')
        })?;
        terminal.set_patience(usual);
        let prompt = cursor_row(terminal.screen());
        Ok(Self { terminal, prompt })
    }

    /// The prompt's text, without the space at its end.
    pub fn prompt(&self) -> &str {
        &self.prompt
    }

    /// The terminal, for what is not about a prompt.
    pub fn terminal(&mut self) -> &mut Terminal {
        &mut self.terminal
    }

    /// The terminal for good.
    pub fn into_terminal(self) -> Terminal {
        self.terminal
    }

    /// Types keys.
    pub fn keys(&mut self, keys: &str) -> Result<()> {
        self.terminal.type_keys(keys)
    }

    /// Waits until some row of the screen is exactly `text`.
    pub fn row(&mut self, text: &str) -> Result<()> {
        self.terminal.wait(&format!("a row `{text}`"), |screen| rows(screen).any(|row| row == text))
    }

    /// Waits until some row of the screen fulfils the condition.
    pub fn row_where(&mut self, what: &str, condition: impl Fn(&str) -> bool) -> Result<()> {
        self.terminal.wait(what, |screen| rows(screen).any(|row| condition(&row)))
    }

    /// Waits for a prompt with nothing typed after it.
    pub fn at_prompt(&mut self) -> Result<()> {
        let prompt = self.prompt.clone();
        self.terminal.wait("the prompt", |screen| cursor_row(screen) == prompt)
    }

    /// Clears the screen, so that what it shows next comes from what is typed next.
    pub fn clear(&mut self) -> Result<()> {
        self.at_prompt()?;
        self.keys("\x0c")?;
        let prompt = self.prompt.clone();
        self.terminal.wait("a clear screen with a prompt", |screen| screen.contents().trim_end() == prompt)
    }

    /// Types `line` on a clear screen, and waits until exactly `answer` stands between it and the next prompt.
    ///
    /// `line` may hold keys for the line editor. What it becomes must fit into one row.
    pub fn ask(&mut self, line: &str, answer: &[&str]) -> Result<()> {
        self.clear()?;
        self.keys(line)?;
        self.keys("\r")?;
        self.answer(answer)
    }

    /// Waits until exactly `answer` stands between the screen's first row and the next prompt.
    pub fn answer(&mut self, answer: &[&str]) -> Result<()> {
        let prompt = self.prompt.clone();
        let mut expected = answer.to_vec();
        expected.push(&prompt);
        self.rows_to_cursor(&expected)
    }

    /// Waits until exactly `shown` stands between the screen's first row and the cursor, which is in an empty row.
    pub fn below(&mut self, shown: &[&str]) -> Result<()> {
        let mut expected = shown.to_vec();
        expected.push("");
        self.rows_to_cursor(&expected)
    }

    fn rows_to_cursor(&mut self, expected: &[&str]) -> Result<()> {
        self.terminal.wait(&format!("the rows {expected:?}"), |screen| {
            let (row, _) = screen.cursor_position();
            let shown: Vec<String> = rows(screen).skip(1).take(row.into()).collect();
            shown == expected
        })
    }

    /// Brings the shell back to its prompt from wherever a failed check left it.
    pub fn recover(&mut self, size: Size) -> Result<()> {
        self.terminal.resize(size)?;
        // Out of vi, then out of a pager, then out of anything else, then an empty line. vi takes Escape for the
        // beginning of a key unless silence follows, so this one wait is for nothing that shows.
        self.keys("\x1b")?;
        let patience = self.terminal.set_patience(SILENCE);
        // Never satisfied: it comes back when the time is up.
        let _ = self.terminal.wait("silence", |_| false);
        self.terminal.set_patience(patience);
        self.keys(":q!\rq\x03\x1c\x03\r")?;
        self.at_prompt()?;
        self.keys("\x15stty sane; for job in 1 2 3; do kill -9 %$job; done 2>/dev/null\r")?;
        self.clear()
    }
}

/// The row with the cursor, without what is blank at its end.
fn cursor_row(screen: &Screen) -> String {
    let (row, _) = screen.cursor_position();
    rows(screen).nth(usize::from(row)).unwrap_or_default()
}
