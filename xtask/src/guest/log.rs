//! What the guest writes on its console.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context, Result};

use super::poll::{self, Attempt};

/// How much is kept; what is older goes.
const KEPT: usize = 1024 * 1024;

/// How many lines an error quotes.
const QUOTED_LINES: usize = 50;

/// How many of those before a panic: the kernel has put the end of its own log there.
const QUOTED_BEFORE_PANIC: usize = 21;

/// The console's text, kept and, when asked for, written to a file as it comes.
#[derive(Default)]
pub struct Log {
    bytes: Vec<u8>,
    file: Option<File>,
    /// Lines on system calls go to standard error as well.
    shows_calls: bool,
    /// The line that is not whole yet, when they do.
    line: Vec<u8>,
}

impl Log {
    /// A log that is also written to `path`.
    pub fn to_file(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot create the log {}", path.display()))?;
        Ok(Self { file: Some(file), ..Self::default() })
    }

    /// A log whose lines on system calls also go to standard error, without what the kernel's log puts before them.
    pub fn with_calls_shown() -> Self {
        Self { shows_calls: true, ..Self::default() }
    }

    /// Takes what the console has now, and gives it; `None` at its end.
    pub fn read(&mut self, mut console: &UnixStream) -> Result<Option<&[u8]>> {
        let mut piece = [0; 4096];
        match poll::attempt(console.read(&mut piece)).context("cannot read the guest's console")? {
            Attempt::Gone => Ok(None),
            Attempt::Later => Ok(Some(&[])),
            Attempt::Moved(count) => {
                let piece = piece.get(..count).unwrap_or_default();
                if let Some(file) = &mut self.file {
                    file.write_all(piece).context("cannot write the log")?;
                }
                if self.shows_calls {
                    self.line.extend_from_slice(piece);
                    show_calls(&mut self.line);
                }
                if self.bytes.len() > 2 * KEPT {
                    self.bytes.drain(..self.bytes.len() - KEPT);
                }
                self.bytes.extend_from_slice(piece);
                Ok(self.bytes.get(self.bytes.len() - count..))
            }
        }
    }

    /// Takes all that the console has.
    pub fn drain(&mut self, console: &UnixStream) -> Result<()> {
        while self.read(console)?.is_some_and(|piece| !piece.is_empty()) {}
        Ok(())
    }

    /// The text, with whatever is not UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).replace('\r', "")
    }
}

/// Takes the whole lines away; those on system calls go to standard error.
fn show_calls(lines: &mut Vec<u8>) {
    while let Some(end) = lines.iter().position(|byte| *byte == b'\n') {
        let line: Vec<u8> = lines.drain(..=end).collect();
        if let Some(call) = call_of(&String::from_utf8_lossy(&line)) {
            eprintln!("{call}");
        }
    }
}

/// What a line of the kernel's log says of a system call.
fn call_of(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.split_once("] strace: ").map(|(_, call)| call.trim_end())
}

/// The last lines of a log; if they tell of a panic, all that is told of it.
pub fn end(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let panic = lines.iter().rposition(|line| line.starts_with("kernel panic: "));
    let first = lines.len().saturating_sub(QUOTED_LINES);
    let first = panic.map_or(first, |panic| first.min(panic.saturating_sub(QUOTED_BEFORE_PANIC)));
    lines.iter().skip(first).flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::{call_of, end};

    #[test]
    fn lines_on_system_calls_are_told_from_others() {
        assert_eq!(call_of("[    0.323858] strace: init[1] getpid() = 1\r\n"), Some("init[1] getpid() = 1"));
        assert_eq!(call_of("[    0.323858] serial: 2 ports\r\n"), None);
        assert_eq!(call_of("strace: a program's own line\n"), None);
    }

    #[test]
    fn the_end_of_a_log_is_its_last_lines() {
        let text: String = (0..100).map(|number| format!("{number}\n")).collect();
        assert!(end(&text).starts_with("50\n51\n"));
        assert!(end(&text).ends_with("98\n99\n"));
        assert_eq!(end("one"), "one\n");
        let panic = format!("{text}kernel panic: it broke\n{text}");
        assert!(end(&panic).starts_with("79\n80\n"), "the report of a panic is quoted whole");
        assert_eq!(end(""), "");
    }
}
