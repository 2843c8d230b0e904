//! The command line: what can be typed, and which module does it.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::audit;
use crate::bench;
use crate::compat;
use crate::docs;
use crate::faults;
use crate::fuzz;
use crate::gate;
use crate::guest::{arguments as run, terminal, tether};
use crate::iso;
use crate::kernel;
use crate::ports;
use crate::project::Project;
use crate::session;
use crate::ui::Ui;
use crate::userland;

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
    /// Measure what operations cost on Serix and on Linux, in guest instructions
    Bench(bench::BenchArguments),
    /// Build the kernel and say where its image is
    Build(kernel::BuildArguments),
    /// Run the compatibility suites on Linux and on Serix, and compare
    Compat(compat::CompatArguments),
    /// Check the book's pages and links, and render it
    Docs,
    /// Put known mistakes into a copy of the kernel, and see that the gate notices each
    Faults(faults::FaultsArguments),
    /// Make system calls at random, and see that nothing comes of it
    Fuzz(fuzz::FuzzArguments),
    /// Build the first file system and say where its archive is
    Initramfs,
    /// Write a CD that boots by Limine, on a BIOS and on UEFI
    Iso(iso::IsoArguments),
    /// Build and list the ports, the programs of others
    #[command(subcommand)]
    Port(ports::Command),
    /// Boot to an interactive shell in this terminal, or run one command
    Run(run::RunArguments),
    /// Restore the terminal when xtask is gone
    #[command(name = terminal::NAME, hide = true)]
    GuardTerminal,
    /// Become a program that dies with xtask
    #[command(name = tether::NAME, hide = true)]
    Tether(tether::Arguments),
    /// Run the session tests: a long shell script, and a person at the terminal
    Session(session::SessionArguments),
    /// Run the gate: every check that a change must pass
    Test(gate::TestArguments),
}

/// Carries out the command and gives the status to exit with.
pub fn carry_out(arguments: Arguments) -> Result<ExitCode> {
    let project = Project::find()?;
    match arguments.command {
        Command::Audit => audit::command(&project, &Ui::new()),
        Command::Bench(arguments) => bench::bench(&project, &Ui::new(), &arguments),
        Command::Build(arguments) => {
            let image = kernel::build(&project, &Ui::new(), arguments.profile())?;
            println!("{}", image.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::Compat(arguments) => compat::command(&project, &Ui::new(), &arguments),
        Command::Docs => docs::command(&project, &Ui::new()),
        Command::Faults(arguments) => faults::command(&project, &Ui::new(), &arguments),
        Command::Fuzz(arguments) => fuzz::command(&project, &Ui::new(), &arguments),
        Command::Initramfs => {
            let archive = userland::image(&project, &Ui::new())?;
            println!("{}", archive.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::Iso(arguments) => iso::command(&project, &Ui::new(), &arguments).map(|()| ExitCode::SUCCESS),
        Command::Port(command) => ports::carry_out(&project, &Ui::new(), command),
        Command::Run(arguments) => run::run(&project, arguments),
        Command::GuardTerminal => terminal::guard().map(|()| ExitCode::SUCCESS),
        Command::Tether(arguments) => tether::become_program(arguments).map(|()| ExitCode::SUCCESS),
        Command::Session(arguments) => session::command(&project, &Ui::new(), &arguments),
        Command::Test(arguments) => gate::test(&project, &Ui::new(), &arguments),
    }
}
