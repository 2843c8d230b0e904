//! The phase `fuzz`: system calls at random find nothing, and the same seed gives the same calls.

use anyhow::{Result, bail, ensure};

use super::Gate;
use crate::fuzz::{self, Run};
use crate::guest::{Kernel, Machine};

/// Always the same: what the gate says of a change must not be chance. By hand, others are tried.
const SEED: u64 = 4;
const CALLS: u64 = 200_000;

/// Calls of a run that is made twice.
const REPEATED: u64 = 3_000;

/// Fuzzes Serix on two processors, then twice the same on one.
pub fn run(gate: &mut Gate<'_>) {
    let (project, ui) = (gate.project, gate.ui);
    println!("fuzz: seed {SEED}, {CALLS} calls");
    let name = format!("fuzz: {CALLS} calls from seed {SEED} find nothing");
    gate.tally.check(&name, || {
        let report = fuzz::run(project, ui, &Run::new(SEED, CALLS, Machine::new(Kernel::Serix)))?;
        match report.problems(true) {
            problems if problems.is_empty() => Ok(()),
            problems => bail!("{}", problems.join("\n")),
        }
    });
    gate.tally.check("fuzz: a run on one processor is repeated exactly", || {
        let hash = || -> Result<Option<u64>> {
            let mut machine = Machine::new(Kernel::Serix);
            machine.processors = 1;
            machine.icount = true;
            let report = fuzz::run(project, ui, &Run::new(SEED, REPEATED, machine))?;
            let problems = report.problems(false);
            ensure!(problems.is_empty(), "{}", problems.join("\n"));
            Ok(report.figures.get("hash").copied())
        };
        match (hash()?, hash()?) {
            (Some(first), Some(second)) if first == second => Ok(()),
            (first, second) => bail!("the calls and their results differ: {first:?} and {second:?}"),
        }
    });
}
