//! `cargo xtask run`.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::command::{Input, Streams};
use super::console::Close;
use super::log::{self, Log};
use super::machine::{Addition, Boot, Kernel, Machine, Memory};
use super::outlet::Sink;
use super::{End, Parts};
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

    /// Wait for a debugger on localhost:1234 before the first instruction
    #[arg(long)]
    gdb: bool,
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
            debugger: false,
            boot: self.boot,
        }
    }
}

/// Carries out `cargo xtask run`.
pub fn run(project: &Project, arguments: RunArguments) -> Result<ExitCode> {
    let mut machine = Machine { debugger: arguments.gdb, ..arguments.machine.machine() };
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
    match arguments.command {
        Some(command) => run_command(project, &machine, &command, timeout, &mut log),
        None => run_shell(project, &machine, timeout, &mut log),
    }
}

fn run_command(
    project: &Project,
    machine: &Machine,
    command: &str,
    timeout: Option<Duration>,
    log: &mut Log,
) -> Result<ExitCode> {
    let parts = super::prepare(project, &Ui::quiet(), machine)?;
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let streams = Streams {
        // What is typed at a terminal is for the shell that comes after this command.
        input: if stdin.is_terminal() { Input::Bytes(&[]) } else { Input::Descriptor(stdin.as_fd()) },
        output: Sink::Descriptor(stdout.as_fd()),
        error: Sink::Descriptor(stderr.as_fd()),
    };
    let end = super::run(&parts, machine, command, streams, timeout, log)?;
    if end == End::Died {
        report_death(&parts, log);
    }
    Ok(ExitCode::from(end.status()))
}

fn run_shell(
    project: &Project,
    machine: &Machine,
    timeout: Option<Duration>,
    log: &mut Log,
) -> Result<ExitCode> {
    if !io::stdin().is_terminal() {
        bail!("standard input is no terminal, which the interactive shell needs; -c 'COMMAND' does not");
    }
    let ui = Ui::new();
    let parts = super::prepare(project, &ui, machine)?;
    ui.line(&format!("Starting {}. Ctrl-A X leaves, Ctrl-A H shows the other keys.", parts.kernel_name));
    let close = super::shell(&parts, machine, timeout, log)?;
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
            report_death(&parts, log);
            ExitCode::from(End::Died.status())
        }
    })
}

/// Says on standard error that the kernel died, and how its log ends.
fn report_death(parts: &Parts, log: &Log) {
    eprint!("error: {} died; the end of its log:\n{}", parts.kernel_name, log::end(&log.text()));
}
