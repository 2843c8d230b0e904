//! The interactive console: this terminal becomes the guest's.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use anyhow::{Context, Result};
use rustix::event::PollFlags;
use rustix::termios::{self, Winsize};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

use super::frame::{Decoder, FromGuest, ToGuest};
use super::keys::{HELP, Keys, Wish};
use super::log::Log;
use super::outlet::{Outlet, Sink};
use super::poll::{self, Attempt};
use super::qemu::Qemu;

/// How a session at the console ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// The guest powered off or restarted in good order.
    PoweredOff,
    /// Somebody typed Ctrl-A X, or the terminal is gone.
    Left,
    /// The time was up.
    TimedOut,
    /// A signal to xtask.
    Signal(i32),
    /// The machine ended without the guest's shutting down.
    Died,
}

/// No more than this is on its way from the keyboard; then the terminal holds the rest.
const TYPED_AHEAD: usize = 4096;

/// The size of the terminal on standard input: lines and characters in a line, both 0 when it has none.
pub fn size() -> (u16, u16) {
    match termios::tcgetwinsize(io::stdin()) {
        Ok(Winsize { ws_row, ws_col, .. }) => (ws_row, ws_col),
        Err(_) => (0, 0),
    }
}

/// Connects this terminal, which is raw, with the guest's console until either is done with the other.
///
/// # Errors
/// QEMU fails, or the terminal cannot be read or written.
pub fn attend(qemu: &mut Qemu, deadline: Option<Instant>, log: &mut Log) -> Result<Close> {
    let (wake, signal) = UnixStream::pair().context("cannot create a socket pair")?;
    let signals = [SIGHUP, SIGINT, SIGTERM, SIGWINCH];
    let mut signals =
        SignalDelivery::with_pipe(wake, signal, SignalOnly, signals).context("cannot handle signals")?;
    let stdout = io::stdout();
    let mut session = Session {
        outlet: Outlet::new(Sink::Descriptor(stdout.as_fd())),
        keys: Keys::default(),
        to_console: Vec::new(),
        to_agent: Vec::new(),
        decoder: Decoder::default(),
        greeted: false,
        closing: false,
        agent_gone: false,
        console_gone: false,
    };
    loop {
        for source in poll::wait(&session.interests(qemu, signals.get_read()), deadline)? {
            let close = match source {
                Source::Keyboard => session.read_keyboard()?,
                Source::Console => session.exchange(qemu, log)?,
                Source::Agent => session.listen(qemu)?,
                Source::Screen => (!session.outlet.write()?).then_some(Close::Left),
                Source::Signal => {
                    let mut ending = None;
                    for signal in signals.pending() {
                        if signal == SIGWINCH {
                            session.tell_size();
                        } else {
                            ending = Some(Close::Signal(signal));
                        }
                    }
                    ending
                }
            };
            if let Some(close) = close {
                qemu.kill();
                return Ok(close);
            }
        }
        if session.console_gone && session.outlet.is_empty() {
            break;
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            qemu.kill();
            return Ok(Close::TimedOut);
        }
    }
    let orderly = qemu.join()?.success() && (session.closing || qemu.was_powered_off());
    Ok(if orderly { Close::PoweredOff } else { Close::Died })
}

/// What can become ready.
#[derive(Clone, Copy)]
enum Source {
    Keyboard,
    Screen,
    Console,
    Agent,
    Signal,
}

struct Session<'a> {
    outlet: Outlet<'a>,
    keys: Keys,
    to_console: Vec<u8>,
    to_agent: Vec<u8>,
    decoder: Decoder,
    /// The agent runs, and reads what it is sent.
    greeted: bool,
    /// The guest shuts down in good order.
    closing: bool,
    agent_gone: bool,
    console_gone: bool,
}

