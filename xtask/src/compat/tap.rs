//! Reading TAP, the Test Anything Protocol: versions 13 (flat) and 14 (a subtest for each case).
//!
//! A test's name is `case: sentence`, or the description alone where there is no subtest. What is missing is a failure: a
//! case that ends before its plan, a program that ends before its own.

use super::{Ending, Outcome, Test};

/// The name of the failure that stands for what a case or program did not come to.
const WHOLE: &str = "runs to its end";

/// Reads a TAP program's tests.
pub fn read(output: &str, ending: &Ending) -> Vec<Test> {
    let mut reader = Reader::default();
    for line in output.lines() {
        reader.line(line);
    }
    reader.finish(ending)
}

#[derive(Default)]
struct Reader {
    tests: Vec<Test>,
    case: Option<String>,
    /// Results of the case so far, and its plan once it has come.
    case_results: usize,
    case_plan: Option<usize>,
    results: usize,
    plan: Option<usize>,
    /// A comment belongs to the test that failed before it.
    failed_last: bool,
}

/// A result line: whether it is `ok`, its description, and what follows the `#`.
struct Line<'a> {
    good: bool,
    description: &'a str,
    remark: &'a str,
}

impl<'a> Line<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (good, rest) = match text.strip_prefix("not ok") {
            Some(rest) => (false, rest),
            None => (true, text.strip_prefix("ok")?),
        };
        if !rest.is_empty() && !rest.starts_with(' ') {
            return None;
        }
        let rest = rest.trim_start().trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
        let rest = rest.strip_prefix('-').unwrap_or(rest).trim();
        let (description, remark) = rest.split_once(" # ").unwrap_or((rest, ""));
        Some(Self { good, description: description.trim(), remark: remark.trim() })
    }

    fn outcome(&self) -> Outcome {
        let directive = self.remark.get(..4).unwrap_or_default();
        match self.good {
            _ if directive.eq_ignore_ascii_case("skip") => Outcome::Skipped,
            true => Outcome::Passed,
            false => Outcome::Failed,
        }
    }
}

impl Reader {
    fn line(&mut self, line: &str) {
        let (inner, text) = match line.strip_prefix("    ") {
            Some(text) => (true, text),
            None => (false, line),
        };
        if let Some(name) = text.strip_prefix("# Subtest: ") {
            self.end_case("is followed by another case");
            self.case = Some(name.trim().to_owned());
        } else if let Some(plan) = text.strip_prefix("1..") {
            let count = plan.split_whitespace().next().and_then(|count| count.parse().ok());
            if inner { self.case_plan = count } else { self.plan = count }
        } else if let Some(comment) = text.strip_prefix('#') {
            self.comment(comment.trim());
        } else if let Some(result) = Line::parse(text) {
            match (inner, self.case.as_ref()) {
                (true, Some(_)) => self.assertion(&result),
                (false, Some(case)) if *case == result.description => self.case_result(&result),
                (false, _) => self.flat(&result),
                (true, None) => {}
            }
        }
    }

    fn comment(&mut self, comment: &str) {
        if let Some(test) = self.tests.last_mut().filter(|_| self.failed_last) {
            if !test.detail.is_empty() {
                test.detail.push_str("; ");
            }
            test.detail.push_str(comment);
        }
    }

    fn assertion(&mut self, result: &Line<'_>) {
        self.case_results += 1;
        let case = self.case.clone().unwrap_or_default();
        self.push(format!("{case}: {}", result.description), result.outcome(), result.remark);
    }

    fn flat(&mut self, result: &Line<'_>) {
        self.results += 1;
        self.push(result.description.to_owned(), result.outcome(), result.remark);
    }

    fn case_result(&mut self, result: &Line<'_>) {
        self.results += 1;
        if result.good || self.case_plan == Some(self.case_results) {
            // Its assertions say all there is to say, unless some are missing.
            self.end_case("ends before its plan");
        } else {
            self.case_plan = None;
            self.end_case(if result.remark.is_empty() { "ends early" } else { result.remark });
        }
    }

    /// Closes the case under way; when its plan was not kept, that is a failed test with this reason.
    fn end_case(&mut self, reason: &str) {
        let results = std::mem::take(&mut self.case_results);
        let plan = self.case_plan.take();
        if let Some(case) = self.case.take()
            && plan != Some(results)
        {
            self.push(format!("{case}: {WHOLE}"), Outcome::Failed, reason);
        }
    }

    fn push(&mut self, name: String, outcome: Outcome, detail: &str) {
        self.failed_last = outcome == Outcome::Failed;
        self.tests.push(Test::new(unique(&self.tests, name), outcome, detail));
    }

