//! A port's own test: its command in a guest that has the port, and what it must print.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::guest::{self, Addition, End, Machine};
use crate::project::Project;
use crate::ui::Ui;

use super::recipe::Test;

/// How long a test may take, from the machine's start.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Builds the port `name` and runs its test on `machine`.
///
/// # Errors
/// The port does not build, the machine cannot be started, or the test fails.
pub fn test(project: &Project, ui: &Ui, mut machine: Machine, name: &str) -> Result<()> {
    let built = super::build(project, ui, name)?;
    machine.additions.push(Addition::new(&built.root, "/")?);
    guest::prepare(project, ui, &machine)?;
    let step = ui.step(format!("Testing {name} on {}", machine.kernel));
    let Test { run, output } = &built.recipe.test;
    let captured = guest::capture(project, ui, &machine, run, b"", Some(TIMEOUT))
        .with_context(|| format!("cannot test the port `{name}`"))?;
    let complaint = match captured.end {
        End::Exited(0) if captured.stdout == output.as_bytes() && captured.stderr.is_empty() => {
            step.done();
            return Ok(());
        }
        End::Exited(0) => "it printed something else".to_owned(),
        End::Exited(status) => format!("it exited with {status}"),
        End::Killed(signal) => format!("it was killed by signal {signal}"),
        End::TimedOut => format!("it was not done after {} s", TIMEOUT.as_secs()),
        End::Died => format!("the machine ended; the end of its console:\n{}", captured.log_end()),
    };
    let mut text = format!("{complaint}\n`{run}` printed{}", indented(&captured.stdout));
    if !captured.stderr.is_empty() {
        text += &format!("\nand on standard error{}", indented(&captured.stderr));
    }
    bail!("{text}\ninstead of{}", indented(output.as_bytes()))
}

/// Text set apart: each line below the last one.
fn indented(text: &[u8]) -> String {
    String::from_utf8_lossy(text).lines().map(|line| format!("\n    {line}")).collect()
}
