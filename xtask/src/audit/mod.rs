//! `cargo xtask audit`: the house rules, measured.
//!
//! Rust is read by a real parser ([`source`]) and the kernel's image by a real decoder ([`vectors`]): a word in a comment,
//! a string or a test is not mistaken for the thing. Each rule adds figures to a [`Report`], and findings where it is broken.

mod addresses;
mod faults;
mod order;
mod panics;
mod size;
pub mod source;
mod text;
mod unsafety;
mod vectors;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use walkdir::WalkDir;

use crate::kernel::{self, Profile};
use crate::project::Project;
use crate::ui::Ui;

/// What the audit found.
#[derive(Debug, Default)]
pub struct Report {
    figures: Vec<(String, usize)>,
    details: Vec<String>,
    warnings: Vec<String>,
    /// The broken rules, each with its place.
    pub findings: Vec<String>,
}

impl Report {
    fn figure(&mut self, name: &str, value: usize) {
        self.figures.push((name.to_owned(), value));
    }

    fn detail(&mut self, text: &str) {
        self.details.push(text.to_owned());
    }

    fn warning(&mut self, text: &str) {
        self.warnings.push(text.to_owned());
    }

    fn finding(&mut self, rule: &str, place: &str) {
        self.findings.push(format!("{rule}: {place}"));
    }

    /// Prints the figures, then what to look at, then what is broken.
    fn print(&self) {
        for (name, value) in &self.figures {
            println!("{value:>9}  {name}");
        }
        for detail in &self.details {
            println!("           takes an address: {detail}");
        }
        for warning in &self.warnings {
            println!("  warning  {warning}");
        }
        for finding in &self.findings {
            println!("   BROKEN  {finding}");
        }
    }

    /// The figures in one line, for the gate.
    pub fn summary(&self) -> String {
        let figures = self.figures.iter().map(|(name, value)| format!("{name}: {value}"));
        figures.collect::<Vec<_>>().join("; ")
    }
}

/// Measures and prints; success only when no rule is broken.
pub fn command(project: &Project, ui: &Ui) -> Result<ExitCode> {
    let report = measure(project, ui)?;
    report.print();
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Measures every rule.
///
/// # Errors
/// A file cannot be read or parsed, or the kernel does not build.
pub fn measure(project: &Project, ui: &Ui) -> Result<Report> {
    let image = kernel::build(project, ui, Profile::Release)?;
    let step = ui.step("Measuring the house rules");
    let mut report = Report::default();
    let files = files(project.root())?;
    let sources = source::read_all(project.root(), &files)?;
    unsafety::audit(&sources, &mut report);
    addresses::audit(&sources, &mut report);
    panics::audit(&sources, &mut report);
    size::audit_share(&sources, &mut report);
    size::audit_files(project.root(), &files, &mut report)?;
    order::audit(project.root(), &mut report)?;
    vectors::audit(&image, &mut report)?;
    text::audit(project.root(), &files, &mut report)?;
    faults::audit(project.root(), &mut report)?;
    step.done();
    Ok(report)
}

/// The files of the checkout, below it, sorted; what is built is left out.
pub fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let walk = WalkDir::new(root).sort_by_file_name().into_iter();
    for entry in walk.filter_entry(|entry| entry.file_name() != "target" && entry.file_name() != ".git") {
        let entry = entry.context("cannot list the checkout")?;
        if entry.file_type().is_file()
            && let Ok(path) = entry.path().strip_prefix(root)
        {
            files.push(path.to_owned());
        }
    }
    Ok(files)
}

#[cfg(test)]
mod test_support {
    use super::*;

    /// A source file that was never on a disk.
    pub fn source(path: &str, text: &str) -> source::Source {
        source::Source::parse(Path::new(path), text).expect("valid Rust")
    }

    /// What a rule finds.
    pub fn findings(rule: impl FnOnce(&mut Report)) -> Vec<String> {
        let mut report = Report::default();
        rule(&mut report);
        report.findings
    }
}
