//! One command in a guest: its streams are carried, its end is awaited.

use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use signal_hook::consts::SIGTERM;

use super::End;
use super::frame::{Decoder, FromGuest, Stream, ToGuest};
use super::log::Log;
use super::outlet::{Outlet, Sink};
use super::poll::{self, Attempt};
use super::qemu::Qemu;

/// Where standard input comes from.
pub enum Input<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// What can be read here.
    Descriptor(BorrowedFd<'a>),
}

/// The three standard streams of the command.
pub struct Streams<'a> {
    /// Standard input.
    pub input: Input<'a>,
    /// Standard output.
    pub output: Sink<'a>,
    /// Standard error.
    pub error: Sink<'a>,
}

/// How long the command may take.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// In all, from the start of the machine.
    pub all: Option<Duration>,
    /// Without writing anything.
    pub silence: Option<Duration>,
}

/// In all.
impl From<Option<Duration>> for Limits {
    fn from(all: Option<Duration>) -> Self {
        Self { all, silence: None }
    }
}

/// How long a guest may take to power off once the command has ended.
const POWER_OFF: Duration = Duration::from_secs(10);

/// How long what a stopped command wrote may wait for its reader.
const GRACE: Duration = Duration::from_secs(1);

/// Carries the command's streams until both it and the machine have ended. When a limit is reached first, it ends the
/// machine.
///
/// # Errors
/// QEMU fails, the agent cannot start the command, a stream cannot be read or written.
pub fn attend(qemu: &mut Qemu, streams: Streams<'_>, limits: Limits, log: &mut Log) -> Result<End> {
    end_by_sigterm()?;
    let mut carrier = Carrier::new(streams);
    let deadline = super::deadline(limits.all);
    let mut limit = deadline;
    let mut powering_off = false;
    let mut killed = false;
    loop {
        if !powering_off && !killed {
            let quiet = limits.silence.and_then(|silence| carrier.heard.checked_add(silence));
            limit = deadline.into_iter().chain(quiet).min();
        }
        carrier.turn(qemu, limit, log)?;
        if carrier.machine_gone && carrier.is_written() {
            break;
        }
        if carrier.end.is_some() && !powering_off {
            powering_off = true;
            limit = Some(Instant::now() + POWER_OFF);
        } else if limit.is_some_and(|limit| Instant::now() >= limit) {
            if killed {
                break;
            }
            qemu.kill();
            killed = true;
            // Without an end of its own the command has used up its time.
            limit = carrier.end.is_none().then(|| Instant::now() + GRACE);
            carrier.end.get_or_insert(End::TimedOut);
            powering_off = true;
        }
    }
    let clean = killed || qemu.join()?.success();
    log.drain(&qemu.console)?;
    Ok(carrier.end.filter(|_| clean).unwrap_or(End::Died))
}

/// Lets SIGTERM end xtask, and with it the machine, also where the caller ignores that signal.
fn end_by_sigterm() -> Result<()> {
    static ONCE: OnceLock<()> = OnceLock::new();
    if ONCE.set(()).is_ok() {
        signal_hook::flag::register_conditional_default(SIGTERM, Arc::new(AtomicBool::new(true)))
            .context("cannot handle signals")?;
    }
    Ok(())
}

/// What can become ready.
#[derive(Clone, Copy)]
enum Source {
    Agent,
    Console,
    Input,
    Output(usize),
}

