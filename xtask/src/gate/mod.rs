//! `cargo xtask test`: the gate. A change lands when it passes.
//!
//! Phases run in the order of [`PHASES`]; a failing check never stops the run, so one run tells all that is wrong. Each
//! phase prints its counts and its time; the last line is the counts of all.

mod compat;
mod crash;
mod fuzz;
mod guests;
mod hostile;
mod inject;
mod kernel_checks;
mod ports;
mod screen;
mod sessions;
mod source;
mod unit_tests;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::guest::Kernel;
use crate::project::Project;
use crate::tally::Tally;
use crate::ui::Ui;

/// What `test` takes.
#[derive(clap::Args)]
pub struct TestArguments {
    /// Run only this phase (repeatable; `--list` names them)
    #[arg(long = "phase", value_name = "NAME")]
    phases: Vec<String>,
    /// Name the phases and what each checks
    #[arg(long)]
    list: bool,
    /// Also run the foreign suites, and keep what Linux gives as the new reference
    #[arg(long)]
    full: bool,
}

/// What a phase works with.
pub struct Gate<'a> {
    project: &'a Project,
    ui: &'a Ui,
    tally: Tally,
    /// Whether the checks that take long are made too.
    full: bool,
    /// What the checks that compare kernels run on.
    kernels: &'a [Kernel],
    /// The crate whose unit tests are wanted; all crates' when there is none.
    package: Option<&'a str>,
}

impl<'a> Gate<'a> {
    /// What the gate says of a change to one crate of Serix, which leaves Linux what it was.
    ///
    /// # Errors
    /// The list of allowed skips cannot be read.
    pub fn of_change(project: &'a Project, ui: &'a Ui, package: &'a str) -> Result<Self> {
        let tally = Tally::new(project.root())?;
        Ok(Self { project, ui, tally, full: false, kernels: &[Kernel::Serix], package: Some(package) })
    }

    /// Runs the phase of that name; gives the first of its checks that failed.
    ///
    /// # Errors
    /// There is no such phase.
    pub fn first_failure(&mut self, phase: &str) -> Result<Option<&str>> {
        let before = self.tally.failed_names().len();
        run_phase(self, PHASES.iter().find(|known| known.name == phase).with_context(|| unknown(phase))?);
        Ok(self.tally.failed_names().get(before).map(String::as_str))
    }
}

