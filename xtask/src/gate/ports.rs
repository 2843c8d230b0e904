//! The phase `ports`: every port builds, and its own test passes on the reference kernel.

use super::Gate;
use crate::guest::{Kernel, Machine};
use crate::ports;

/// Tests every port.
pub fn run(gate: &mut Gate<'_>) {
    let names = match ports::names(gate.project) {
        Ok(names) => names,
        Err(error) => return gate.tally.failed("the ports can be listed", &format!("{error:#}")),
    };
    for name in names {
        let work = || ports::test(gate.project, gate.ui, Machine::new(Kernel::Linux), &name);
        let check = format!("port {name}, {}", Kernel::Linux);
        gate.tally.check(&check, || super::ask(Kernel::Linux, &check, work));
    }
}
