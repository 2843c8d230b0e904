//! The phase `compat`: this project's compatibility programs hold on Linux, and give what the checkout says they give.

use super::Gate;
use crate::compat::{self, ReferenceUse};
use crate::guest::Kernel;

/// The suite that takes seconds, and that Linux passes whole.
const OWN: &str = "own";

/// Runs our own suite on Linux, or with `--full` all of them, whose results are the reference from then on; each of their
/// tests is a check of the gate. Foreign suites have tests that Linux itself fails here: those are no failures of the gate.
pub fn run(gate: &mut Gate<'_>) {
    let (suites, reference_use): (&[&str], _) =
        if gate.full { (&[], ReferenceUse::Retake) } else { (&[OWN], ReferenceUse::Check) };
    let report =
        suites.iter().map(|name| name.parse()).collect::<anyhow::Result<Vec<_>>>().and_then(|selections| {
            compat::run(gate.project, gate.ui, &selections, &[Kernel::Linux], reference_use)
        });
    let report = match report {
        Ok(report) => report,
        Err(error) => return gate.tally.failed("compat: the suites can be run", &format!("{error:#}")),
    };
    for suite in &report.suites {
        gate.tally.passed(suite.on_linux().passed);
        for flaw in suite.flaws.iter().filter(|_| suite.name == OWN) {
            gate.tally.failed(&format!("compat: {}/{flaw}", suite.name), "it fails on Linux");
        }
        for stray in &suite.strays {
            let name = format!("compat: {}/{stray}", suite.name);
            gate.tally.failed(&name, "on Linux it is not what the reference in the checkout says");
        }
    }
}
