//! What the alias `cargo xtask` starts: builds the real `xtask` and becomes it.
//!
//! `cargo run` either prints its own status lines at every call (which would spoil the standard error
//! of `run -c`) or stays silent for the minute that the first build of xtask takes. This program has no
//! dependencies, so it is there at once; it lets cargo show its progress while there is no xtask yet, and keeps
//! it quiet afterwards.

use std::env;
use std::io::{self, IsTerminal};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    match launch() {
        Ok(status) => status,
        Err(error) => {
            eprintln!("error: cannot start xtask: {error}");
            ExitCode::from(2)
        }
    }
}

/// Builds xtask beside this program and replaces the process by it. Returns only when something went wrong.
fn launch() -> io::Result<ExitCode> {
    let own = env::current_exe()?;
    let xtask = own.with_file_name("xtask");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());

    let mut build = Command::new(cargo);
    build.args(["build", "--package", "xtask"]);
    build.arg("--manifest-path").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml"));
    if xtask.exists() || !io::stderr().is_terminal() {
        build.arg("--quiet");
    }
    let status = build.status()?;
    if !status.success() {
        return Ok(ExitCode::from(2));
    }
    Err(Command::new(xtask).args(env::args_os().skip(1)).exec())
}
