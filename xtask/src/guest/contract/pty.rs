//! xtask at a pseudo-terminal, as if a person sat there.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};

use super::{PATIENCE, Subject};
use crate::guest::poll;

/// A terminal of this size is nobody's default.
pub const ROWS: u16 = 33;
/// See [`ROWS`].
pub const COLUMNS: u16 = 111;

/// A person at a terminal where `cargo xtask run` was typed.
pub struct Person {
    keyboard: File,
    terminal: OwnedFd,
    child: Child,
    before: String,
    seen: Vec<u8>,
}

impl Person {
    /// Types `run` with these words.
    pub fn new(subject: &Subject<'_>, words: &[&str]) -> Result<Self> {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&keyboard)?;
        unlockpt(&keyboard)?;
        let name = ptsname(&keyboard, Vec::new())?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let terminal = rustix::fs::open(&*name, flags, Mode::empty())?;
        let before = format!("{:?}", tcgetattr(&terminal)?);
        // What is waited for has its time; all of it together takes as long as it takes.
        let mut command = subject.xtask(["--timeout", "3600"].iter().chain(words));
        for set in
            [std::process::Command::stdin, std::process::Command::stdout, std::process::Command::stderr]
        {
            set(&mut command, Stdio::from(terminal.try_clone()?));
        }
        let keyboard = File::from(keyboard);
        resize(&terminal, ROWS, COLUMNS)?;
        let child = command.spawn().context("cannot start xtask")?;
        Ok(Self { keyboard, terminal, child, before, seen: Vec::new() })
    }

    /// Types a text.
    pub fn types(&mut self, text: &str) -> Result<()> {
        self.keyboard.write_all(text.as_bytes()).context("cannot type")
    }

    /// Waits until a text appears, after what was waited for before.
    pub fn sees(&mut self, text: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = find(&self.seen, text.as_bytes()) {
                self.seen.drain(..at + text.len());
                return Ok(());
            }
            let mut piece = [0; 4096];
            let ready = poll::wait(&[((), self.keyboard.as_fd(), poll::IN)], Some(deadline))?;
            let count = if ready.is_empty() { 0 } else { self.keyboard.read(&mut piece).unwrap_or(0) };
            if count == 0 {
                bail!(
                    "{text:?} does not appear; after what did there is {:?}",
                    String::from_utf8_lossy(&self.seen)
                );
            }
            self.seen.extend_from_slice(piece.get(..count).unwrap_or_default());
        }
    }

    /// Changes the size of the window.
    pub fn resizes(&mut self, rows: u16, columns: u16) -> Result<()> {
        resize(&self.terminal, rows, columns)?;
        // The terminal is not xtask's controlling terminal here, so nobody else tells it.
        self.sends(Signal::WINCH)
    }

    /// Sends xtask a signal.
    pub fn sends(&mut self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(self.child.id().try_into()?).context("no process")?;
        rustix::process::kill_process(pid, signal).context("cannot send a signal")
    }

    /// Waits until xtask has made the terminal raw.
    pub fn waits_for_raw(&mut self) -> Result<()> {
        self.waits_until("the terminal becomes raw", |person| Ok(!person.is_restored()?))
    }

    /// Waits for the end of xtask, and until the terminal is as it was. Gives the status and what was left to see.
    pub fn leaves(mut self) -> Result<(ExitStatus, String)> {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            ensure!(Instant::now() < deadline, "xtask does not end");
            // Somebody must read, or xtask waits.
            self.reads_for(Duration::from_millis(50))?;
        };
        self.waits_until("the terminal is as it was", Self::is_restored)?;
        self.reads_for(Duration::ZERO)?;
        Ok((status, String::from_utf8_lossy(&self.seen).into_owned()))
    }

    fn is_restored(&self) -> Result<bool> {
        Ok(format!("{:?}", tcgetattr(&self.terminal)?) == self.before)
    }

    fn waits_until(&mut self, what: &str, come: impl Fn(&Self) -> Result<bool>) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !come(self)? {
            ensure!(Instant::now() < deadline, "it does not come about that {what}");
            self.reads_for(Duration::from_millis(20))?;
        }
        Ok(())
    }

    fn reads_for(&mut self, time: Duration) -> Result<()> {
        let deadline = Instant::now() + time;
        let mut piece = [0; 4096];
        while !poll::wait(&[((), self.keyboard.as_fd(), poll::IN)], Some(deadline))?.is_empty() {
            let count = self.keyboard.read(&mut piece).unwrap_or(0);
            if count == 0 {
                break;
            }
            self.seen.extend_from_slice(piece.get(..count).unwrap_or_default());
        }
        Ok(())
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        // A check that failed leaves it running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn resize(terminal: &OwnedFd, rows: u16, columns: u16) -> Result<()> {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).context("cannot set the terminal's size")
}

fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text)
}
