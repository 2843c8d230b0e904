//! The session tests, on Linux: that what Serix will be measured with holds there.

use super::Gate;
use crate::guest::Kernel;
use crate::session::{self, Session};

/// Runs every session.
pub fn run(gate: &mut Gate<'_>) {
    for session in Session::ALL {
        match session.run(gate.project, gate.ui, Kernel::Linux) {
            Ok(checks) => session::add(&mut gate.tally, session, checks, false),
            Err(error) => gate.tally.failed(session.name(), &format!("{error:#}")),
        }
    }
}
