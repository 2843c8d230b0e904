//! What a run gave: shown as text, kept as text and JSON.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::json;

use super::compare::{self, Difference};
use super::known::Known;
use super::{Outcome, Run};
use crate::project::Project;
use crate::tally::Counts;

/// A run of suites.
pub struct Report {
    /// The version of the reference kernel.
    pub linux: String,
    /// The suites, in the order in which they ran.
    pub suites: Vec<SuiteReport>,
    /// What is wrong with the list of known differences.
    pub known_problems: Vec<String>,
}

/// A run of a suite.
pub struct SuiteReport {
    /// Its name.
    pub name: &'static str,
    /// All its programs were run.
    pub whole: bool,
    /// Linux's results.
    pub linux: Vec<Run>,
    /// How many of those programs' results came from the reference in the checkout.
    pub from_reference: usize,
    /// Serix's results, when it was run.
    pub serix: Option<Vec<Run>>,
    /// Where the two differ.
    pub differences: Vec<Difference>,
    /// Those of them that the list of known differences has.
    pub known: Vec<String>,
    /// Tests that fail on Linux in a suite where none may.
    pub flaws: Vec<String>,
    /// Tests that gave on Linux another result than the reference has for the very same program and kernel.
    pub strays: Vec<String>,
}

/// How many tests passed, failed and were skipped.
fn counts(runs: &[Run]) -> Counts {
    let of = |outcome| runs.iter().flat_map(|run| &run.tests).filter(|test| test.outcome == outcome).count();
    Counts { passed: of(Outcome::Passed), failed: of(Outcome::Failed), skipped: of(Outcome::Skipped) }
}

fn word(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Passed) => "ok",
        Some(Outcome::Failed) => "FAILED",
        Some(Outcome::Skipped) => "skipped",
        None => "missing",
    }
}

impl SuiteReport {
    /// An empty one.
    pub fn new(name: &'static str, whole: bool) -> Self {
        Self {
            name,
            whole,
            linux: Vec::new(),
            from_reference: 0,
            serix: None,
            differences: Vec::new(),
            known: Vec::new(),
            flaws: Vec::new(),
            strays: Vec::new(),
        }
    }

    /// Finds the differences, and which of them are known.
    pub fn compare(&mut self, linux: &[Run], serix: &[Run], known: &Known) {
        self.differences = compare::differences(linux, serix);
        let allowed = self.differences.iter().filter(|difference| known.allows(self.name, &difference.test));
        self.known = allowed.map(|difference| difference.test.clone()).collect();
    }

    /// Linux's counts.
    pub fn on_linux(&self) -> Counts {
        counts(&self.linux)
    }

    /// Serix's counts; none when it was not run.
    pub fn on_serix(&self) -> Counts {
        counts(self.serix.as_deref().unwrap_or_default())
    }

