//! A terminal without a person: a program runs in a pseudo-terminal, keys are typed into it, and what it draws is read
//! off an emulated screen.
//!
//! Nothing here sleeps: [`Terminal::wait`] returns as soon as the screen shows what is waited for. It works without a
//! terminal of its own, as in CI.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use pty_process::blocking::{Command, Pty};
use rustix::termios::Termios;
use vt100::{Callbacks, Parser, Screen};

/// How many rows and columns a window has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Rows.
    pub rows: NonZeroU16,
    /// Columns.
    pub columns: NonZeroU16,
}

/// A program in a pseudo-terminal, and the screen it draws on.
pub struct Terminal {
    pty: Pty,
    child: Child,
    parser: Parser<Answers>,
    incoming: Receiver<Vec<u8>>,
    transcript: Vec<u8>,
    patience: Duration,
    before: Termios,
}

impl Terminal {
    /// Starts `command` in a new session whose controlling terminal is a new pseudo-terminal.
    ///
    /// `patience` is how long [`wait`](Self::wait) waits.
    pub fn start(command: std::process::Command, size: Size, patience: Duration) -> Result<Self> {
        let (pty, pts) = pty_process::blocking::open().context("cannot open a pseudo-terminal")?;
        pty.resize(pty_process::Size::new(size.rows.get(), size.columns.get()))
            .context("cannot set the window's size")?;
        let before = rustix::termios::tcgetattr(&pts).context("cannot read the terminal's settings")?;
        let output = duplicate(&pty)?;
        let shown = crate::exec::show(&command);
        let child = Command::from(command).spawn(pts).with_context(|| format!("cannot start `{shown}`"))?;
        Ok(Self {
            pty,
            child,
            parser: Parser::new_with_callbacks(size.rows, size.columns, 0, Answers::default()),
            incoming: read_in_background(output),
            transcript: Vec::new(),
            patience,
            before,
        })
    }

    /// Changes how long [`wait`](Self::wait) waits; gives how long it was.
    pub fn set_patience(&mut self, patience: Duration) -> Duration {
        std::mem::replace(&mut self.patience, patience)
    }

    /// Types `keys`, which may hold control characters and escape sequences.
    pub fn type_keys(&mut self, keys: &str) -> Result<()> {
        self.pty.write_all(keys.as_bytes()).context("cannot type into the pseudo-terminal")
    }

    /// Changes the window's size; the program gets SIGWINCH.
    pub fn resize(&mut self, size: Size) -> Result<()> {
        self.parser.set_size(size.rows, size.columns);
        self.pty
            .resize(pty_process::Size::new(size.rows.get(), size.columns.get()))
            .context("cannot set the window's size")
    }

    /// Waits until `seen` says that the screen shows `what`.
    ///
    /// # Errors
    /// Patience ran out, or the program ended; the message holds the screen as it is.
    pub fn wait(&mut self, what: &str, seen: impl Fn(&Screen) -> bool) -> Result<()> {
        self.wait_for(what, |terminal| seen(terminal.screen()))
    }

    /// Waits until the program has written `text` at least `times` since `mark`, a position given by
    /// [`mark`](Self::mark).
    pub fn wait_written(&mut self, mark: usize, text: &str, times: usize) -> Result<()> {
        let what = format!("{times} times `{text}`");
        self.wait_for(&what, |terminal| {
            let written = terminal.transcript.get(mark..).unwrap_or_default();
            written.windows(text.len()).filter(|window| *window == text.as_bytes()).count() >= times
        })
    }

    /// The position in what the program has written so far.
    pub fn mark(&self) -> usize {
        self.transcript.len()
    }

    /// The screen as it is.
    pub fn screen(&self) -> &Screen {
        self.parser.screen()
    }

