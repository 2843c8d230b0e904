//! The compatibility runner: the same programs on Linux, which is right, and on Serix, which has to be.
//!
//! - [`suites`] says what there is to run; a suite is a list of [`Program`]s, each with its tests.
//! - [`machine`] runs programs in a guest; a program that takes the machine down costs only itself.
//! - [`tap`], [`lines`] and [`suites`] read what programs print as [`Test`]s.
//! - [`reference`] keeps Linux's results in the checkout, so that they need not be taken each time.
//! - [`known`] are the differences that may be, each with the mechanism behind it; [`compare`] finds the others.
//! - [`open`] are those that are still to go.
//! - [`report`] is what comes of it.

mod arguments;
mod compare;
mod known;
mod lines;
mod linux_source;
mod machine;
pub mod open;
mod reference;
mod report;
mod suites;
mod tap;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

pub use arguments::{CompatArguments, command};
pub use report::{Report, SuiteReport};
pub use suites::Selection;
pub use tap::read as read_tap;

use crate::guest::{Kernel, TargetArguments};
use crate::linux;
use crate::project::Project;
use crate::ui::Ui;

use known::Known;
use reference::Reference;

/// What became of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It held.
    Passed,
    /// It did not hold.
    Failed,
    /// It could not be made there.
    Skipped,
}

/// A test that was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Test {
    /// Unique within its program.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What the program said beside it; empty when nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Test {
    fn new(name: impl Into<String>, outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { name: name.into(), outcome, detail: detail.into() }
    }
}

/// How a program's run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With this status; 128 + signal when it was killed.
    Exited(u8),
    /// Not before its time was up; it was killed.
    TooLate,
    /// It took the machine with it, or the machine stopped answering. The text says which, with the console's last lines.
    Lost(String),
    /// It was not started. The text says why.
    NotRun(String),
}

/// A program of a suite.
pub struct Program {
    /// Unique within the suite.
    pub name: String,
    /// What a shell in the guest runs.
    pub command: String,
    /// How long it may take in the guest, on a busy machine.
    pub limit: Duration,
    /// Changes when its results may: a hash of what it is made of.
    pub content: String,
    /// Reads its tests from what it printed and how it ended.
    pub read: fn(&str, &Ending) -> Vec<Test>,
}

/// A suite that is ready to run.
pub struct Suite {
    /// What it is called.
    pub name: &'static str,
    /// Files and folders of the host that its programs need, with their places in the guest.
    pub additions: Vec<(PathBuf, String)>,
    /// Its programs, in the order in which they run.
    pub programs: Vec<Program>,
    /// Every test has to pass on Linux; a foreign suite may hold some that cannot.
    pub flawless: bool,
}

/// A program's tests.
#[derive(Clone, Debug)]
pub struct Run {
    /// The program.
    pub program: String,
    /// Its tests, in their order.
    pub tests: Vec<Test>,
}

/// What `run` may do with the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceUse {
    /// Linux's results come from the reference where it is current; what is not is taken afresh and not kept.
    Trust,
    /// Everything is taken afresh, and compared with the reference. A program that gives something else is run once more: on a
    /// busy machine it may have been the moment, and a result that changed gives the same again.
    Check,
    /// Everything is taken afresh and kept.
    Retake,
}

/// Runs the selected suites (all, when none is named) on the kernels and compares.
///
/// # Errors
/// A suite cannot be prepared, a guest cannot be started, or a file of the checkout cannot be read or written. A test that
/// fails is none: it is in the report.
pub fn run(
    project: &Project,
    ui: &Ui,
    selections: &[Selection],
    kernels: &[Kernel],
    reference_use: ReferenceUse,
) -> Result<Report> {
    run_with(project, ui, selections, kernels, reference_use, &TargetArguments::default())
}

/// As [`run`], with the machine that `target` chooses.
///
/// # Errors
/// As there.
pub fn run_with(
    project: &Project,
    ui: &Ui,
    selections: &[Selection],
    kernels: &[Kernel],
    reference_use: ReferenceUse,
    target: &TargetArguments,
) -> Result<Report> {
    let known = Known::read(project.root())?;
    let version = linux::image(project, ui)?.version;
    let mut report = Report::new(&version);
    for (id, wanted) in suites::selected(selections) {
        let mut suite = id.prepare(project, ui)?;
        let all: Vec<String> = suite.programs.iter().map(|program| program.name.clone()).collect();
        let whole = wanted.is_empty();
        if !whole {
            suites::narrow(&mut suite, &wanted)?;
        }
        let mut reference = Reference::read(project.root(), suite.name)?;
        let live = |programs: &[&Program], kernel: Kernel| {
            machine::run(project, ui, &suite, programs, target.apply(kernel))
        };

        let compared = kernels.contains(&Kernel::Serix);
        let mut entry = SuiteReport::new(suite.name, whole);
        let trusted = compared && reference_use == ReferenceUse::Trust;
        let (kept, stale): (Vec<&Program>, Vec<&Program>) =
            suite.programs.iter().partition(|program| trusted && reference.is_current(program, &version));
        if !kernels.contains(&Kernel::Linux)
            && let Some(program) = stale.first()
        {
            bail!(
                "the reference has no current results of {}/{}: run Linux too, or keep them with --retake",
                suite.name,
                program.name
            );
        }
        let mut linux_runs: Vec<Run> = kept.iter().filter_map(|program| reference.run(program)).collect();
        entry.from_reference = linux_runs.len();
        let mut taken = live(&stale, Kernel::Linux)?;
        if reference_use == ReferenceUse::Retake {
            reference.replace(&suite, &taken, &version, &all)?;
        } else {
            entry.strays = reference.strays(&suite, &taken, &version);
            if reference_use == ReferenceUse::Check && !entry.strays.is_empty() {
                println!("on Linux: not what the reference says: {}; asked again", entry.strays.join(", "));
                let again = compare::programs_of(&stale, &entry.strays);
                compare::replace(&mut taken, live(&again, Kernel::Linux)?);
                entry.strays = reference.strays(&suite, &taken, &version);
            }
        }
        linux_runs.extend(taken);
        linux_runs.sort_by_key(|run| suite.programs.iter().position(|program| program.name == run.program));
        if suite.flawless {
            entry.flaws = compare::failures(&linux_runs);
        }
        if compared {
            let programs: Vec<&Program> = suite.programs.iter().collect();
            let serix_runs = live(&programs, Kernel::Serix)?;
            entry.compare(&linux_runs, &serix_runs, &known);
            entry.serix = Some(serix_runs);
        }
        entry.linux = linux_runs;
        report.suites.push(entry);
    }
    report.known_problems = known.problems(&report.suites);
    Ok(report)
}