    /// The differences that nobody has listed.
    pub fn unknown(&self) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(|difference| !self.known.contains(&difference.test))
    }

    /// How many tests Linux ran.
    pub fn tests_on_linux(&self) -> usize {
        self.linux.iter().map(|run| run.tests.len()).sum()
    }

    /// The program that a test's full name begins with.
    fn program_of<'a>(&'a self, test: &'a str) -> &'a str {
        let programs = self.linux.iter().map(|run| &*run.program);
        let found = programs.filter(|program| compare::is_of(program, test));
        found.max_by_key(|program| program.len()).unwrap_or(test)
    }

    /// Says whether the test's program was run.
    pub fn ran(&self, test: &str) -> bool {
        self.linux.iter().any(|run| compare::is_of(&run.program, test))
    }

    /// A line a test: its result on Linux, on Serix when that was run, its name.
    pub fn lines(&self) -> String {
        let mut text = String::new();
        let mut serix: BTreeMap<String, Outcome> = BTreeMap::new();
        for run in self.serix.iter().flatten() {
            for test in &run.tests {
                serix.insert(compare::full_name(&run.program, &test.name), test.outcome);
            }
        }
        let mut line = |linux: Option<Outcome>, other: Option<Outcome>, name: &str| {
            let _ = match &self.serix {
                None => writeln!(text, "{:8}{}/{name}", word(linux), self.name),
                Some(_) => writeln!(text, "{:8}{:8}{}/{name}", word(linux), word(other), self.name),
            };
        };
        for run in &self.linux {
            for test in &run.tests {
                let name = compare::full_name(&run.program, &test.name);
                line(Some(test.outcome), serix.remove(&name), &name);
            }
        }
        for (name, outcome) in serix {
            line(None, Some(outcome), &name);
        }
        text
    }

    /// What is wrong, a line each, and the counts.
    pub fn closing(&self) -> String {
        let mut text = String::new();
        for flaw in &self.flaws {
            let _ = writeln!(text, "on Linux: {}/{flaw} failed", self.name);
        }
        for stray in &self.strays {
            let _ = writeln!(text, "on Linux: {}/{stray} is not what the reference says", self.name);
        }
        let mut missing: BTreeMap<&str, usize> = BTreeMap::new();
        for difference in self.unknown() {
            if difference.serix.is_none() {
                *missing.entry(self.program_of(&difference.test)).or_default() += 1;
                continue;
            }
            let _ = write!(
                text,
                "differs: {}/{}: {} on Linux, {} on Serix",
                self.name,
                difference.test,
                word(difference.linux),
                word(difference.serix)
            );
            let _ = match &*difference.detail {
                "" => writeln!(text),
                detail => writeln!(text, " ({detail})"),
            };
        }
        for (program, count) in missing {
            let _ = writeln!(text, "differs: {}/{program}: {count} tests missing on Serix", self.name);
        }
        let total = |runs: &[Run]| runs.iter().map(|run| run.tests.len()).sum::<usize>();
        let source = match self.from_reference {
            0 => String::new(),
            count if count == self.linux.len() => ", from the reference".to_owned(),
            count => format!(", {count} of {} programs from the reference", self.linux.len()),
        };
        let _ = writeln!(
            text,
            "{} on Linux: {} ({} tests{source})",
            self.name,
            self.on_linux(),
            total(&self.linux)
        );
        if let Some(serix) = &self.serix {
            let _ = writeln!(
                text,
                "{} on Serix: {} ({} tests); {} differences, {} of them known",
                self.name,
                counts(serix),
                total(serix),
                self.differences.len(),
                self.known.len()
            );
        }
        text
    }

    /// Says whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.flaws.is_empty() && self.strays.is_empty() && self.unknown().next().is_none()
    }
}

impl Report {
    /// An empty one.
    pub fn new(linux: &str) -> Self {
        Self { linux: linux.to_owned(), suites: Vec::new(), known_problems: Vec::new() }
    }

    /// Says whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.known_problems.is_empty() && self.suites.iter().all(SuiteReport::is_good)
    }

    /// What is wrong and the counts, of all suites.
    pub fn closing(&self) -> String {
        let mut text: String = self.suites.iter().map(SuiteReport::closing).collect();
        for problem in &self.known_problems {
            let _ = writeln!(text, "known differences: {problem}");
        }
        text
    }

    /// Writes the results below `target/` and gives the paths: text, JSON.
    pub fn write(&self, project: &Project) -> Result<(PathBuf, PathBuf)> {
        let folder = project.target().join("compat");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let text: String = self.suites.iter().map(SuiteReport::lines).collect();
        let paths = (folder.join("results.txt"), folder.join("results.json"));
        fs::write(&paths.0, text + &self.closing())
            .with_context(|| format!("cannot write {}", paths.0.display()))?;
        let json = serde_json::to_string_pretty(&self.json()).context("cannot write results as JSON")?;
        fs::write(&paths.1, json + "\n").with_context(|| format!("cannot write {}", paths.1.display()))?;
        Ok(paths)
    }

    fn json(&self) -> serde_json::Value {
        let runs = |runs: &[Run]| -> serde_json::Value {
            let pairs = runs.iter().map(|run| (run.program.clone(), json!(run.tests)));
            serde_json::Value::Object(pairs.collect())
        };
        let counted = |runs: &[Run]| {
            let counts = counts(runs);
            json!({ "passed": counts.passed, "failed": counts.failed, "skipped": counts.skipped })
        };
        let suites = self.suites.iter().map(|suite| {
            json!({
                "suite": suite.name,
                "whole": suite.whole,
                "linux": { "counts": counted(&suite.linux), "programs": runs(&suite.linux) },
                "serix": suite.serix.as_ref().map(|serix| json!({ "counts": counted(serix), "programs": runs(serix) })),
                "differences": suite.differences,
                "known": suite.known,
                "not_steady_on_linux": suite.strays,
            })
        });
        json!({
            "linux": self.linux,
            "good": self.is_good(),
            "suites": suites.collect::<Vec<_>>(),
            "known_differences": self.known_problems,
        })
    }
}
