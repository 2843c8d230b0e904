//! Named checks, counted: passed, failed, or skipped for a reason that is on the list of allowed skips.
//!
//! A failing check prints its name and reason at once and again at the end, and the run goes on. A skip that
//! `xtask/allowed-skips.toml` does not name is a failure: nothing is left out in silence.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// Where the allowed skips are listed, below the checkout.
pub const ALLOWED_SKIPS: &str = "xtask/allowed-skips.toml";

/// How many checks passed, failed and were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Checks that held.
    pub passed: usize,
    /// Checks that did not hold, and skips that nobody allowed.
    pub failed: usize,
    /// Checks that could not be made, as the list allows.
    pub skipped: usize,
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

impl std::ops::Sub for Counts {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            passed: self.passed - earlier.passed,
            failed: self.failed - earlier.failed,
            skipped: self.skipped - earlier.skipped,
        }
    }
}

/// The counts so far, and what failed.
pub struct Tally {
    allowed: AllowedSkips,
    counts: Counts,
    failures: Vec<String>,
    failed_names: Vec<String>,
}

impl Tally {
    /// Starts at nothing, with the list of allowed skips of the checkout at `root`.
    ///
    /// # Errors
    /// The list cannot be read, or an entry lacks a name or a reason.
    pub fn new(root: &Path) -> Result<Self> {
        Ok(Self {
            allowed: AllowedSkips::read(&root.join(ALLOWED_SKIPS))?,
            counts: Counts::default(),
            failures: Vec::new(),
            failed_names: Vec::new(),
        })
    }

    /// Makes a check: it passes unless `work` fails; the error is the reason.
    pub fn check(&mut self, name: &str, work: impl FnOnce() -> Result<()>) {
        match work() {
            Ok(()) => self.passed(1),
            Err(error) => self.failed(name, &format!("{error:#}")),
        }
    }

    /// Counts checks that held.
    pub fn passed(&mut self, count: usize) {
        self.counts.passed += count;
    }

    /// Counts a check that did not hold, and prints it.
    pub fn failed(&mut self, name: &str, reason: &str) {
        self.counts.failed += 1;
        let text = format!("FAILED  {name}: {reason}");
        println!("{text}");
        self.failures.push(text);
        self.failed_names.push(name.to_owned());
    }

    /// Counts a check that was not made, and prints it; a failure unless the list allows it.
    pub fn skipped(&mut self, name: &str, reason: &str) {
        if let Some(allowed) = self.allowed.reason(name) {
            self.counts.skipped += 1;
            println!("SKIPPED {name}: {reason} (allowed: {allowed})");
        } else {
            self.failed(name, &format!("skipped ({reason}), and {ALLOWED_SKIPS} does not allow that"));
        }
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The names of the checks that failed, in the order in which they did.
    pub fn failed_names(&self) -> &[String] {
        &self.failed_names
    }

    /// Prints what failed and the closing line; says whether nothing failed.
    pub fn close(self) -> bool {
        if !self.failures.is_empty() {
            println!("\nWhat failed:");
            for failure in &self.failures {
                println!("{failure}");
            }
            println!();
        }
        println!("{}", self.counts);
        self.counts.failed == 0
    }
}

/// The list of checks that may be skipped, each with the reason.
struct AllowedSkips(BTreeMap<String, String>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SkipFile {
    #[serde(default)]
    skip: Vec<Skip>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Skip {
    name: String,
    reason: String,
}

impl AllowedSkips {
    fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is wrong", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let file: SkipFile = toml::from_str(text)?;
        let mut skips = BTreeMap::new();
        for skip in file.skip {
            if skip.reason.trim().is_empty() {
                bail!("`{}` has no reason", skip.name);
            }
            if skips.insert(skip.name.clone(), skip.reason).is_some() {
                bail!("`{}` is listed twice", skip.name);
            }
        }
        Ok(Self(skips))
    }

    fn reason(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    fn tally(list: &str) -> Tally {
        Tally {
            allowed: AllowedSkips::parse(list).expect("a valid list"),
            counts: Counts::default(),
            failures: Vec::new(),
            failed_names: Vec::new(),
        }
    }

    const LIST: &str = "[[skip]]\nname = 'a'\nreason = 'no such device'\n";

    #[test]
    fn a_failing_check_is_counted_and_the_run_goes_on() {
        let mut tally = tally("");
        tally.check("one", || Err(anyhow!("broken").context("outer")));
        tally.check("two", || Ok(()));
        assert_eq!(tally.counts(), Counts { passed: 1, failed: 1, skipped: 0 });
        assert_eq!(tally.failures, ["FAILED  one: outer: broken"]);
        assert!(!tally.close());
    }

    #[test]
    fn a_listed_skip_is_a_skip_and_an_unlisted_one_fails() {
        let mut tally = tally(LIST);
        tally.skipped("a", "absent");
        assert_eq!(tally.counts(), Counts { passed: 0, failed: 0, skipped: 1 });
        tally.skipped("b", "absent");
        assert_eq!(tally.counts(), Counts { passed: 0, failed: 1, skipped: 1 });
    }

    #[test]
    fn a_skip_without_a_reason_or_listed_twice_is_refused() {
        assert!(AllowedSkips::parse("[[skip]]\nname = 'a'\n").is_err());
        assert!(AllowedSkips::parse("[[skip]]\nname = 'a'\nreason = ' '\n").is_err());
        assert!(AllowedSkips::parse(&LIST.repeat(2)).is_err());
    }

    #[test]
    fn the_closing_line_names_all_three_counts() {
        assert_eq!(Counts { passed: 3, failed: 0, skipped: 1 }.to_string(), "3 passed, 0 failed, 1 skipped");
    }
}
