//! The command line: what can be typed, and which module does it.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::audit;
use crate::gate;
use crate::kernel;
use crate::project::Project;
use crate::ui::Ui;

/// Builds, runs, tests and measures Serix.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure the house rules; fails when one is broken
    Audit,
    /// Build the kernel and say where its image is
    Build(kernel::BuildArguments),
    /// Run the gate: every check that a change must pass
    Test(gate::TestArguments),
}

/// Carries out the command and gives the status to exit with.
pub fn carry_out(arguments: Arguments) -> Result<ExitCode> {
    let project = Project::find()?;
    match arguments.command {
        Command::Audit => audit::command(&project, &Ui::new()),
        Command::Build(arguments) => {
            let image = kernel::build(&project, &Ui::new(), arguments.profile())?;
            println!("{}", image.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::Test(arguments) => gate::test(&project, &Ui::new(), &arguments),
    }
}
