//! Finding where two kernels differ.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Outcome, Program, Run};

/// A test that does not give the same on both kernels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `program/test`.
    pub test: String,
    /// On Linux; `None` where there was no such test.
    pub linux: Option<Outcome>,
    /// On Serix.
    pub serix: Option<Outcome>,
    /// What was said beside it on Serix.
    pub detail: String,
}

/// A test's full name within its suite.
pub fn full_name(program: &str, test: &str) -> String {
    format!("{program}/{test}")
}

/// Whether a test's full name is one of this program.
pub fn is_of(program: &str, test: &str) -> bool {
    test.strip_prefix(program).is_some_and(|rest| rest.starts_with('/'))
}

/// Those of the programs that have one of the tests, which are given with their full names.
pub fn programs_of<'a>(programs: &[&'a Program], tests: &[String]) -> Vec<&'a Program> {
    let has_one = |program: &Program| tests.iter().any(|test| is_of(&program.name, test));
    programs.iter().copied().filter(|program| has_one(program)).collect()
}

/// Puts newer runs in the place of the older ones of the same programs.
pub fn replace(runs: &mut [Run], newer: Vec<Run>) {
    for new in newer {
        if let Some(old) = runs.iter_mut().find(|run| run.program == new.program) {
            *old = new;
        }
    }
}

/// All tests that differ, in Linux's order; tests that only Serix has follow.
pub fn differences(linux: &[Run], serix: &[Run]) -> Vec<Difference> {
    let mut others: BTreeMap<String, (Outcome, &str)> = BTreeMap::new();
    let mut order = Vec::new();
    for run in serix {
        for test in &run.tests {
            let name = full_name(&run.program, &test.name);
            order.push(name.clone());
            others.insert(name, (test.outcome, &test.detail));
        }
    }
    let mut found = Vec::new();
    for run in linux {
        for test in &run.tests {
            let name = full_name(&run.program, &test.name);
            let other = others.remove(&name);
            if other.map(|(outcome, _)| outcome) != Some(test.outcome) {
                found.push(Difference {
                    test: name,
                    linux: Some(test.outcome),
                    serix: other.map(|(outcome, _)| outcome),
                    detail: other.map(|(_, detail)| detail.to_owned()).unwrap_or_default(),
                });
            }
        }
    }
    for name in order {
        if let Some((outcome, detail)) = others.remove(&name) {
            found.push(Difference {
                test: name,
                linux: None,
                serix: Some(outcome),
                detail: detail.to_owned(),
            });
        }
    }
    found
}

/// The full names of the tests that failed, with what was said.
pub fn failures(runs: &[Run]) -> Vec<String> {
    let mut found = Vec::new();
    for run in runs {
        for test in run.tests.iter().filter(|test| test.outcome == Outcome::Failed) {
            let name = full_name(&run.program, &test.name);
            found.push(if test.detail.is_empty() { name } else { format!("{name} ({})", test.detail) });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compat::Test;

    fn run(program: &str, tests: &[(&str, Outcome)]) -> Run {
        let tests = tests.iter().map(|(name, outcome)| Test::new(*name, *outcome, "")).collect();
        Run { program: program.to_owned(), tests }
    }

    #[test]
    fn equal_results_are_no_difference() {
        let runs = [run("p", &[("a", Outcome::Passed), ("b", Outcome::Failed)])];
        assert_eq!(differences(&runs, &runs), []);
    }

    #[test]
    fn another_outcome_a_missing_and_an_additional_test_are_differences() {
        let linux = [run("p", &[("a", Outcome::Passed), ("b", Outcome::Passed), ("c", Outcome::Failed)])];
        let serix = [run("p", &[("a", Outcome::Failed), ("d", Outcome::Failed), ("c", Outcome::Passed)])];
        let found = differences(&linux, &serix);
        let names: Vec<&str> = found.iter().map(|difference| &*difference.test).collect();
        assert_eq!(names, ["p/a", "p/b", "p/c", "p/d"]);
        assert_eq!((found[1].linux, found[1].serix), (Some(Outcome::Passed), None));
        assert_eq!((found[3].linux, found[3].serix), (None, Some(Outcome::Failed)));
    }

    #[test]
    fn the_same_test_of_another_program_is_another() {
        let linux = [run("p", &[("a", Outcome::Passed)]), run("q", &[("a", Outcome::Failed)])];
        let serix = [run("p", &[("a", Outcome::Failed)]), run("q", &[("a", Outcome::Passed)])];
        assert_eq!(differences(&linux, &serix).len(), 2);
    }

    #[test]
    fn a_test_is_of_the_program_whose_whole_name_it_begins_with() {
        assert!(is_of("p", "p/a") && is_of("p", "p/q/a") && is_of("p/q", "p/q/a"));
        assert!(!is_of("p", "pq/a") && !is_of("p", "p") && !is_of("a", "p/a"));
    }

    #[test]
    fn a_newer_run_takes_the_place_of_its_program() {
        let mut runs = vec![run("p", &[("a", Outcome::Failed)]), run("q", &[("a", Outcome::Failed)])];
        replace(&mut runs, vec![run("q", &[("a", Outcome::Passed)])]);
        assert_eq!(failures(&runs), ["p/a"]);
    }
}
