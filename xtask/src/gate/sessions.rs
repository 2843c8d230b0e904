//! The session tests: that what Serix is measured with holds on Linux, and that Serix measures up.

use super::Gate;
use crate::guest::Kernel;
use crate::session::{self, Session};

/// Runs the sessions.
pub fn run(gate: &mut Gate<'_>) {
    for session in Session::ALL {
        let kernels: &[Kernel] = match session {
            // On Serix three of its sections still differ.
            Session::Shell => &[Kernel::Linux],
            Session::Interactive => &[Kernel::Serix, Kernel::Linux],
        };
        for &kernel in kernels {
            match session.run(gate.project, gate.ui, kernel) {
                Ok(checks) => session::add(&mut gate.tally, session, kernel, checks, false),
                Err(error) => {
                    gate.tally.failed(&format!("{}, {kernel}", session.name()), &format!("{error:#}"));
                }
            }
        }
    }
}
