//! Sessions: what a person does at the shell, done by a program, with a named result for each step.
//!
//! - [`shell`] runs a long shell script in a guest, without a terminal, and compares what it writes ([`output`]) with
//!   what Linux wrote ([`reference`]).
//! - [`interactive`] types at the shell of `cargo xtask run` in a pseudo-terminal ([`terminal`]) and reads the screen.
//!
//! Both are the same on every kernel: Linux 6.1 passes them, and so must Serix.

mod interactive;
mod output;
mod reference;
mod shell;
mod terminal;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::guest::{Kernel, Target, TargetArguments};
use crate::project::Project;
use crate::tally::Tally;
use crate::ui::Ui;

/// One step's name, and why it failed.
pub struct Check {
    /// What holds when it passes, in a few words.
    pub name: String,
    /// The error, unless it passed.
    pub failure: Option<String>,
}

impl Check {
    fn new(name: &str, outcome: Result<()>) -> Self {
        Self { name: name.to_owned(), failure: outcome.err().map(|error| format!("{error:#}")) }
    }
}

/// What `session` takes.
#[derive(clap::Args)]
pub struct SessionArguments {
    /// The sessions to run; all unless named
    #[arg(value_enum, value_name = "SESSION")]
    sessions: Vec<Session>,
    /// The kernel to run them on
    #[arg(long, value_enum, default_value_t = Kernel::Serix)]
    kernel: Kernel,
    #[command(flatten)]
    target: TargetArguments,
    /// Take the shell session's reference anew from Linux, instead of comparing
    #[arg(long)]
    retake: bool,
}

/// A kind of session.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Session {
    /// A shell script, compared with Linux.
    Shell,
    /// A person at the terminal: keys and the screen.
    Interactive,
}

impl Session {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Shell, Self::Interactive];

    /// What it is called in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shell => "shell session",
            Self::Interactive => "interactive session",
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// It cannot be started. What fails in it is a failed check.
    pub fn run(self, project: &Project, ui: &Ui, target: impl Into<Target>) -> Result<Vec<Check>> {
        let target = target.into();
        match self {
            Self::Shell => shell::run(project, ui, target),
            Self::Interactive => interactive::run(project, ui, target),
        }
    }
}

/// Runs the sessions and prints a line for each check; success only when nothing failed.
pub fn command(project: &Project, ui: &Ui, arguments: &SessionArguments) -> Result<ExitCode> {
    if arguments.retake {
        if arguments.sessions.iter().any(|session| *session != Session::Shell) {
            bail!("only the shell session has a reference to take");
        }
        shell::retake(project, ui)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut tally = Tally::new(project.root())?;
    for session in Session::ALL {
        if arguments.sessions.is_empty() || arguments.sessions.contains(&session) {
            let target = arguments.target.apply(arguments.kernel);
            add(&mut tally, session, arguments.kernel, session.run(project, ui, target)?, true);
        }
    }
    Ok(if tally.close() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Counts the checks of a session; with `show`, prints those that passed, too.
pub fn add(tally: &mut Tally, session: Session, kernel: Kernel, checks: Vec<Check>, show: bool) {
    for check in checks {
        let name = format!("{}, {kernel}: {}", session.name(), check.name);
        match check.failure {
            None => {
                if show {
                    println!("passed  {name}");
                }
                tally.passed(1);
            }
            Some(reason) => tally.failed(&name, &reason),
        }
    }
}
