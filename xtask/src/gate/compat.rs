//! The phase `compat`: this project's compatibility programs hold on Linux, give what the checkout says they give, and give the
//! same on Serix.

use super::Gate;
use crate::compat::open::{self, Open};
use crate::compat::{self, ReferenceUse, SuiteReport};
use crate::guest::Kernel;

/// The suite that takes seconds, and that Linux passes whole.
const OWN: &str = "own";

/// Runs our own suite on both kernels (on Serix alone where Linux is left out), or with `--full` all suites, whose results on Linux are the reference from then on;
/// each of their tests is a check of the gate. Foreign suites have tests that Linux itself fails here: those are no failures
/// of the gate.
pub fn run(gate: &mut Gate<'_>) {
    let (suites, reference_use): (&[&str], _) = match (gate.full, gate.kernels.contains(&Kernel::Linux)) {
        (true, _) => (&[], ReferenceUse::Retake),
        (false, true) => (&[OWN], ReferenceUse::Check),
        (false, false) => (&[OWN], ReferenceUse::Trust),
    };
    let report =
        suites.iter().map(|name| name.parse()).collect::<anyhow::Result<Vec<_>>>().and_then(|selections| {
            compat::run(gate.project, gate.ui, &selections, gate.kernels, reference_use)
        });
    let report = match report {
        Ok(report) => report,
        Err(error) => return gate.tally.failed("compat: the suites can be run", &format!("{error:#}")),
    };
    let open = match Open::read(gate.project.root()) {
        Ok(open) => open,
        Err(error) => return gate.tally.failed("compat: what is open can be read", &format!("{error:#}")),
    };
    for suite in &report.suites {
        on_linux(gate, suite);
        on_serix(gate, suite, &open);
    }
    for problem in &report.known_problems {
        gate.tally.failed("compat: the known differences", problem);
    }
}

fn on_linux(gate: &mut Gate<'_>, suite: &SuiteReport) {
    gate.tally.passed(suite.on_linux().passed);
    for flaw in suite.flaws.iter().filter(|_| suite.name == OWN) {
        gate.tally.failed(&format!("compat: {}/{flaw}", suite.name), "it fails on Linux");
    }
    for stray in &suite.strays {
        let name = format!("compat: {}/{stray}", suite.name);
        gate.tally.failed(&name, "on Linux it is not what the reference in the checkout says");
    }
}

/// What differs has to be listed as open, and what is listed has to differ.
fn on_serix(gate: &mut Gate<'_>, suite: &SuiteReport, open: &Open) {
    let found = open.against(suite);
    gate.tally.passed(suite.on_serix().passed);
    for (name, detail) in &found.missing {
        gate.tally
            .failed(&format!("compat: {name}"), &format!("Serix does not give what Linux gives: {detail}"));
    }
    for name in &found.surplus {
        let reason =
            format!("it no longer differs, or there is no such test: its line in {} has to go", open::FILE);
        gate.tally.failed(&format!("compat: {name}"), &reason);
    }
    if found.agreed > 0 {
        println!("compat: {} differences of {} are open ({})", found.agreed, suite.name, open::FILE);
    }
}
