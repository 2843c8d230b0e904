//! The phase `hostile`: what programs and files can do to harm is done, and nothing comes of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};

use super::Gate;
use crate::compat::{Ending, Outcome, read_tap};
use crate::guest::{self, Addition, End, Kernel, Machine};
use crate::musl::{self, Compiler};

const FOLDER: &str = "compat-tests/hostile";
/// What the programs include.
const HEADERS: [&str; 2] = ["compat-tests/tap.h", "compat-tests/hostile/hoard.h"];

/// Memory that a hoarder fills in a moment.
const MEMORY: &str = "64M";

/// How long all cases of a program may take in the guest, on a busy machine.
const LIMIT: Duration = Duration::from_secs(600);

/// The programs' own shell and the agent are not to go when memory is short: they tell the result.
const SPARED: &str = "echo -1000 >/proc/$PPID/oom_score_adj; echo -1000 >/proc/self/oom_score_adj;";

/// Runs each program of the folder on Serix, in a machine with little memory; each assertion is a check.
pub fn run(gate: &mut Gate<'_>) {
    let programs = match programs(gate) {
        Ok(programs) => programs,
        Err(error) => return gate.tally.failed("hostile: the programs compile", &format!("{error:#}")),
    };
    for (name, built) in programs {
        let step = gate.ui.step(format!("Serix: {name}"));
        match tests(gate, &name, &built) {
            Ok(tests) => {
                for test in tests {
                    match test.outcome {
                        Outcome::Passed => gate.tally.passed(1),
                        Outcome::Failed => {
                            gate.tally.failed(&format!("hostile: {name}/{}", test.name), &test.detail)
                        }
                        Outcome::Skipped => {
                            gate.tally.skipped(&format!("hostile: {name}/{}", test.name), &test.detail)
                        }
                    }
                }
            }
            Err(error) => {
                gate.tally.failed(&format!("hostile: {name} runs to its end"), &format!("{error:#}"))
            }
        }
        step.done();
    }
}

/// Compiles the programs; gives their names and files.
fn programs(gate: &Gate<'_>) -> Result<Vec<(String, PathBuf)>> {
    let (project, ui) = (gate.project, gate.ui);
    let compiler = Compiler::find(project, ui)?;
    let folder = project.root().join(FOLDER);
    let headers = HEADERS.map(|header| project.root().join(header));
    let depends: Vec<&Path> = headers.iter().map(PathBuf::as_path).collect();
    let mut built = Vec::new();
    for source in musl::sources_in(&folder)? {
        let name = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let program =
            musl::Program { name: &name, sources: &[&source], depends: &depends, flags: &musl::FLAGS };
        let file = compiler.cc(project, ui, &program)?;
        built.push((name, file));
    }
    Ok(built)
}

/// Runs one program; gives its tests.
fn tests(gate: &Gate<'_>, name: &str, built: &Path) -> Result<Vec<crate::compat::Test>> {
    let guest = format!("/opt/hostile/{name}");
    let mut machine = Machine::new(Kernel::Serix);
    machine.memory = MEMORY.parse()?;
    machine.additions.push(Addition::new(built, &guest)?);
    let command = format!("{SPARED} {guest}; exit 0");
    let captured = guest::capture(gate.project, gate.ui, &machine, &command, &[], Some(LIMIT))?;
    let output = String::from_utf8_lossy(&captured.stdout);
    if captured.end != End::Exited(0) {
        let last = output.lines().last().unwrap_or_default();
        bail!("{:?} after `{last}`; the log's end: {}", captured.end, captured.log_end());
    }
    Ok(read_tap(&output, &Ending::Exited(0)))
}
