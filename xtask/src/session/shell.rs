//! The shell session: a long script, run as `run -c` runs it, and compared with Linux section by section.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Check;
use super::output::{Sections, difference, normalise};
use super::reference::Reference;
use crate::guest::{self, Captured, End, Kernel, Machine, Target};
use crate::linux;
use crate::project::Project;
use crate::ui::Ui;

/// Linux takes some 15 seconds, the boot included.
const TIMEOUT: Duration = Duration::from_secs(300);

/// How often Linux must give the same before it is a reference.
const RUNS: u64 = 5;

/// Runs the session on this kernel and compares: a check for each section, and one for how it ended.
///
/// # Errors
/// The guest cannot be started, or there is no reference. A difference is a failed check.
pub fn run(project: &Project, ui: &Ui, target: Target) -> Result<Vec<Check>> {
    let kernel = target.kernel;
    let script = script(project)?;
    let reference = Reference::read(project)?;
    let step = ui.step(format!("Running the shell session on {kernel}"));
    let captured = capture(project, ui, target, &script)?;
    step.done();

    let mut checks = vec![Check::new("the reference is this script's", reference.check_script(&script))];
    checks.extend(compare(project, &reference, &captured)?);
    checks.push(Check::new("the session ends with its own status", end(&reference, &captured)));
    Ok(checks)
}

/// Runs the session on Linux several times and makes what it gave the reference, if that was always the same.
pub fn retake(project: &Project, ui: &Ui) -> Result<()> {
    let script = script(project)?;
    let step = ui.steps("Taking the shell session's reference", RUNS);
    let mut first: Option<Reference> = None;
    for _ in 0..RUNS {
        let captured = capture(project, ui, Kernel::Linux.into(), &script)?;
        let version = linux::image(project, ui)?.version;
        match &first {
            None => {
                if !matches!(captured.end, End::Exited(_)) {
                    bail!("the session does not run to its end: {:?}\n{}", captured.end, captured.log);
                }
                first = Some(Reference::new(&version, &script, captured));
            }
            Some(reference) => {
                end(reference, &captured)?;
                for check in compare(project, reference, &captured)? {
                    if let Some(failure) = check.failure {
                        bail!("Linux gave two different results in section {}:\n{failure}", check.name);
                    }
                }
            }
        }
        step.advance();
    }
    step.done();
    first.context("no run was made")?.write(project)
}

/// The script: its parts in the order of their names.
fn script(project: &Project) -> Result<String> {
    let folder = folder(project).join("script");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut parts: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    parts.retain(|path| path.extension().is_some_and(|extension| extension == "sh"));
    parts.sort();
    let mut script = String::new();
    for part in parts {
        script += &fs::read_to_string(&part).with_context(|| format!("cannot read {}", part.display()))?;
    }
    Ok(script)
}

fn folder(project: &Project) -> PathBuf {
    project.root().join("compat-tests/session")
}

fn capture(project: &Project, ui: &Ui, target: Target, script: &str) -> Result<Captured> {
    // What the script shows of the processors is part of the reference.
    let target = Target { processors: 1, ..target };
    guest::capture(project, ui, &Machine::new(target), script, &[], Some(TIMEOUT))
}

fn compare(project: &Project, reference: &Reference, captured: &Captured) -> Result<Vec<Check>> {
    let sed = folder(project).join("normalise.sed");
    let expected = [normalise(&sed, &reference.stdout)?, normalise(&sed, &reference.stderr)?];
    let actual = [normalise(&sed, &captured.stdout)?, normalise(&sed, &captured.stderr)?];
    let [expected_out, expected_err] = expected.each_ref().map(|written| Sections::cut(written));
    let [actual_out, actual_err] = actual.each_ref().map(|written| Sections::cut(written));
    let check = |name: &str| {
        let differences: Vec<String> = [
            difference("standard output", expected_out.get(name), actual_out.get(name)),
            difference("standard error", expected_err.get(name), actual_err.get(name)),
        ]
        .into_iter()
        .flatten()
        .collect();
        Check { name: title(name), failure: (!differences.is_empty()).then(|| differences.join("\n")) }
    };
    Ok(expected_out.names().map(check).collect())
}

fn title(section: &str) -> String {
    if section.is_empty() { "before the first section".to_owned() } else { section.to_owned() }
}

fn end(reference: &Reference, captured: &Captured) -> Result<()> {
    let expected = End::Exited(reference.taken.status);
    if captured.end != expected {
        bail!("it ended as {:?}, not {expected:?}; the console:\n{}", captured.end, captured.log);
    }
    Ok(())
}