    fn finish(mut self, ending: &Ending) -> Vec<Test> {
        self.end_case("the program ended in the middle of it");
        let reason = match ending {
            Ending::Exited(status @ 129..) => Some(format!("killed by signal {}", status - 128)),
            Ending::Exited(_) => None,
            Ending::TooLate => Some("not finished in time".to_owned()),
            Ending::Lost(reason) | Ending::NotRun(reason) => Some(reason.clone()),
        };
        let reason = reason.or_else(|| match self.plan {
            Some(plan) if plan == self.results => None,
            Some(plan) => Some(format!("{} of {plan} results", self.results)),
            None => Some("printed no plan".to_owned()),
        });
        if let Some(reason) = reason {
            self.push(WHOLE.to_owned(), Outcome::Failed, &reason);
        }
        self.tests
    }
}

/// `name`, with a number behind it when there is a test of that name already.
pub fn unique(tests: &[Test], name: String) -> String {
    let taken = |name: &str| tests.iter().any(|test| test.name == name);
    if !taken(&name) {
        return name;
    }
    let mut number = 2;
    loop {
        let candidate = format!("{name} ({number})");
        if !taken(&candidate) {
            return candidate;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_ok(output: &str) -> Vec<(String, Outcome)> {
        let tests = read(output, &Ending::Exited(0));
        tests.into_iter().map(|test| (test.name, test.outcome)).collect()
    }

    fn expect(output: &str, expected: &[(&str, Outcome)]) {
        let expected: Vec<(String, Outcome)> =
            expected.iter().map(|(name, outcome)| ((*name).to_owned(), *outcome)).collect();
        assert_eq!(read_ok(output), expected);
    }

    const CASE: &str = "TAP version 14\n1..1\n    # Subtest: opening\n    ok 1 - it opens\n    not ok 2 - it closes\n    # line 3\n    1..2\nnot ok 1 - opening # ended early\n";

    #[test]
    fn assertions_of_a_case_are_tests_named_after_it() {
        expect(CASE, &[("opening: it opens", Outcome::Passed), ("opening: it closes", Outcome::Failed)]);
    }

    #[test]
    fn a_comment_behind_a_failure_is_its_detail() {
        let tests = read(CASE, &Ending::Exited(1));
        assert_eq!(tests[0].detail, "");
        assert_eq!(tests[1].detail, "line 3");
    }

    #[test]
    fn a_case_that_dies_is_a_failure_of_its_own() {
        let output = "1..2\n    # Subtest: a\n    ok 1 - x\nnot ok 1 - a # killed by signal 11\n    # Subtest: b\n    ok 1 - y\n    1..1\nok 2 - b\n";
        expect(
            output,
            &[("a: x", Outcome::Passed), ("a: runs to its end", Outcome::Failed), ("b: y", Outcome::Passed)],
        );
        assert_eq!(read(output, &Ending::Exited(1))[1].detail, "killed by signal 11");
    }

    #[test]
    fn a_program_that_stops_in_a_case_fails_there_and_as_a_whole() {
        let output = "1..2\n    # Subtest: a\n    ok 1 - x\n";
        expect(
            output,
            &[
                ("a: x", Outcome::Passed),
                ("a: runs to its end", Outcome::Failed),
                ("runs to its end", Outcome::Failed),
            ],
        );
    }

    #[test]
    fn flat_results_stand_for_themselves() {
        expect(
            "TAP version 13\n1..3\nok 1 one\nok 2 two # SKIP no such thing\nnot ok 3 - three # why\n",
            &[("one", Outcome::Passed), ("two", Outcome::Skipped), ("three", Outcome::Failed)],
        );
    }

    #[test]
    fn missing_results_fail_the_program() {
        expect("1..2\nok 1 one\n", &[("one", Outcome::Passed), ("runs to its end", Outcome::Failed)]);
        expect("", &[("runs to its end", Outcome::Failed)]);
    }

    #[test]
    fn a_lost_machine_is_told() {
        let tests = read("1..1\nok 1 one\n", &Ending::Lost("the machine died".into()));
        assert_eq!(tests[1].detail, "the machine died");
    }

    #[test]
    fn a_repeated_name_gets_a_number() {
        expect("1..2\nok 1 same\nok 2 same\n", &[("same", Outcome::Passed), ("same (2)", Outcome::Passed)]);
    }

    #[test]
    fn other_lines_are_no_results() {
        expect("1..1\nokay then\nhello\nok 1 - one\n", &[("one", Outcome::Passed)]);
    }
}
