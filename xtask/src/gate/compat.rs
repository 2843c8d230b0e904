//! The phase `compat`: this project's compatibility programs hold on Linux, and give what the checkout says they give.

use super::Gate;
use crate::compat::{self, ReferenceUse};
use crate::guest::Kernel;

/// The suites that take seconds.
const SUITES: [&str; 1] = ["own"];

/// Runs the suites on Linux; each of their tests is a check of the gate.
pub fn run(gate: &mut Gate<'_>) {
    let report =
        SUITES.iter().map(|name| name.parse()).collect::<anyhow::Result<Vec<_>>>().and_then(|selections| {
            compat::run(gate.project, gate.ui, &selections, &[Kernel::Linux], ReferenceUse::Check)
        });
    let report = match report {
        Ok(report) => report,
        Err(error) => return gate.tally.failed("compat: the suites can be run", &format!("{error:#}")),
    };
    for suite in &report.suites {
        gate.tally.passed(suite.on_linux().passed);
        for flaw in &suite.flaws {
            gate.tally.failed(&format!("compat: {}/{flaw}", suite.name), "it fails on Linux");
        }
        for stray in &suite.strays {
            let name = format!("compat: {}/{stray}", suite.name);
            gate.tally.failed(&name, "on Linux it is not what the reference in the checkout says");
        }
    }
}
