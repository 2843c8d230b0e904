//! Guests: virtual machines with Serix or Linux in them, and what runs there.
//!
//! - [`Machine`] says what is wanted, [`qemu`] starts it, [`tether`] makes sure that it never outlives xtask.
//! - [`archive`] puts the command and added files on top of the base file system.
//! - [`frame`] is the language of the agent, the guest's end of all this (`initramfs/agent/agent.c`).
//! - [`command`] carries a command's streams: [`run`] for any descriptors, [`capture`] into memory.
//! - [`shell`] hands this terminal to the guest: [`console`] carries, [`terminal`] makes it raw and restores it.
//! - [`window`] lets QEMU show the guest's screen, and [`screen`] reads it.
//! - [`answer`] times how long a machine takes to its prompt.
//! - [`arguments`] is `cargo xtask run`.
//!
//! Nothing here knows one kernel from the other, but for the image that is booted and Serix's way to tell of a panic.

pub mod answer;
pub mod archive;
pub mod arguments;
mod command;
mod console;
pub mod contract;
pub mod dump;
mod frame;
mod keys;
mod log;
mod machine;
mod monitor;
mod outlet;
mod poll;
mod qemu;
pub mod screen;
pub mod terminal;
pub mod tether;
mod window;

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::iso::{self, Limine};
use crate::packages;
use crate::project::Project;
use crate::ui::Ui;
use crate::{kernel, linux, userland};

use archive::Task;
pub use command::Limits;
use command::{Input, Streams};
use console::Close;
use log::Log;
pub use machine::{Addition, Boot, Kernel, Machine, Memory, Screen, Target, TargetArguments};
use outlet::Sink;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With this status.
    Exited(u8),
    /// By this signal.
    Killed(u8),
    /// Its time was up.
    TimedOut,
    /// The machine ended before it.
    Died,
}

impl End {
    /// The status that a shell would show: 128 + signal, 124 when the time was up (as timeout(1)), 101 when the kernel
    /// died.
    pub fn status(self) -> u8 {
        match self {
            Self::Exited(status) => status,
            Self::Killed(signal) => signal.saturating_add(128),
            Self::TimedOut => 124,
            Self::Died => 101,
        }
    }
}

/// A command that was run to its end in a guest.
#[derive(Clone, Debug)]
pub struct Captured {
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
    /// How it ended.
    pub end: End,
    /// What was on the console.
    pub log: String,
}

impl Captured {
    /// The last lines of the console.
    pub fn log_end(&self) -> String {
        log::end(&self.log)
    }
}

/// What every machine of a kind needs before one can be started.
pub struct Parts {
    kernel: PathBuf,
    /// What it is called, with its version where there are several.
    kernel_name: String,
    base: PathBuf,
    /// Where Limine boots the machine.
    limine: Option<Limine>,
}

impl Parts {
    /// What QEMU starts a machine from besides the kernel: the initial file system with `top` on it, or the CD with all.
    fn medium(&self, machine: &Machine, top: &[u8]) -> Result<File> {
        let initrd = archive::stack(&self.base, top)?;
        match &self.limine {
            None => Ok(initrd),
            Some(limine) => iso::temporary(limine, &self.kernel, initrd, &machine.words()),
        }
    }
}

/// Makes sure that all parts of the machine are there: QEMU, the kernel, the base file system.
pub fn prepare(project: &Project, ui: &Ui, machine: &Machine) -> Result<Parts> {
    packages::ensure(project, ui, &[packages::QEMU])?;
    if machine.screen == Screen::Window {
        window::check_display()?;
        packages::ensure(project, ui, &[packages::QEMU_WINDOW])?;
    }
    let limine = match (machine.boot, machine.kernel) {
        (Boot::Pvh, _) => None,
        (_, Kernel::Linux) => bail!("the reference kernel is booted by QEMU only: leave --boot out"),
        (boot, Kernel::Serix) => {
            if boot == Boot::LimineUefi {
                packages::ensure(project, ui, &[packages::OVMF])?;
            }
            Some(Limine::ready(project, ui)?)
        }
    };
    let (kernel, kernel_name) = match machine.kernel {
        Kernel::Serix => (kernel::build(project, ui, machine.profile)?, "Serix".to_owned()),
        Kernel::Linux => {
            let reference = linux::image(project, ui)?;
            (reference.path, format!("Linux {}", reference.version))
        }
    };
    Ok(Parts { kernel, kernel_name, base: userland::image(project, ui)?, limine })
}

/// Runs `text` by `/bin/sh -c` in a guest of its own; its streams are carried as it runs.
///
/// The calling thread must stay: the machine dies with it.
///
/// # Errors
/// The guest or the command cannot be started, an added file cannot be read, a stream cannot be read or written.
pub fn run(
    parts: &Parts,
    machine: &Machine,
    text: &str,
    streams: Streams<'_>,
    limits: Limits,
    log: &mut Log,
) -> Result<End> {
    let top = archive::pack(Task::Command(text), &machine.additions)?;
    let medium = parts.medium(machine, &top)?;
    let mut qemu = qemu::Qemu::start(machine, &parts.kernel, medium)?;
    command::attend(&mut qemu, streams, limits, log)
}

/// Starts a machine whose console is this terminal, and stays until either is done with the other.
///
/// # Errors
/// Standard input is no terminal, the guest cannot be started, an added file cannot be read.
pub fn shell(parts: &Parts, machine: &Machine, timeout: Option<Duration>, log: &mut Log) -> Result<Close> {
    let (rows, columns) = console::size();
    let top = archive::pack(Task::Shell { rows, columns }, &machine.additions)?;
    let medium = parts.medium(machine, &top)?;
    let _raw = terminal::Raw::enter()?;
    let mut qemu = qemu::Qemu::start(machine, &parts.kernel, medium)?;
    console::attend(&mut qemu, deadline(timeout), log)
}

/// Starts a machine whose shell is on its screen, in a window, and stays until the machine ends.
///
/// # Errors
/// The guest cannot be started, an added file cannot be read.
pub fn window(parts: &Parts, machine: &Machine, timeout: Option<Duration>, log: &mut Log) -> Result<Close> {
    let top = archive::pack(Task::Console, &machine.additions)?;
    let medium = parts.medium(machine, &top)?;
    let mut qemu = qemu::Qemu::start(machine, &parts.kernel, medium)?;
    window::attend(&mut qemu, deadline(timeout), log)
}

/// When the time will be up; a time that no clock holds is none.
fn deadline(timeout: Option<Duration>) -> Option<Instant> {
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}

/// Runs `text` by `/bin/sh -c` in a guest of its own, with `stdin` as its standard input, and collects what it writes.
///
/// # Errors
/// As [`prepare`] and [`run`]. A command that fails, a timeout and a kernel that dies are no errors, but an [`End`].
pub fn capture(
    project: &Project,
    ui: &Ui,
    machine: &Machine,
    text: &str,
    stdin: &[u8],
    limits: impl Into<Limits>,
) -> Result<Captured> {
    let parts = prepare(project, ui, machine)?;
    let (mut stdout, mut stderr, mut log) = (Vec::new(), Vec::new(), Log::default());
    let streams = Streams {
        input: Input::Bytes(stdin),
        output: Sink::Memory(&mut stdout),
        error: Sink::Memory(&mut stderr),
    };
    let end = run(&parts, machine, text, streams, limits.into(), &mut log)?;
    Ok(Captured { stdout, stderr, end, log: log.text() })
}
