//! The unit tests, on the host: `cargo test`, with each of its tests a check of the gate.

use std::fs;

use anyhow::{Context, Result, bail};

use super::Gate;
use crate::exec;

/// How long building and running may take, in seconds: a test that waits for ever is one that failed.
const LIMIT_S: u32 = 1200;

/// What the tests of one test program gave.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    passed: usize,
    failed: Vec<String>,
    ignored: Vec<String>,
}

/// Runs the unit tests of the workspace.
pub fn run(gate: &mut Gate<'_>) {
    match cargo_test(gate) {
        Ok(outcome) => {
            gate.tally.passed(outcome.passed);
            for name in &outcome.failed {
                gate.tally.failed(&format!("unit: {name}"), "see what it printed in the log gate-unit.log");
            }
            for name in &outcome.ignored {
                gate.tally.skipped(&format!("unit: {name}"), "marked #[ignore]");
            }
        }
        Err(error) => gate.tally.failed("unit: cargo test", &format!("{error:#}")),
    }
}

fn cargo_test(gate: &Gate<'_>) -> Result<Outcome> {
    let log = gate.project.log("gate-unit")?;
    let _ = fs::remove_file(&log);
    let mut command = exec::command("timeout");
    command
        .arg(LIMIT_S.to_string())
        .args(["cargo", "test", "--no-fail-fast"])
        .current_dir(gate.project.root());
    match gate.package {
        Some(package) => command.args(["--package", package]),
        None => command.arg("--workspace"),
    };
    let step = gate.ui.step("Building and running the unit tests");
    let ran = exec::run(command, &log, &step);
    let text = fs::read(&log).with_context(|| format!("cannot read {}", log.display()))?;
    let outcome = parse(&String::from_utf8_lossy(&text));
    // A failure without a failed test: a test program did not build, or died.
    if outcome.failed.is_empty() {
        ran?;
    }
    if outcome.passed == 0 && outcome.failed.is_empty() {
        bail!("no test ran");
    }
    step.done();
    Ok(outcome)
}

/// Reads the output of `cargo test`: the counts from each test program's closing line (what a test prints cannot disturb
/// that one), the names from the lists.
fn parse(text: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let mut program = String::new();
    for line in text.lines() {
        if let Some(rest) = line.trim().strip_prefix("Running ") {
            program = program_name(rest);
        } else if let Some(rest) = line.trim().strip_prefix("Doc-tests ") {
            program = format!("{rest} (documentation)");
        } else if let Some(rest) = line.strip_prefix("test result: ") {
            outcome.passed += count(rest, "passed");
        } else if let Some(rest) = line.strip_prefix("test ") {
            if let Some(name) = rest.strip_suffix(" ... FAILED") {
                outcome.failed.push(format!("{program}::{name}"));
            } else if let Some((name, verdict)) = rest.rsplit_once(" ... ")
                && verdict.starts_with("ignored")
            {
                outcome.ignored.push(format!("{program}::{name}"));
            }
        }
    }
    outcome
}

/// `unittests src/lib.rs (target/debug/deps/hal-0123)` is the program `hal`.
fn program_name(text: &str) -> String {
    let path = text.rsplit_once('(').map_or(text, |(_, path)| path.trim_end_matches(')'));
    let file = path.rsplit('/').next().unwrap_or(path);
    file.rsplit_once('-').map_or(file, |(name, _)| name).to_owned()
}

/// The number before `word` in `ok. 12 passed; 0 failed; …`.
fn count(text: &str, word: &str) -> usize {
    let words: Vec<&str> = text.split([' ', ';']).collect();
    let found = words.windows(2).find_map(|pair| (pair[1] == word).then(|| pair[0].parse().ok()));
    found.flatten().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
     Running unittests src/main.rs (target/debug/deps/xtask-0f3c9e)
running 4 tests
test tally::tests::one ... ok
noise from a child test tally::tests::two ... ok
test tally::tests::three ... FAILED
test guest::slow ... ignored, needs a person
test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
   Doc-tests hal
test kernel/hal/src/lib.rs - x (line 3) ... ok
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.21s
";

    #[test]
    fn counts_come_from_the_closing_lines_and_names_carry_their_program() {
        assert_eq!(
            parse(OUTPUT),
            Outcome {
                passed: 3,
                failed: vec!["xtask::tally::tests::three".to_owned()],
                ignored: vec!["xtask::guest::slow".to_owned()],
            }
        );
    }
}
