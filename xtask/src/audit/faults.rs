//! The faults that the gate is tried with still fit the sources.

use std::path::Path;

use anyhow::Result;

use super::Report;
use crate::faults::list;

/// Holds [`list::FILE`] against the sources.
pub fn audit(root: &Path, report: &mut Report) -> Result<()> {
    let faults = list::read(root)?;
    report.figure("faults to try the gate with", faults.len());
    for problem in list::problems(root, &faults) {
        report.finding("a fault fits the sources", &problem);
    }
    Ok(())
}
