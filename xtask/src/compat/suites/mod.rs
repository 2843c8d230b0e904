//! The suites: what there is to run.
//!
//! - [`own`] are this project's programs in `compat-tests/`.
//! - [`applets`] starts every applet of BusyBox.
//! - [`busybox`] is the test suite that BusyBox's port keeps.
//! - [`nolibc`] and [`selftests`] are Linux's own tests, from Debian's package of its source.
//! - [`foreign`] are programs as others publish them, at work.

mod applets;
mod busybox;
mod foreign;
mod nolibc;
mod own;
mod selftests;

use std::fs;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::Suite;
use crate::musl;
use crate::project::Project;
use crate::ui::Ui;

/// A suite's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id {
    /// This project's programs.
    Own,
    /// BusyBox's test suite.
    Busybox,
    /// Linux's test of its smallest C library.
    Nolibc,
    /// Linux's tests of itself.
    Selftests,
    /// The help of each of BusyBox's applets.
    Applets,
    /// Published programs.
    Foreign,
}

impl Id {
    /// All suites, in the order in which they run.
    pub const ALL: [Self; 6] =
        [Self::Own, Self::Nolibc, Self::Applets, Self::Foreign, Self::Selftests, Self::Busybox];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Busybox => "busybox",
            Self::Nolibc => "nolibc",
            Self::Selftests => "selftests",
            Self::Applets => "applets",
            Self::Foreign => "foreign",
        }
    }

    /// What it is about.
    pub fn subject(self) -> &'static str {
        match self {
            Self::Own => "the programs in compat-tests/, one a family of calls",
            Self::Busybox => "BusyBox's test suite (without bc and mdev)",
            Self::Nolibc => "Linux's test of system calls without a C library",
            Self::Selftests => "Linux's tests of itself that work with musl and BusyBox",
            Self::Applets => "every applet of BusyBox, started with --help",
            Self::Foreign => "static programs from Debian's and PyPI's packages, at work",
        }
    }

    /// The suite of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|id| id.name() == name)
    }

    /// Builds what the suite needs.
    pub fn prepare(self, project: &Project, ui: &Ui) -> Result<Suite> {
        match self {
            Self::Own => own::prepare(project, ui),
            Self::Busybox => busybox::prepare(project, ui),
            Self::Nolibc => nolibc::prepare(project, ui),
            Self::Selftests => selftests::prepare(project, ui),
            Self::Applets => applets::prepare(project, ui),
            Self::Foreign => foreign::prepare(project, ui),
        }
        .with_context(|| format!("cannot prepare the suite `{}`", self.name()))
    }
}

/// A suite, or one program of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    id: Id,
    program: Option<String>,
}

impl FromStr for Selection {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (suite, program) = match text.split_once('/') {
            Some((suite, program)) => (suite, Some(program.to_owned())),
            None => (text, None),
        };
        let Some(id) = Id::named(suite) else {
            let names = Id::ALL.map(Id::name).join(", ");
            bail!("there is no suite `{suite}`; there are: {names}");
        };
        Ok(Self { id, program })
    }
}

/// The suites to run, each with the programs wanted of it: none means all.
pub fn selected(selections: &[Selection]) -> Vec<(Id, Vec<String>)> {
    let mut found = Vec::new();
    for id in Id::ALL {
        let of_it: Vec<&Selection> = selections.iter().filter(|selection| selection.id == id).collect();
        if of_it.iter().any(|selection| selection.program.is_none()) || selections.is_empty() {
            found.push((id, Vec::new()));
        } else if !of_it.is_empty() {
            found.push((id, of_it.iter().filter_map(|selection| selection.program.clone()).collect()));
        }
    }
    found
}

/// Leaves only these programs in the suite.
pub fn narrow(suite: &mut Suite, wanted: &[String]) -> Result<()> {
    for name in wanted {
        if !suite.programs.iter().any(|program| program.name == *name) {
            let names: Vec<&str> = suite.programs.iter().map(|program| &*program.name).collect();
            bail!("the suite `{}` has no program `{name}`; it has: {}", suite.name, names.join(", "));
        }
    }
    suite.programs.retain(|program| wanted.contains(&program.name));
    Ok(())
}

/// A short hash of files and words: what a program's results depend on.
fn content_of(files: &[&Path], words: &[&str]) -> Result<String> {
    let mut hash = Sha256::new();
    for path in files {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        hash.update(bytes.len().to_le_bytes());
        hash.update(bytes);
    }
    for word in words {
        hash.update(word.len().to_le_bytes());
        hash.update(word);
    }
    Ok(musl::hex(&hash.finalize())[..16].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(texts: &[&str]) -> Vec<(Id, Vec<String>)> {
        let selections: Vec<Selection> = texts.iter().map(|text| text.parse().unwrap()).collect();
        selected(&selections)
    }

    #[test]
    fn nothing_named_means_all() {
        assert_eq!(select(&[]).len(), Id::ALL.len());
    }

    #[test]
    fn a_suite_or_single_programs_can_be_named() {
        assert_eq!(select(&["busybox", "own"]), [(Id::Own, vec![]), (Id::Busybox, vec![])]);
        assert_eq!(select(&["own/files", "own/exec"]), [(Id::Own, vec!["files".into(), "exec".into()])]);
        assert_eq!(select(&["own/files", "own"]), [(Id::Own, vec![])]);
        assert!("nothing".parse::<Selection>().is_err());
    }
}
