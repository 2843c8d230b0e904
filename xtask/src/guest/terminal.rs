//! The terminal, raw for as long as a guest has it, and as it was afterwards, however xtask ends.
//!
//! A small process of its own, the *guard*, switches the terminal and switches it back when its socket to xtask closes: when
//! xtask is done, and just as well when xtask is killed. It is xtask again, with a hidden command.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};

use anyhow::{Context, Result};
use rustix::termios::{self, OptionalActions};

use crate::exec;

/// The name of the hidden command that is the guard.
pub const NAME: &str = "guard-terminal";

/// What undoes what a program in the guest may have told the terminal: back from the alternate screen, cursor shown, lines
/// wrapped, plain text, ordinary keys, no reports of the mouse or around pasted text. A terminal that is in these states
/// already is not changed.
const RESET: &[u8] = b"\x1b[?47l\x1b[?25h\x1b[?7h\x1b[m\x1b[?1l\x1b>\x1b[?1000l\x1b[?2004l";

/// A raw terminal. Dropped, it is as it was.
pub struct Raw {
    guard: Child,
    socket: UnixStream,
}

impl Raw {
    /// Makes the terminal on standard input raw.
    pub fn enter() -> Result<Self> {
        let (mut socket, theirs) = UnixStream::pair().context("cannot create a socket pair")?;
        let copy = |fd: io::Result<OwnedFd>| fd.map(Stdio::from).context("cannot duplicate a descriptor");
        let mut command = exec::command("/proc/self/exe");
        command
            .arg(NAME)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(copy(io::stdin().as_fd().try_clone_to_owned())?)
            .stderr(copy(io::stdout().as_fd().try_clone_to_owned())?);
        let guard = command.spawn().context("cannot start the guard of the terminal")?;
        drop(command); // holds the guard's end of the socket
        let mut ready = [0];
        socket.read_exact(&mut ready).context("the terminal cannot be made raw")?;
        Ok(Self { guard, socket })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // Should one of these fail, the guard still sees the socket's end when this process ends.
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
        let _ = self.guard.wait();
    }
}

/// The guard: makes the terminal raw, says so, and waits for the end.
///
/// Its standard input is the socket, its standard output the terminal, its standard error where the guest's output goes.
pub fn guard() -> Result<()> {
    // In a session of its own it gets none of the terminal's signals, and may set a terminal that is not its own.
    rustix::process::setsid().context("cannot begin a session")?;
    let socket = io::stdin().as_fd().try_clone_to_owned().context("cannot duplicate a descriptor")?;
    let mut socket = File::from(socket);
    let terminal = io::stdout();

    let before = termios::tcgetattr(&terminal).context("cannot read the terminal's settings")?;
    let mut raw = before.clone();
    raw.make_raw();
    termios::tcsetattr(&terminal, OptionalActions::Now, &raw).context("cannot set the terminal")?;
    // Whatever comes of this and of the reading: the terminal is restored next.
    let _ = socket.write_all(b"r");
    let _ = socket.read(&mut [0]);
    if io::stderr().is_terminal() {
        let _ = io::stderr().write_all(RESET);
    }
    termios::tcsetattr(&terminal, OptionalActions::Now, &before).context("cannot restore the terminal")
}