struct Carrier<'a> {
    decoder: Decoder,
    to_guest: Vec<u8>,
    /// How much input the agent takes; none before its greeting.
    credit: usize,
    /// `None` after its end was told.
    input: Option<Input<'a>>,
    outputs: [(Stream, Outlet<'a>); 2],
    /// When the command wrote something; at first, when it was started.
    heard: Instant,
    end: Option<End>,
    machine_gone: bool,
    console_gone: bool,
}

impl<'a> Carrier<'a> {
    fn new(streams: Streams<'a>) -> Self {
        Self {
            decoder: Decoder::default(),
            to_guest: Vec::new(),
            credit: 0,
            input: Some(streams.input),
            outputs: [
                (Stream::Output, Outlet::new(streams.output)),
                (Stream::Error, Outlet::new(streams.error)),
            ],
            heard: Instant::now(),
            end: None,
            machine_gone: false,
            console_gone: false,
        }
    }

    fn is_written(&self) -> bool {
        self.outputs.iter().all(|(_, outlet)| outlet.is_empty())
    }

    /// Waits for something to carry, and carries it.
    fn turn(&mut self, qemu: &Qemu, limit: Option<Instant>, log: &mut Log) -> Result<()> {
        for source in poll::wait(&self.interests(qemu), limit)? {
            match source {
                Source::Agent => self.exchange(qemu)?,
                Source::Console => self.console_gone = log.read(&qemu.console)?.is_none(),
                Source::Input => self.read_input()?,
                Source::Output(index) => {
                    if let Some((stream, outlet)) = self.outputs.get_mut(index)
                        && !outlet.write()?
                    {
                        ToGuest::Close(*stream).encode(&mut self.to_guest);
                    }
                }
            }
        }
        Ok(())
    }

    fn interests<'b>(&'b self, qemu: &'b Qemu) -> Vec<(Source, BorrowedFd<'b>, rustix::event::PollFlags)> {
        let mut interests = Vec::new();
        if !self.machine_gone {
            let mut flags = rustix::event::PollFlags::empty();
            if !self.outputs.iter().any(|(_, outlet)| outlet.is_full()) {
                flags |= poll::IN;
            }
            if !self.to_guest.is_empty() {
                flags |= poll::OUT;
            }
            interests.push((Source::Agent, qemu.agent.as_fd(), flags));
        }
        if !self.console_gone {
            interests.push((Source::Console, qemu.console.as_fd(), poll::IN));
        }
        if let Some(Input::Descriptor(fd)) = self.input
            && self.credit > 0
            && self.end.is_none()
        {
            interests.push((Source::Input, fd, poll::IN));
        }
        for (index, (_, outlet)) in self.outputs.iter().enumerate() {
            if let Some(fd) = outlet.waits_for() {
                interests.push((Source::Output(index), fd, poll::OUT));
            }
        }
        interests
    }

    /// Receives from the agent and sends to it, whatever is possible.
    fn exchange(&mut self, qemu: &Qemu) -> Result<()> {
        let mut piece = [0; 16 * 1024];
        match poll::attempt((&qemu.agent).read(&mut piece)).context("cannot read from the agent")? {
            Attempt::Gone => self.machine_gone = true,
            Attempt::Later => {}
            Attempt::Moved(count) => {
                self.decoder.push(piece.get(..count).unwrap_or_default());
                while let Some(frame) = self.decoder.next()? {
                    self.obey(frame)?;
                }
            }
        }
        if !self.to_guest.is_empty() && !self.machine_gone {
            match poll::attempt((&qemu.agent).write(&self.to_guest)).context("cannot write to the agent")? {
                Attempt::Gone => self.machine_gone = true,
                Attempt::Later => {}
                Attempt::Moved(count) => drop(self.to_guest.drain(..count)),
            }
        }
        Ok(())
    }

    fn obey(&mut self, frame: FromGuest) -> Result<()> {
        match frame {
            FromGuest::Hello | FromGuest::Closing => {}
            FromGuest::Data(stream, data) => {
                self.heard = Instant::now();
                for (_, outlet) in self.outputs.iter_mut().filter(|(name, _)| *name == stream) {
                    outlet.put(&data);
                }
            }
            FromGuest::Credit(count) => {
                self.credit = self.credit.saturating_add(count as usize);
                if let Some(Input::Bytes(bytes)) = self.input {
                    let (now, later) = bytes.split_at(bytes.len().min(self.credit));
                    self.input = Some(Input::Bytes(later));
                    self.send_input(now);
                    if later.is_empty() {
                        self.send_input(&[]);
                    }
                }
            }
            FromGuest::Exited(status) => self.end = Some(End::Exited(status)),
            FromGuest::Killed(signal) => self.end = Some(End::Killed(signal)),
            FromGuest::Failed(reason) => bail!("the guest cannot start the command: {reason}"),
        }
        Ok(())
    }

    fn read_input(&mut self) -> Result<()> {
        let Some(Input::Descriptor(fd)) = self.input else { return Ok(()) };
        let mut piece = [0; 16 * 1024];
        let room = piece.len().min(self.credit);
        let piece = piece.get_mut(..room).unwrap_or_default();
        let result = rustix::io::read(fd, &mut *piece).map_err(Into::into);
        match poll::attempt(result).context("cannot read standard input")? {
            Attempt::Later => {}
            Attempt::Gone => self.send_input(&[]),
            Attempt::Moved(count) => self.send_input(piece.get(..count).unwrap_or_default()),
        }
        Ok(())
    }

    /// Sends input within the credit; no bytes are its end.
    fn send_input(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            ToGuest::InputEnd.encode(&mut self.to_guest);
            self.input = None;
        } else {
            ToGuest::Input(bytes).encode(&mut self.to_guest);
            self.credit -= bytes.len();
        }
    }
}