impl Session<'_> {
    fn interests<'b>(
        &'b self,
        qemu: &'b Qemu,
        signals: &'b UnixStream,
    ) -> Vec<(Source, BorrowedFd<'b>, PollFlags)> {
        let mut interests = vec![(Source::Signal, signals.as_fd(), poll::IN)];
        let mut want = |source, fd, input: bool, output: bool| {
            let mut flags = PollFlags::empty();
            flags.set(poll::IN, input);
            flags.set(poll::OUT, output);
            if !flags.is_empty() {
                interests.push((source, fd, flags));
            }
        };
        want(Source::Keyboard, rustix::stdio::stdin(), self.to_console.len() < TYPED_AHEAD, false);
        if !self.console_gone {
            want(Source::Console, qemu.console.as_fd(), !self.outlet.is_full(), !self.to_console.is_empty());
        }
        if !self.agent_gone {
            want(Source::Agent, qemu.agent.as_fd(), true, !self.to_agent.is_empty());
        }
        if let Some(fd) = self.outlet.waits_for() {
            want(Source::Screen, fd, false, true);
        }
        interests
    }

    fn read_keyboard(&mut self) -> Result<Option<Close>> {
        let mut piece = [0; 1024];
        let result = rustix::io::read(rustix::stdio::stdin(), &mut piece).map_err(io::Error::from);
        match poll::attempt(result) {
            Ok(Attempt::Later) => {}
            // A terminal that was hung up is at its end, or gives EIO.
            Ok(Attempt::Gone) | Err(_) => return Ok(Some(Close::Left)),
            Ok(Attempt::Moved(count)) => {
                for key in piece.iter().take(count) {
                    match self.keys.take(*key, &mut self.to_console) {
                        Some(Wish::Leave) => return Ok(Some(Close::Left)),
                        Some(Wish::Help) => self.outlet.put(HELP.as_bytes()),
                        None => {}
                    }
                }
            }
        }
        Ok(None)
    }

    fn exchange(&mut self, qemu: &Qemu, log: &mut Log) -> Result<Option<Close>> {
        match log.read(&qemu.console)? {
            None => self.console_gone = true,
            Some(piece) => self.outlet.put(piece),
        }
        self.console_gone |= !send(&mut self.to_console, &qemu.console)?;
        Ok(None)
    }

    fn listen(&mut self, qemu: &Qemu) -> Result<Option<Close>> {
        let mut piece = [0; 1024];
        match poll::attempt((&qemu.agent).read(&mut piece)).context("cannot read from the agent")? {
            Attempt::Gone => self.agent_gone = true,
            Attempt::Later => {}
            Attempt::Moved(count) => {
                self.decoder.push(piece.get(..count).unwrap_or_default());
                // Somebody in the guest may write to the agent's line. The shell goes on without the agent.
                self.agent_gone = self.obey().is_err();
            }
        }
        self.agent_gone |= !send(&mut self.to_agent, &qemu.agent)?;
        Ok(None)
    }

    fn obey(&mut self) -> Result<()> {
        while let Some(frame) = self.decoder.next()? {
            match frame {
                FromGuest::Hello => {
                    self.greeted = true;
                    // The terminal may have changed since the machine was started.
                    self.tell_size();
                }
                FromGuest::Closing => self.closing = true,
                _ => {}
            }
        }
        Ok(())
    }

    fn tell_size(&mut self) {
        let (rows, columns) = size();
        if self.greeted && rows > 0 && columns > 0 {
            ToGuest::WindowSize { rows, columns }.encode(&mut self.to_agent);
        }
    }
}

/// Sends what the socket takes now; gives `false` when the other end is gone.
fn send(bytes: &mut Vec<u8>, mut socket: &UnixStream) -> Result<bool> {
    if bytes.is_empty() {
        return Ok(true);
    }
    match poll::attempt(socket.write(bytes)).context("cannot write to the guest")? {
        Attempt::Gone => return Ok(false),
        Attempt::Later => {}
        Attempt::Moved(count) => drop(bytes.drain(..count)),
    }
    Ok(true)
}
