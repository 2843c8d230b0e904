//! Linux's results, kept in the checkout, so that they need not be taken each time.
//!
//! A program's results are current while the program and the Linux they were taken from are the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::compare;
use super::{Outcome, Program, Run, Suite, Test};

/// The folder of the files, below the checkout.
const FOLDER: &str = "compat-tests/reference";

/// The reference results of a suite.
pub struct Reference {
    path: PathBuf,
    programs: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The Linux that gave the results.
    linux: String,
    /// The program that gave them.
    content: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    passed: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    failed: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    skipped: Vec<String>,
}

impl Entry {
    fn new(linux: &str, content: &str, tests: &[Test]) -> Self {
        let of = |outcome| {
            tests.iter().filter(|test| test.outcome == outcome).map(|test| test.name.clone()).collect()
        };
        Self {
            linux: linux.to_owned(),
            content: content.to_owned(),
            passed: of(Outcome::Passed),
            failed: of(Outcome::Failed),
            skipped: of(Outcome::Skipped),
        }
    }

    fn tests(&self) -> Vec<Test> {
        let of = |names: &[String], outcome| -> Vec<Test> {
            names.iter().map(|name| Test::new(name, outcome, "")).collect()
        };
        let mut tests = of(&self.passed, Outcome::Passed);
        tests.extend(of(&self.failed, Outcome::Failed));
        tests.extend(of(&self.skipped, Outcome::Skipped));
        tests
    }
}

impl Reference {
    /// Reads the reference of a suite; there may be none yet.
    pub fn read(root: &Path, suite: &str) -> Result<Self> {
        let path = root.join(FOLDER).join(format!("{suite}.json"));
        let programs = match fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).with_context(|| format!("{} is wrong", path.display()))?
            }
            Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        Ok(Self { path, programs })
    }

    /// Says whether it holds this program's results on this Linux.
    pub fn is_current(&self, program: &Program, linux: &str) -> bool {
        self.programs
            .get(&program.name)
            .is_some_and(|entry| entry.linux == linux && entry.content == program.content)
    }

    /// A program's results.
    pub fn run(&self, program: &Program) -> Option<Run> {
        let entry = self.programs.get(&program.name)?;
        Some(Run { program: program.name.clone(), tests: entry.tests() })
    }

    /// Takes over results and writes the file; forgets programs that are not in `all`, the suite's whole list.
    pub fn replace(&mut self, suite: &Suite, runs: &[Run], linux: &str, all: &[String]) -> Result<()> {
        for run in runs {
            if let Some(program) = suite.programs.iter().find(|program| program.name == run.program) {
                let entry = Entry::new(linux, &program.content, &run.tests);
                self.programs.insert(run.program.clone(), entry);
            }
        }
        let all: BTreeSet<&String> = all.iter().collect();
        self.programs.retain(|name, _| all.contains(name));
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let text = serde_json::to_string_pretty(&self.programs).context("cannot write results as JSON")?;
        fs::write(&self.path, text + "\n").with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// The tests whose fresh results on Linux are not what the current reference says: they are not steady.
    pub fn strays(&self, suite: &Suite, runs: &[Run], linux: &str) -> Vec<String> {
        let mut strays = Vec::new();
        for run in runs {
            let program = suite.programs.iter().find(|program| program.name == run.program);
            if let Some(program) = program.filter(|program| self.is_current(program, linux))
                && let Some(kept) = self.run(program)
            {
                let found = compare::differences(&[kept], std::slice::from_ref(run));
                strays.extend(found.into_iter().map(|difference| difference.test));
            }
        }
        strays
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::compat::tap;

    fn program(content: &str) -> Program {
        Program {
            name: "p".into(),
            command: "p".into(),
            limit: Duration::from_secs(1),
            content: content.into(),
            read: tap::read,
        }
    }

    fn suite() -> Suite {
        Suite { name: "own", additions: Vec::new(), programs: vec![program("1")], flawless: true }
    }

    fn results(outcome: Outcome) -> Vec<Run> {
        vec![Run { program: "p".into(), tests: vec![Test::new("t", outcome, "")] }]
    }

    #[test]
    fn kept_results_are_current_for_the_same_program_and_linux_only() {
        let root = tempfile::tempdir().unwrap();
        let mut reference = Reference::read(root.path(), "own").unwrap();
        assert!(!reference.is_current(&program("1"), "6.1"));
        reference.replace(&suite(), &results(Outcome::Passed), "6.1", &["p".into()]).unwrap();
        let reference = Reference::read(root.path(), "own").unwrap();
        assert!(reference.is_current(&program("1"), "6.1"));
        assert!(!reference.is_current(&program("2"), "6.1"));
        assert!(!reference.is_current(&program("1"), "6.2"));
        assert_eq!(reference.run(&program("1")).unwrap().tests, results(Outcome::Passed)[0].tests);
    }

    #[test]
    fn a_program_that_is_gone_is_forgotten() {
        let root = tempfile::tempdir().unwrap();
        let mut reference = Reference::read(root.path(), "own").unwrap();
        reference.replace(&suite(), &results(Outcome::Passed), "6.1", &[]).unwrap();
        assert!(Reference::read(root.path(), "own").unwrap().run(&program("1")).is_none());
    }

    #[test]
    fn another_result_on_linux_is_a_stray() {
        let root = tempfile::tempdir().unwrap();
        let mut reference = Reference::read(root.path(), "own").unwrap();
        reference.replace(&suite(), &results(Outcome::Passed), "6.1", &["p".into()]).unwrap();
        assert!(reference.strays(&suite(), &results(Outcome::Passed), "6.1").is_empty());
        assert_eq!(reference.strays(&suite(), &results(Outcome::Failed), "6.1"), ["p/t"]);
        assert!(reference.strays(&suite(), &results(Outcome::Failed), "6.2").is_empty());
    }
}
