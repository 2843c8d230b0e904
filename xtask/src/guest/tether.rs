//! A child that never outlives xtask, not even when xtask is killed.
//!
//! The kernel's parent-death signal does it. It must be asked for between `fork` and `exec`, where std lets nobody run
//! code without `unsafe`; so the child is xtask again, which asks for it and becomes the program.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::exec;

/// The name of the hidden command that [`command`] starts.
pub const NAME: &str = "tether";

/// What the hidden command takes.
#[derive(clap::Args)]
pub struct Arguments {
    parent: i32,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    program: Vec<OsString>,
}

/// A command that runs `program` and is killed when this process dies.
///
/// The tie is to the thread that spawns it: that thread must live as long as the program is wanted.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    // Not `current_exe()`: its path names another file once xtask was built anew.
    let mut command = exec::command("/proc/self/exe");
    command.arg(NAME).arg(rustix::process::getpid().as_raw_nonzero().to_string()).arg("--").arg(program);
    command
}

/// Becomes the program. Returns only when that fails.
pub fn become_program(arguments: Arguments) -> Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .context("cannot ask for the parent-death signal")?;
    // It may have died before.
    if rustix::process::getppid() != Pid::from_raw(arguments.parent) {
        bail!("xtask is gone already");
    }
    // What is handled here is at its default in the program, also where the caller ignores it: a shell that starts a job
    // in the background has it ignore SIGINT.
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))
            .context("cannot handle signals")?;
    }
    let Some((program, rest)) = arguments.program.split_first() else { bail!("no program is named") };
    let error = Command::new(program).args(rest).exec();
    Err(error).with_context(|| format!("cannot start {}", program.to_string_lossy()))
}
