//! `cargo xtask`: every command that a developer or a user of Serix types.
//!
//! - [`cli`] says what can be typed; each command's work is in the module of its name.
//! - [`project`] knows the folders, [`ui`] shows progress, [`exec`] runs other programs with a log.
//! - [`guest`] is `run`, and how everything else runs something in a machine; [`linux`] fetches the reference kernel.
//! - [`faults`] puts mistakes into a copy of the kernel, to see what [`gate`] is worth.
//! - [`foreign`] fetches programs that nobody here built.
//! - [`fuzz`] makes system calls at random.
//! - [`gate`] is `test`, whose checks [`tally`] counts.
//! - [`packages`] and [`toolchain`] find what the machine must have, and install it where that is allowed.
//!
//! Exit statuses: 0 success, 1 a test or comparison failed, 2 the command could not be carried out (its message is on
//! standard error). `run -c` passes on the guest's own status.

mod audit;
mod bench;
mod cli;
mod compat;
mod debian;
mod debugger;
mod docs;
mod exec;
mod faults;
mod foreign;
mod fuzz;
mod gate;
mod guest;
mod iso;
mod kernel;
mod linux;
mod musl;
mod packages;
mod ports;
mod project;
mod session;
mod table;
mod tally;
mod toolchain;
mod ui;
mod userland;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    match cli::carry_out(arguments) {
        Ok(status) => status,
        Err(error) => {
            ui::print_error(&error);
            ExitCode::from(2)
        }
    }
}
