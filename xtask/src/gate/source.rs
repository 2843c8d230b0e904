//! What can be said of the sources without running them: their format, clippy, and the house rules.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::Gate;
use crate::exec;
use crate::toolchain::Toolchain;
use crate::{audit, docs};

/// Checks the format of every crate.
pub fn format(gate: &mut Gate<'_>) {
    let mut command = host_cargo(gate, "fmt");
    command.args(["--all", "--check"]);
    check(gate, "format: rustfmt", "Checking the format", || Ok(command));
}

/// Checks every crate on the host, tests included, and what the kernel links, for its own target.
pub fn clippy(gate: &mut Gate<'_>) {
    let mut command = host_cargo(gate, "clippy");
    command.args(["--workspace", "--all-targets", "--", "-D", "warnings"]);
    check(gate, "clippy: the workspace, on the host", "Checking the workspace with clippy", || Ok(command));

    let (project, ui) = (gate.project, gate.ui);
    check(gate, "clippy: the kernel, for its target", "Checking the kernel with clippy", || {
        let mut command = Toolchain::find(project, ui)?.clippy(project, ui)?;
        for folder in kernel_crates(project.root())? {
            command.arg("--package").arg(folder);
        }
        command.args(["--", "-D", "warnings"]);
        Ok(command)
    });
}

/// Measures the house rules; each that is broken is a failed check.
pub fn audit(gate: &mut Gate<'_>) {
    match audit::measure(gate.project, gate.ui) {
        Ok(report) => {
            println!("{}", report.summary());
            gate.tally.passed(usize::from(report.findings.is_empty()));
            for finding in &report.findings {
                gate.tally.failed("audit", finding);
            }
        }
        Err(error) => gate.tally.failed("audit", &format!("{error:#}")),
    }
}

/// Checks the book, and renders it where there is a renderer.
pub fn docs(gate: &mut Gate<'_>) {
    let (project, ui) = (gate.project, gate.ui);
    gate.tally.check("docs: pages and links", || docs::check(project.root()).map(|_| ()));
    let name = "docs: the book is rendered";
    match docs::render(project, ui) {
        Ok(Some(_)) => gate.tally.passed(1),
        Ok(None) => gate.tally.skipped(name, docs::NO_RENDERER),
        Err(error) => gate.tally.failed(name, &format!("{error:#}")),
    }
}

/// The crates that are built for the kernel's target: those below `kernel`, by their folders' names, and `abi`.
fn kernel_crates(root: &Path) -> Result<Vec<String>> {
    let mut crates = ["abi", "image", "kernel"].map(str::to_owned).to_vec();
    let folder = root.join("kernel");
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry.with_context(|| format!("cannot list {}", folder.display()))?.path();
        if path.join("Cargo.toml").is_file() {
            crates.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    crates.sort();
    Ok(crates)
}

fn host_cargo(gate: &Gate<'_>, subcommand: &str) -> Command {
    let mut command = exec::command("cargo");
    command.current_dir(gate.project.root()).arg(subcommand);
    command
}

/// Runs a command that fails when its check does.
fn check(gate: &mut Gate<'_>, name: &str, step: &str, command: impl FnOnce() -> Result<Command>) {
    let (project, ui) = (gate.project, gate.ui);
    gate.tally.check(name, || {
        let log = project.log(&format!("gate-{}", name.replace([':', ','], "")))?;
        let _ = std::fs::remove_file(&log);
        let command = command()?;
        let step = ui.step(step);
        exec::run(command, &log, &step)?;
        step.done();
        Ok(())
    });
}