    /// Waits until the program has ended and nobody holds the terminal any more.
    pub fn wait_end(&mut self) -> Result<ExitStatus> {
        let deadline = Instant::now() + self.patience;
        loop {
            match self.receive(deadline) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    bail!("the program, or one that it started, still holds the terminal")
                }
            }
        }
        self.child.wait().context("cannot wait for the program")
    }

    /// Checks that the terminal's settings are what they were before the program started.
    pub fn check_restored(&self) -> Result<()> {
        let now = rustix::termios::tcgetattr(&self.pty).context("cannot read the terminal's settings")?;
        let (now, before) = (format!("{now:?}"), format!("{:?}", self.before));
        if now != before {
            bail!("the terminal's settings are\n{now}\nand were\n{before}");
        }
        Ok(())
    }

    fn wait_for(&mut self, what: &str, seen: impl Fn(&Self) -> bool) -> Result<()> {
        let deadline = Instant::now() + self.patience;
        while !seen(self) {
            match self.receive(deadline) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => {
                    bail!("waited {} s for {what}; the screen:\n{}", self.patience.as_secs(), self.picture())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("the program ended while waiting for {what}; the screen:\n{}", self.picture())
                }
            }
        }
        Ok(())
    }

    /// Takes in what the program wrote next, and answers what it asked the terminal.
    fn receive(&mut self, deadline: Instant) -> Result<(), RecvTimeoutError> {
        let bytes = self.incoming.recv_timeout(deadline.saturating_duration_since(Instant::now()))?;
        self.transcript.extend_from_slice(&bytes);
        self.parser.process(&bytes);
        let answer = std::mem::take(&mut self.parser.callbacks_mut().answer);
        if !answer.is_empty() {
            // A program that has gone no longer wants the answer.
            let _ = self.pty.write_all(&answer);
        }
        Ok(())
    }

    /// The screen in a frame, with the cursor's place.
    fn picture(&self) -> String {
        let screen = self.screen();
        let (row, column) = screen.cursor_position();
        let lines: Vec<String> = rows(screen).map(|line| format!("    | {}", line.trim_end())).collect();
        format!(
            "{}\n    (cursor: row {row}, column {column})",
            lines.join("\n").trim_end_matches(['\n', ' ', '|'])
        )
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Both fail only for a program that has ended and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The rows of the screen, without what is blank at their ends.
pub fn rows(screen: &Screen) -> impl Iterator<Item = String> + '_ {
    let (_, columns) = screen.size();
    screen.rows(0, columns.get()).map(|row| row.trim_end().to_owned())
}

fn duplicate(pty: &Pty) -> Result<File> {
    let fd: OwnedFd = pty.as_fd().try_clone_to_owned().context("cannot duplicate a descriptor")?;
    Ok(File::from(fd))
}

/// Hands on what comes from the pseudo-terminal, until nobody holds its other end (Linux then says EIO).
fn read_in_background(mut output: File) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = output.read(&mut buffer) {
            let bytes = buffer.get(..count).unwrap_or_default().to_vec();
            if sender.send(bytes).is_err() {
                break;
            }
        }
    });
    receiver
}

/// What a terminal answers: where the cursor is (ECMA-48, device status report 6).
#[derive(Default)]
struct Answers {
    answer: Vec<u8>,
}

impl Callbacks for Answers {
    fn unhandled_csi(
        &mut self,
        screen: &mut Screen,
        first: Option<u8>,
        _: Option<u8>,
        parameters: &[&[u16]],
        end: char,
    ) {
        if first.is_none() && end == 'n' && parameters == [[6]] {
            let (row, column) = screen.cursor_position();
            self.answer.extend(format!("\x1b[{};{}R", row + 1, column + 1).bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Size, Terminal, rows};
    use std::num::NonZeroU16;
    use std::process::Command;
    use std::time::Duration;

    fn start(script: &str, patience: Duration) -> Terminal {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let size = Size { rows: NonZeroU16::new(5).unwrap(), columns: NonZeroU16::new(40).unwrap() };
        Terminal::start(command, size, patience).unwrap()
    }

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn what_is_typed_arrives_and_what_is_drawn_is_seen() {
        let mut terminal = start("stty size; read x; printf '\\033[3;2Hgot %s' $x", LONG);
        terminal.wait("the size", |screen| rows(screen).any(|row| row == "5 40")).unwrap();
        terminal.type_keys("word\r").unwrap();
        terminal.wait("the answer", |screen| rows(screen).nth(2).unwrap() == " got word").unwrap();
        assert!(terminal.wait_end().unwrap().success());
        terminal.check_restored().unwrap();
    }

    #[test]
    fn what_does_not_come_is_an_error_that_shows_the_screen() {
        let mut terminal = start("echo other; read x", Duration::from_millis(500));
        let error = terminal.wait("this", |screen| rows(screen).any(|row| row == "this")).unwrap_err();
        assert!(error.to_string().contains("    | other"), "{error}");
    }

    #[test]
    fn a_program_that_ends_too_early_is_an_error_at_once() {
        let mut terminal = start("true", LONG);
        let error = terminal.wait("more", |_| false).unwrap_err();
        assert!(error.to_string().contains("ended"), "{error}");
    }

    #[test]
    fn changed_settings_are_noticed() {
        let mut terminal = start("stty raw", LONG);
        terminal.wait_end().unwrap();
        assert!(terminal.check_restored().is_err());
    }

    #[test]
    fn the_cursors_place_is_told() {
        let ask =
            "stty -icanon -echo; printf 'abc\\033[6n'; head -c 6 | tail -c 5 | tr -d '\\033'; stty sane";
        let mut terminal = start(ask, LONG);
        terminal.wait("the answer", |screen| rows(screen).any(|row| row == "abc[1;4R")).unwrap();
    }
}
