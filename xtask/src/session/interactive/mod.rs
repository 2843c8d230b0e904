//! The interactive session: types at the shell that `cargo xtask run` gives, and reads the screen.
//!
//! Each check is a function that starts at an empty prompt and comes back to one. One that fails is brought back to the
//! prompt by [`Console::recover`], so that the others still tell something.

mod completion;
mod console;
mod editing;
mod jobs;
mod login;
mod programs;
mod tty;
mod window;

use std::num::NonZeroU16;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use self::console::Console;
use super::Check;
use super::terminal::{Size, Terminal};
use crate::guest::{self, Machine, Target, tether};
use crate::kernel::Profile;
use crate::project::Project;
use crate::ui::{Step, Ui};

/// An unusual size, so that a default is not mistaken for it.
const SIZE: Size = size(30, 100);

/// How long a check waits for what the screen should show: an emulated machine on a busy host is slow.
const PATIENCE: Duration = Duration::from_secs(45);

/// How long the first prompt may take.
const PATIENCE_AT_START: Duration = Duration::from_secs(180);

type Table = &'static [(&'static str, fn(&mut Console) -> Result<()>)];

/// The checks, in the order they are made. Login comes first, because it looks at how the session begins.
const TABLES: [Table; 7] = [
    login::CHECKS,
    editing::CHECKS,
    completion::CHECKS,
    jobs::CHECKS,
    tty::CHECKS,
    programs::CHECKS,
    window::CHECKS,
];

const LEAVING: [&str; 2] = ["Ctrl-A X leaves with status 0", "the terminal is as it was"];

/// Makes every check on this kernel.
///
/// # Errors
/// What the guest needs cannot be had, or xtask cannot be started in a pseudo-terminal. All else that goes wrong is a
/// failed check.
pub fn run(project: &Project, ui: &Ui, target: Target) -> Result<Vec<Check>> {
    let kernel = target.kernel;
    guest::prepare(project, ui, &Machine::new(target.clone()))?;
    let option = kernel.to_possible_value().context("this kernel cannot be asked for")?;
    let mut command = tether::command("/proc/self/exe");
    command.args(["run", "--kernel", option.get_name(), "--smp", &target.processors.to_string()]);
    command.args(["--memory", &target.memory.to_string(), "--cpu", &target.cpu]);
    if target.profile == Profile::Dev {
        command.arg("--debug");
    }
    command.env("TERM", "vt100");

    let count = TABLES.iter().copied().flatten().count() as u64;
    let step = ui.steps(format!("Running the interactive session on {kernel}"), count);
    let terminal = Terminal::start(command, SIZE, PATIENCE)?;
    let mut checks = Vec::new();
    let mut console = match Console::first_prompt(terminal, PATIENCE_AT_START) {
        Ok(console) => console,
        Err(error) => return Ok(vec![Check::new("a prompt appears", Err(error))]),
    };
    checks.push(Check::new("a prompt appears", Ok(())));
    let lost = make(&mut console, &mut checks, &step);
    match lost {
        Some(name) => checks.extend(LEAVING.map(|check| Check::new(check, unreached(name)))),
        None => leave(console, &mut checks),
    }
    step.done();
    Ok(checks)
}

/// Makes the checks of all tables; gives the name of the one after which the prompt did not come back.
fn make(console: &mut Console, checks: &mut Vec<Check>, step: &Step) -> Option<&'static str> {
    let mut lost = None;
    for (name, check) in TABLES.iter().copied().flatten() {
        step.detail(name);
        step.advance();
        if let Some(culprit) = lost {
            checks.push(Check::new(name, unreached(culprit)));
            continue;
        }
        let outcome = console.clear().and_then(|()| check(console));
        if outcome.is_err() && console.recover(SIZE).is_err() {
            lost = Some(*name);
        }
        checks.push(Check::new(name, outcome));
    }
    lost
}

fn leave(console: Console, checks: &mut Vec<Check>) {
    let mut terminal = console.into_terminal();
    let ended = terminal.type_keys("\x01x").and_then(|()| terminal.wait_end()).and_then(|status| {
        if !status.success() {
            bail!("xtask ended with {status}");
        }
        Ok(())
    });
    let [leaves, restored] = LEAVING;
    checks.push(Check::new(leaves, ended));
    checks.push(Check::new(restored, terminal.check_restored()));
}

fn unreached(culprit: &str) -> Result<()> {
    bail!("not reached: no prompt came back after `{culprit}`")
}

/// A size from two numbers that are not 0.
const fn size(rows: u16, columns: u16) -> Size {
    match (NonZeroU16::new(rows), NonZeroU16::new(columns)) {
        (Some(rows), Some(columns)) => Size { rows, columns },
        _ => Size { rows: NonZeroU16::MIN, columns: NonZeroU16::MIN },
    }
}
