//! `cargo xtask run`.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::command::{Input, Streams};
use super::console::Close;
use super::dump::Dump;
use super::log::{self, Log};
use super::machine::{Addition, Boot, Kernel, Machine, Memory, Screen};
use super::outlet::Sink;
use super::{End, Parts};
use crate::debugger::Session;
use crate::kernel::Profile;
use crate::project::Project;
use crate::ui::Ui;

/// What `run` takes.
#[derive(clap::Args)]
pub struct RunArguments {
    /// Run COMMAND by /bin/sh in the guest instead of an interactive shell, and exit with its status
    #[arg(short = 'c', value_name = "COMMAND")]
    command: Option<String>,

    #[command(flatten)]
    machine: MachineArguments,

    /// Stop the guest after so many seconds (status 124)
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..),
        overrides_with = "timeout"
    )]
    timeout: Option<u64>,

    /// Write what appears on the console to FILE as well
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// Have Serix log every system call, one decoded line each: to the console and its log, or with -c and without --log
    /// to standard error
    #[arg(long)]
    strace: bool,

    /// Wait for gdb before the first instruction; says what to type. Serix is built as with --debug, and not moved
    #[arg(long)]
    gdb: bool,

    /// When Serix panics, write the guest's memory to FILE as an ELF core, and a script for gdb to FILE.gdb
    #[arg(long, value_name = "FILE")]
    dump: Option<PathBuf>,

    /// Open a window with the guest's screen, and have the shell there instead of in this terminal
    #[arg(long, conflicts_with = "command")]
    display: bool,
}

/// The options that describe a machine.
#[derive(clap::Args)]
pub struct MachineArguments {
    /// The kernel to boot
    #[arg(long, value_enum, default_value_t = Kernel::Serix)]
    kernel: Kernel,

    /// Number of processors
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    smp: u8,

    /// Memory, such as 512M or 2G
    #[arg(long, value_name = "SIZE", default_value = "512M")]
    memory: Memory,

    /// Put a file or folder of the host into the guest's file system; may be repeated
    #[arg(long, value_name = "HOST[:GUEST]")]
    add: Vec<Addition>,

    /// Attach a raw image as a disk; may be repeated
    #[arg(long, value_name = "IMAGE")]
    disk: Vec<PathBuf>,

    /// Attach a network card
    #[arg(long)]
    net: bool,

    /// Append words to the kernel's command line
    #[arg(
        long,
        value_name = "WORDS",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    append: String,

    /// Let time advance by a nanosecond an instruction: the same run gives the same figures
    #[arg(long)]
    icount: bool,

    /// QEMU's model of processor
    #[arg(long, value_name = "MODEL", default_value = "max")]
    cpu: String,

    /// How the kernel gets into memory; Limine must be installed (LIMINE_DIR, or /usr/share/limine)
    #[arg(long, value_enum, default_value_t = Boot::Pvh)]
    boot: Boot,

    /// Build the kernel with overflow checks and debug assertions
    #[arg(long)]
    debug: bool,
}

impl MachineArguments {
    /// The machine that was asked for.
    pub fn machine(self) -> Machine {
        Machine {
            kernel: self.kernel,
            profile: if self.debug { Profile::Dev } else { Profile::Release },
            processors: self.smp,
            memory: self.memory,
            cpu: self.cpu,
            additions: self.add,
            disks: self.disk,
            network: self.net,
            append: self.append,
            icount: self.icount,
            debugger: None,
            dump: None,
            boot: self.boot,
            memory_file: None,
            screen: Screen::None,
            stays: false,
        }
    }
}

