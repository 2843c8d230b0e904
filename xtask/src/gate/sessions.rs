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

/// A session's checks; on Linux those of a second session when one of the first fails ([`super::ask`] says why).
fn checks(gate: &Gate<'_>, kernel: Kernel, session: Session, name: &str) -> Result<Vec<Check>> {
    let run = || session.run(gate.project, gate.ui, kernel);
    let checks = super::ask(kernel, name, run)?;
    let failed = checks.iter().find_map(|check| Some((&check.name, check.failure.as_ref()?)));
    match (kernel, failed) {
        (Kernel::Linux, Some((step, reason))) => {
            println!("again   {name}: {step}: {reason}");
            run()
        }
        _ => Ok(checks),
    }
}
