//! The session tests: that what Serix is measured with holds on Linux, and that Serix measures up.

use anyhow::Result;

use super::Gate;
use crate::guest::Kernel;
use crate::session::{self, Check, Session};

/// Runs every session on the kernels.
pub fn run(gate: &mut Gate<'_>) {
    for kernel in gate.kernels.iter().copied() {
        for session in Session::ALL {
            let name = format!("{}, {kernel}", session.name());
            match checks(gate, kernel, session, &name) {
                Ok(checks) => session::add(&mut gate.tally, session, kernel, checks, false),
                Err(error) => gate.tally.failed(&name, &format!("{error:#}")),
            }
        }
    }
}

/// A session's checks; on Linux those of a second session when one of the first fails.
fn checks(gate: &Gate<'_>, kernel: Kernel, session: Session, name: &str) -> Result<Vec<Check>> {
    let failed = |check: &Check| check.failure.as_ref().map(|reason| format!("{}: {reason}", check.name));
    let first_failed = |checks: &Vec<Check>| checks.iter().find_map(failed);
    super::ask_until(kernel, name, || session.run(gate.project, gate.ui, kernel), first_failed)
}
