//! The phase `guests`: what `cargo xtask run` promises.

use super::Gate;
use crate::guest::{Kernel, contract};

/// Holds the guests of the kernels to the contract of `run`.
pub fn run(gate: &mut Gate<'_>) {
    for kernel in gate.kernels {
        hold(gate, *kernel);
    }
}

fn hold(gate: &mut Gate<'_>, kernel: Kernel) {
    let subject = match contract::Subject::new(gate.project, gate.ui, kernel) {
        Ok(subject) => subject,
        Err(error) => {
            return gate
                .tally
                .failed(&format!("run, {kernel}: guests can be started"), &format!("{error:#}"));
        }
    };
    for case in contract::cases() {
        let step = gate.ui.step(format!("{kernel}: {}", case.name));
        let name = format!("run, {kernel}: {}", case.name);
        gate.tally.check(&name, || super::ask(kernel, &name, || (case.check)(&subject)));
        step.done();
    }
}
