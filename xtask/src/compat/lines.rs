//! Reading what a program printed as tests, line by line: each line is one, and what matters is that both kernels give the
//! same lines.

use std::collections::BTreeMap;

use super::{Ending, Outcome, Test, tap};

/// What begins a section. Lines are numbered within theirs, so a lost one does not make all that follow differ.
const SECTION: &str = "== ";

/// A line's test is called `section 3: text`; an end that is none is one more test, which fails.
pub fn read(output: &str, ending: &Ending) -> Vec<Test> {
    let mut tests: Vec<Test> = Vec::new();
    let mut section = "start";
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for line in output.lines() {
        if let Some(name) = line.strip_prefix(SECTION) {
            section = name;
        } else if !line.is_empty() {
            let number = numbers.entry(section).or_default();
            *number += 1;
            tests.push(Test::new(format!("{section} {number}: {line}"), Outcome::Passed, ""));
        }
    }
    let reason = match ending {
        Ending::Exited(status) => {
            tests.push(Test::new(format!("ends with status {status}"), Outcome::Passed, ""));
            return tests;
        }
        Ending::TooLate => "not finished in time",
        Ending::Lost(reason) | Ending::NotRun(reason) => reason,
    };
    let name = tap::unique(&tests, "runs to its end".to_owned());
    tests.push(Test::new(name, Outcome::Failed, reason));
    tests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_in_their_sections() {
        let tests = read("a\n\n== one\nb\nb\n== two\nc\n", &Ending::Exited(3));
        let names: Vec<&str> = tests.iter().map(|test| &*test.name).collect();
        assert_eq!(names, ["start 1: a", "one 1: b", "one 2: b", "two 1: c", "ends with status 3"]);
        assert!(tests.iter().all(|test| test.outcome == Outcome::Passed));
    }

    #[test]
    fn what_does_not_end_fails() {
        let tests = read("a\n", &Ending::Lost("it died".to_owned()));
        assert_eq!(tests[1], Test::new("runs to its end", Outcome::Failed, "it died"));
    }
}
