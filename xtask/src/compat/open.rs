//! The differences that are still to go: a plain list in the checkout, which has to be exact.
//!
//! It is not the list of differences that may stay ([`super::known`]). A test that differs and is not listed fails the gate, and so
//! does a listed one that differs no more: the list only ever tells what there is, and shrinks.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::SuiteReport;

/// The file, below the checkout.
pub const FILE: &str = "compat-tests/open-differences.txt";

/// What the file says: full names, with the suite's before them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Open(BTreeSet<String>);

/// Where the list and what was found disagree.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Disagreement {
    /// Tests that differ and are not listed, with what was said beside them.
    pub missing: Vec<(String, String)>,
    /// Tests that are listed and do not differ.
    pub surplus: Vec<String>,
    /// How many are listed and differ.
    pub agreed: usize,
}

impl Open {
    /// Reads the file of the checkout at `root`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(root: &Path) -> Result<Self> {
        let path = root.join(FILE);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self::parse(&text))
    }

    /// A line a test; those that begin with `#` are remarks.
    fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim_end);
        Self(lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect())
    }

    /// Writes the list of the checkout at `root` anew: what the suites ran differs as they found, the rest stays.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn keep(root: &Path, suites: &[SuiteReport]) -> Result<()> {
        let path = root.join(FILE);
        let old = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let remarks = old.lines().filter(|line| line.starts_with('#'));
        let list = Self::parse(&old).updated(suites);
        let text: String =
            remarks.chain(list.0.iter().map(String::as_str)).flat_map(|line| [line, "\n"]).collect();
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    fn updated(mut self, suites: &[SuiteReport]) -> Self {
        for suite in suites {
            let prefix = format!("{}/", suite.name);
            self.0.retain(|name| {
                !name.strip_prefix(&prefix).is_some_and(|test| suite.whole || suite.ran(test))
            });
            self.0.extend(suite.unknown().map(|difference| format!("{prefix}{}", difference.test)));
        }
        self
    }

    /// Holds the list against a suite of which every program was run on both kernels.
    pub fn against(&self, suite: &SuiteReport) -> Disagreement {
        let prefix = format!("{}/", suite.name);
        let mut listed: BTreeSet<&str> =
            self.0.iter().map(String::as_str).filter(|name| name.starts_with(&prefix)).collect();
        let mut result = Disagreement::default();
        for difference in suite.unknown() {
            let name = format!("{prefix}{}", difference.test);
            if listed.remove(&*name) {
                result.agreed += 1;
            } else {
                result.missing.push((name, difference.detail.clone()));
            }
        }
        result.surplus = listed.into_iter().map(str::to_owned).collect();
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compat::known::Known;
    use crate::compat::{Outcome, Run, Test};

    fn suite(differing: &[&str]) -> SuiteReport {
        let tests = |serix: bool| {
            let outcome = |name: &str| match serix && differing.contains(&name) {
                true => Outcome::Failed,
                false => Outcome::Passed,
            };
            let tests = ["a", "b", "c"].map(|name| Test::new(name, outcome(name), "said"));
            vec![Run { program: "p".into(), tests: tests.into() }]
        };
        let mut report = SuiteReport::new("own", true);
        report.compare(&tests(false), &tests(true), &Known::default());
        report
    }

    #[test]
    fn keeping_replaces_what_was_run_and_nothing_else() {
        let open = Open::parse("own/p/a\nown/gone/x\nother/p/b\n");
        assert_eq!(open.updated(&[suite(&["b"])]), Open::parse("other/p/b\nown/p/b\n"));
    }

    #[test]
    fn the_list_has_to_be_exact() {
        let open = Open::parse("# a remark\n\nown/p/a\nown/p/c\nother/p/b\n");
        let found = open.against(&suite(&["a", "b"]));
        assert_eq!(found.missing, [("own/p/b".to_owned(), "said".to_owned())]);
        assert_eq!(found.surplus, ["own/p/c"]);
        assert_eq!(found.agreed, 1);
        assert_eq!(open.against(&suite(&["a", "c"])), Disagreement { agreed: 2, ..Disagreement::default() });
    }
}