/// Carries out `cargo xtask run`.
pub fn run(project: &Project, arguments: RunArguments) -> Result<ExitCode> {
    let screen = if arguments.display { Screen::Window } else { Screen::None };
    let mut machine = Machine { screen, ..arguments.machine.machine() };
    let timeout = arguments.timeout.map(Duration::from_secs);
    // Before anything is built: a mistake in the command line is told at once.
    let mut log = match &arguments.log {
        Some(path) => Log::to_file(path)?,
        None if arguments.strace && arguments.command.is_some() => Log::with_calls_shown(),
        None => Log::default(),
    };
    if arguments.strace {
        if machine.kernel != Kernel::Serix {
            bail!("--strace is Serix's own; {} has nothing like it built in", machine.kernel);
        }
        machine.append += " serix.strace loglevel=7";
    }
    if let Some(path) = &arguments.dump {
        if machine.kernel != Kernel::Serix {
            bail!("--dump is for Serix: {} does not tell QEMU of its panic", machine.kernel);
        }
        machine.dump = Some(Arc::new(Dump::to_file(path)?));
    }
    let session = arguments.gdb.then(|| Session::new(project)).transpose()?;
    if let Some(session) = &session {
        if machine.kernel != Kernel::Serix {
            bail!("--gdb is for Serix: there are no symbols of {}", machine.kernel);
        }
        machine.debugger = Some(session.socket().to_owned());
        machine.profile = Profile::Dev;
        machine.append += " nokaslr";
    }
    match arguments.command {
        Some(command) => run_command(project, &machine, session.as_ref(), &command, timeout, &mut log),
        None => run_shell(project, &machine, session.as_ref(), timeout, &mut log),
    }
}

fn run_command(
    project: &Project,
    machine: &Machine,
    session: Option<&Session>,
    command: &str,
    timeout: Option<Duration>,
    log: &mut Log,
) -> Result<ExitCode> {
    let parts = super::prepare(project, &Ui::quiet(), machine)?;
    offer(session, &parts)?;
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let streams = Streams {
        // What is typed at a terminal is for the shell that comes after this command.
        input: if stdin.is_terminal() { Input::Bytes(&[]) } else { Input::Descriptor(stdin.as_fd()) },
        output: Sink::Descriptor(stdout.as_fd()),
        error: Sink::Descriptor(stderr.as_fd()),
    };
    let end = super::run(&parts, machine, command, streams, timeout.into(), log)?;
    if end == End::Died {
        report_death(&parts, machine, log)?;
    }
    Ok(ExitCode::from(end.status()))
}

fn run_shell(
    project: &Project,
    machine: &Machine,
    session: Option<&Session>,
    timeout: Option<Duration>,
    log: &mut Log,
) -> Result<ExitCode> {
    let windowed = machine.screen == Screen::Window;
    if !windowed && !io::stdin().is_terminal() {
        bail!("standard input is no terminal, which the interactive shell needs; -c 'COMMAND' does not");
    }
    let ui = Ui::new();
    let parts = super::prepare(project, &ui, machine)?;
    offer(session, &parts)?;
    let close = if windowed {
        ui.line(&format!("Starting {} in a window. To close it, or Ctrl-C here, leaves.", parts.kernel_name));
        super::window(&parts, machine, timeout, log)?
    } else {
        ui.line(&format!("Starting {}. Ctrl-A X leaves, Ctrl-A H shows the other keys.", parts.kernel_name));
        super::shell(&parts, machine, timeout, log)?
    };
    Ok(match close {
        Close::PoweredOff | Close::Left => ExitCode::SUCCESS,
        Close::TimedOut => {
            eprintln!("The time is up; the guest was switched off.");
            ExitCode::from(End::TimedOut.status())
        }
        Close::Signal(signal) => {
            // Dies of it, as it would have done without a terminal to look after.
            signal_hook::low_level::emulate_default_handler(signal).context("cannot end by a signal")?;
            ExitCode::from(u8::try_from(signal).unwrap_or(0).saturating_add(128))
        }
        Close::Died => {
            report_death(&parts, machine, log)?;
            ExitCode::from(End::Died.status())
        }
    })
}

/// Says on standard error how to connect with a guest that will wait for it.
fn offer(session: Option<&Session>, parts: &Parts) -> Result<()> {
    if let Some(session) = session {
        let script = session.write_script(&parts.kernel)?;
        eprintln!("The guest waits for: gdb -x {}", script.display());
    }
    Ok(())
}

/// Says on standard error that the kernel died, how its log ends, and where its memory is.
fn report_death(parts: &Parts, machine: &Machine, log: &Log) -> Result<()> {
    eprint!("error: {} died; the end of its log:\n{}", parts.kernel_name, log::end(&log.text()));
    if let Some(dump) = &machine.dump {
        match dump.finish(&parts.kernel)? {
            Some(script) => eprintln!("To look at its memory: gdb -x {}", script.display()),
            None => eprintln!("There is no dump: the kernel has not said that it panics."),
        }
    }
    Ok(())
}
