//! The session tests: that what Serix is measured with holds on Linux, and that Serix measures up.

use super::Gate;
use crate::session::{self, Session};

/// Runs every session on the kernels.
pub fn run(gate: &mut Gate<'_>) {
    for kernel in gate.kernels.iter().copied() {
        for session in Session::ALL {
            match session.run(gate.project, gate.ui, kernel) {
                Ok(checks) => session::add(&mut gate.tally, session, kernel, checks, false),
                Err(error) => {
                    gate.tally.failed(&format!("{}, {kernel}", session.name()), &format!("{error:#}"));
                }
            }
        }
    }
}
