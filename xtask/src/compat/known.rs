//! The differences that may be: one file, at most one in a hundred tests of a suite, each with the mechanism behind it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::SuiteReport;
use super::suites::Id;

/// The file, below the checkout.
pub const FILE: &str = "compat-tests/known-differences.toml";

/// One test in so many may differ.
const ONE_IN: usize = 100;

/// What the file says.
#[derive(Debug, Default)]
pub struct Known {
    entries: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    difference: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    suite: String,
    test: String,
    mechanism: String,
}

impl Known {
    /// Reads the file of the checkout at `root`.
    ///
    /// # Errors
    /// It cannot be read, or breaks a rule: a suite that is none, an empty mechanism, a test that is listed twice.
    pub fn read(root: &Path) -> Result<Self> {
        let path = root.join(FILE);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is wrong", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let file: File = toml::from_str(text)?;
        let mut seen = BTreeSet::new();
        for entry in &file.difference {
            if Id::named(&entry.suite).is_none() {
                bail!("there is no suite `{}`", entry.suite);
            }
            if entry.mechanism.trim().is_empty() {
                bail!("`{}` of {} names no mechanism", entry.test, entry.suite);
            }
            if !seen.insert((&entry.suite, &entry.test)) {
                bail!("`{}` of {} is listed twice", entry.test, entry.suite);
            }
        }
        Ok(Self { entries: file.difference })
    }

    /// Says whether this test of this suite may differ. Names are compared as they are; there are no patterns.
    pub fn allows(&self, suite: &str, test: &str) -> bool {
        self.entries.iter().any(|entry| entry.suite == suite && entry.test == test)
    }

    /// What is wrong with the list, given what was found: entries whose difference has gone, suites with too many.
    ///
    /// Only suites that were compared are judged, and one that was run in part only for the tests that it ran.
    pub fn problems(&self, suites: &[SuiteReport]) -> Vec<String> {
        let mut problems = Vec::new();
        for suite in suites.iter().filter(|suite| suite.serix.is_some()) {
            let listed: Vec<&Entry> = self.entries.iter().filter(|entry| entry.suite == suite.name).collect();
            for entry in &listed {
                let differs = suite.differences.iter().any(|difference| difference.test == entry.test);
                if !differs && (suite.whole || suite.ran(&entry.test)) {
                    problems.push(format!(
                        "{}: `{}` no longer differs, or there is no such test: its entry in {FILE} has to go",
                        suite.name, entry.test
                    ));
                }
            }
            let total = suite.tests_on_linux();
            if suite.whole && listed.len() * ONE_IN > total {
                problems.push(format!(
                    "{}: {} known differences are more than one in {ONE_IN} of its {total} tests",
                    suite.name,
                    listed.len()
                ));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compat::{Outcome, Run, Test};

    fn entry(test: &str) -> String {
        format!("[[difference]]\nsuite = 'own'\ntest = '{test}'\nmechanism = 'no swap'\n")
    }

    fn suite(total: usize, differing: &[usize], whole: bool, known: &Known) -> SuiteReport {
        let tests = |serix: bool| -> Vec<Test> {
            (0..total)
                .map(|index| {
                    let good = !serix || !differing.contains(&index);
                    Test::new(format!("t{index}"), if good { Outcome::Passed } else { Outcome::Failed }, "")
                })
                .collect()
        };
        let mut report = SuiteReport::new("own", whole);
        report.linux = vec![Run { program: "p".into(), tests: tests(false) }];
        let serix = vec![Run { program: "p".into(), tests: tests(true) }];
        report.compare(&report.linux.clone(), &serix, known);
        report.serix = Some(serix);
        report
    }

    #[test]
    fn an_entry_names_a_suite_and_a_mechanism_and_comes_once() {
        assert!(Known::parse(&entry("p/t")).is_ok());
        assert!(Known::parse(&entry("p/t").replace("own", "none")).is_err());
        assert!(Known::parse(&entry("p/t").replace("no swap", " ")).is_err());
        assert!(Known::parse(&entry("p/t").repeat(2)).is_err());
        assert!(Known::parse(&entry("p/t").replace("mechanism", "reason")).is_err());
    }

    #[test]
    fn a_listed_difference_is_known_and_another_is_not() {
        let known = Known::parse(&entry("p/t3")).unwrap();
        let report = suite(200, &[3, 4], true, &known);
        assert_eq!(report.unknown().count(), 1);
        assert_eq!(report.unknown().next().unwrap().test, "p/t4");
        assert!(known.problems(&[report]).is_empty());
    }

    #[test]
    fn names_are_no_patterns() {
        let known = Known::parse(&entry("p/*")).unwrap();
        let report = suite(200, &[3], true, &known);
        assert_eq!(report.unknown().count(), 1);
        assert_eq!(known.problems(&[report]).len(), 1);
    }

    #[test]
    fn a_difference_that_has_gone_is_a_problem() {
        let known = Known::parse(&entry("p/t3")).unwrap();
        assert_eq!(known.problems(&[suite(200, &[], true, &known)]).len(), 1);
    }

    #[test]
    fn a_part_of_a_suite_says_nothing_of_the_tests_it_left_out() {
        let known = Known::parse(&entry("q/t3")).unwrap();
        assert!(known.problems(&[suite(200, &[], false, &known)]).is_empty());
        assert_eq!(known.problems(&[suite(200, &[], true, &known)]).len(), 1);
    }

    #[test]
    fn more_than_one_in_a_hundred_is_a_problem() {
        let known = Known::parse(&(entry("p/t1") + &entry("p/t2"))).unwrap();
        assert!(known.problems(&[suite(200, &[1, 2], true, &known)]).is_empty());
        assert_eq!(known.problems(&[suite(199, &[1, 2], true, &known)]).len(), 1);
    }
}
