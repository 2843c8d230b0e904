//! The list of faults, `xtask/faults.toml`: what to change in which file, and what that breaks.
//!
//! A fault is one line: the text that is found and the one that replaces it may have lines around it that tell the place, and
//! differ in one line only. The audit holds the list against the sources ([`problems`]), so that it cannot rot.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The list, below the checkout.
pub const FILE: &str = "xtask/faults.toml";

/// What sort of mistake it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    WrongErrno,
    LostFlag,
    MissedWakeUp,
    OffByOne,
    MissingLock,
}

impl Kind {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::WrongErrno => "wrong errno",
            Self::LostFlag => "lost flag",
            Self::MissedWakeUp => "missed wake-up",
            Self::OffByOne => "off-by-one",
            Self::MissingLock => "missing lock",
        }
    }
}

/// A mistake that somebody could make.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Unique.
    pub name: String,
    /// What sort it is.
    pub kind: Kind,
    /// The crate whose unit tests are asked first.
    #[serde(rename = "crate")]
    pub package: String,
    /// Below the checkout.
    pub file: PathBuf,
    /// Text that is in the file once.
    pub find: String,
    /// What stands there instead.
    pub replace: String,
    /// What goes wrong, in a sentence.
    pub breaks: String,
}

impl Fault {
    /// The file's text with the fault in it.
    ///
    /// # Errors
    /// The text to replace is not there, or more than once, or more than a line changes.
    pub fn apply(&self, text: &str) -> Result<String> {
        let places = text.matches(&self.find).count();
        ensure!(places == 1, "{}: its text is {places} times in {}", self.name, self.file.display());
        ensure!(is_one_line(&self.find, &self.replace), "{}: it is not one line that changes", self.name);
        Ok(text.replacen(&self.find, &self.replace, 1))
    }
}

/// Whether the texts differ in exactly one line, which one of them may lack.
fn is_one_line(before: &str, after: &str) -> bool {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let alike = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
    let (before, after) = (&before[alike..], &after[alike..]);
    let behind = before.iter().rev().zip(after.iter().rev()).take_while(|(one, other)| one == other).count();
    let changed = before.len().max(after.len()) - behind;
    changed == 1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    fault: Vec<Fault>,
}

/// Reads the list of the checkout at `root`.
///
/// # Errors
/// It cannot be read, is not in its form, or has a name twice.
pub fn read(root: &Path) -> Result<Vec<Fault>> {
    let text = fs::read_to_string(root.join(FILE)).with_context(|| format!("cannot read {FILE}"))?;
    parse(&text).with_context(|| format!("{FILE} is wrong"))
}

fn parse(text: &str) -> Result<Vec<Fault>> {
    let list: List = toml::from_str(text)?;
    let mut names = BTreeSet::new();
    for fault in &list.fault {
        ensure!(names.insert(&fault.name), "`{}` is listed twice", fault.name);
    }
    Ok(list.fault)
}

/// What no longer fits the sources of the checkout at `root`.
pub fn problems(root: &Path, faults: &[Fault]) -> Vec<String> {
    let tried = |fault: &Fault| -> Result<()> {
        let path = root.join(&fault.file);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        fault.apply(&text).map(drop)
    };
    faults.iter().filter_map(|fault| tried(fault).err()).map(|error| format!("{error:#}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "[[fault]]\nname = 'a'\nkind = 'wrong-errno'\ncrate = 'c'\nfile = 'f.rs'\n\
        find = \"one\\ntwo\\n\"\nreplace = \"one\\n2\\n\"\nbreaks = 'x'\n";

    fn fault() -> Fault {
        parse(LIST).expect("a valid list").remove(0)
    }

    #[test]
    fn a_fault_changes_its_line_and_nothing_else() {
        assert_eq!(fault().apply("zero\none\ntwo\ntwo\n").ok().as_deref(), Some("zero\none\n2\ntwo\n"));
    }

    #[test]
    fn a_list_that_no_longer_fits_the_sources_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let told = |text: &str| {
            fs::write(folder.path().join("f.rs"), text).expect("a file");
            problems(folder.path(), &[fault()])
        };
        assert!(told("one\ntwo\n").is_empty());
        assert_eq!(told("one\nthree\n"), ["a: its text is 0 times in f.rs"]);
        assert_eq!(told("one\ntwo\none\ntwo\n"), ["a: its text is 2 times in f.rs"]);
    }

    #[test]
    fn what_is_not_one_line_is_refused() {
        assert!(is_one_line("a\nb\nc", "a\nc"));
        assert!(is_one_line("a\nc", "a\nb\nc"));
        assert!(!is_one_line("a\nb\nc", "a\nx\ny"));
        assert!(!is_one_line("a\nb\nc", "a\nb\nc"));
    }

    #[test]
    fn a_name_is_listed_once() {
        assert!(parse(&LIST.repeat(2)).is_err());
    }
}