/// A part of the gate.
struct Phase {
    name: &'static str,
    checks: &'static str,
    run: fn(&mut Gate<'_>),
}

const PHASES: &[Phase] = &[
    Phase { name: "format", checks: "the sources are formatted", run: source::format },
    Phase {
        name: "clippy",
        checks: "clippy has nothing to say, on the host and for the kernel",
        run: source::clippy,
    },
    Phase { name: "unit", checks: "the unit tests of every crate, on the host", run: unit_tests::run },
    Phase { name: "kernel", checks: "the kernel builds in both profiles and boots", run: kernel_checks::run },
    Phase { name: "crash", checks: "panics, dumps, gdb and watchdogs tell what went wrong", run: crash::run },
    Phase { name: "guests", checks: "`run` keeps what it promises", run: guests::run },
    Phase {
        name: "compat",
        checks: "the compatibility programs hold on Linux and on Serix",
        run: compat::run,
    },
    Phase { name: "ports", checks: "every port builds and passes its own test", run: ports::run },
    Phase { name: "screen", checks: "the console on the screen shows text and takes keys", run: screen::run },
    Phase { name: "sessions", checks: "the session tests pass on Linux and on Serix", run: sessions::run },
    Phase {
        name: "hostile",
        checks: "programs that take all they can get do no harm on Serix",
        run: hostile::run,
    },
    Phase {
        name: "inject",
        checks: "every charge of memory fails once, and nothing leaks or dies on Serix",
        run: inject::run,
    },
    Phase {
        name: "fuzz",
        checks: "system calls at random find nothing, and one seed gives one run",
        run: fuzz::run,
    },
    Phase {
        name: "bench",
        checks: "the yardstick gives Linux's known figures, and Serix's keep within their limits",
        run: kernel_checks::yardstick,
    },
    Phase { name: "audit", checks: "the house rules hold", run: source::audit },
    Phase { name: "docs", checks: "the book has no broken link, and is rendered", run: source::docs },
];

/// Runs the gate: success only when nothing failed.
pub fn test(project: &Project, ui: &Ui, arguments: &TestArguments) -> Result<ExitCode> {
    if arguments.list {
        for phase in PHASES {
            println!("{:12} {}", phase.name, phase.checks);
        }
        return Ok(ExitCode::SUCCESS);
    }
    for name in &arguments.phases {
        if !PHASES.iter().any(|phase| phase.name == name) {
            bail!(unknown(name));
        }
    }
    let begun = Instant::now();
    let mut gate = Gate {
        project,
        ui,
        tally: Tally::new(project.root())?,
        full: arguments.full,
        kernels: &[Kernel::Serix, Kernel::Linux],
        package: None,
    };
    for phase in PHASES {
        let wanted = arguments.phases.is_empty() || arguments.phases.iter().any(|name| name == phase.name);
        if wanted {
            run_phase(&mut gate, phase);
        }
    }
    println!("all phases: {:.1} s", begun.elapsed().as_secs_f64());
    Ok(if gate.tally.close() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Makes a check on a kernel; on Linux a second time when it fails, which is printed.
///
/// Linux is not what the gate judges, it says what is right. What fails there is a test, and then it fails twice, or the moment: a
/// small machine with much to do. What Serix fails, it has failed.
///
/// # Errors
/// Those of the check, of its last time.
fn ask<T>(kernel: Kernel, name: &str, check: impl Fn() -> Result<T>) -> Result<T> {
    ask_until(kernel, name, check, |_| None)
}

/// As [`ask`], for a check that fails also when `failure` finds a reason in what it gives.
///
/// # Errors
/// As there.
fn ask_until<T>(
    kernel: Kernel,
    name: &str,
    check: impl Fn() -> Result<T>,
    failure: impl Fn(&T) -> Option<String>,
) -> Result<T> {
    let first = check();
    let reason = match &first {
        Ok(value) => failure(value),
        Err(error) => Some(format!("{error:#}")),
    };
    match (kernel, reason) {
        (Kernel::Linux, Some(reason)) => {
            println!("again   {name}: {reason}");
            check()
        }
        _ => first,
    }
}

fn unknown(phase: &str) -> String {
    format!("there is no phase `{phase}`; `cargo xtask test --list` names them")
}

/// Runs a phase and prints its counts and time.
fn run_phase(gate: &mut Gate<'_>, phase: &Phase) {
    let begun = Instant::now();
    let before = gate.tally.counts();
    (phase.run)(gate);
    let counts = gate.tally.counts() - before;
    println!("{}: {counts} ({:.1} s)", phase.name, begun.elapsed().as_secs_f64());
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use anyhow::{Result, bail};

    use super::{ask, ask_until};
    use crate::guest::Kernel;

    #[test]
    fn linux_alone_is_asked_twice() {
        let times = Cell::new(0);
        let fails_once = || -> Result<u32> {
            times.set(times.get() + 1);
            if times.get() == 1 { bail!("the moment") } else { Ok(times.get()) }
        };
        assert_eq!(ask(Kernel::Linux, "a check", fails_once).unwrap(), 2);
        times.set(0);
        assert!(ask(Kernel::Serix, "a check", fails_once).is_err());
        assert!(ask(Kernel::Linux, "a check", || -> Result<()> { bail!("always") }).is_err());

        times.set(1);
        let counts = || fails_once();
        let is_two = |times: &u32| (*times == 2).then(|| "two".to_owned());
        assert_eq!(ask_until(Kernel::Linux, "a check", counts, is_two).unwrap(), 3);
        times.set(1);
        assert_eq!(ask_until(Kernel::Serix, "a check", counts, is_two).unwrap(), 2);
    }
}
