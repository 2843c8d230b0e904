//! `cargo xtask faults`: puts mistakes into a copy of the kernel, one at a time, and sees whether the gate notices.
//!
//! - [`list`] are the mistakes, each a line of the kernel and what a tired programmer could have written there.
//! - [`copy`] is where they are put: a copy of the checkout below `target`.
//!
//! The gate's phases run on the copy from the cheapest on, until one of their checks fails. Of the unit tests only those of
//! the changed crate are run, and nothing on Linux: what is caught here, the whole gate catches.

mod copy;
pub mod list;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Instant;
use std::{fmt, fs};

use anyhow::{Context, Result, bail, ensure};

use crate::exec;
use crate::gate::Gate;
use crate::kernel::{self, Profile};
use crate::project::Project;
use crate::ui::Ui;

use copy::Planted;
use list::Fault;

/// What `faults` takes.
#[derive(clap::Args)]
pub struct FaultsArguments {
    /// Put only this fault in (repeatable; `--list` names them)
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Name the faults and what each breaks
    #[arg(long)]
    list: bool,
}

/// The gate's phases that look at what the kernel does, the cheapest first.
const PHASES: [&str; 10] =
    ["unit", "compat", "guests", "sessions", "inject", "hostile", "fuzz", "kernel", "crash", "screen"];

/// What the gate said of a fault.
enum Verdict {
    /// A phase found it: this check failed.
    Caught { phase: &'static str, check: String },
    /// Every phase passed.
    NotCaught,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caught { phase, check } => {
                f.write_str(check.strip_prefix(phase).unwrap_or(check).trim_start_matches([':', ' ']))?;
                write!(f, " ({phase})")
            }
            Self::NotCaught => f.write_str("not caught"),
        }
    }
}

/// Puts the faults in, one after the other, and prints what caught each; success when every one was.
pub fn command(project: &Project, ui: &Ui, arguments: &FaultsArguments) -> Result<ExitCode> {
    let faults = list::read(project.root())?;
    if let Some(name) = arguments.only.iter().find(|name| faults.iter().all(|fault| fault.name != **name)) {
        bail!("there is no fault `{name}`; `cargo xtask faults --list` names them");
    }
    let wanted = |fault: &&Fault| arguments.only.is_empty() || arguments.only.contains(&fault.name);
    let faults: Vec<&Fault> = faults.iter().filter(wanted).collect();
    if arguments.list {
        for fault in faults {
            println!("{:32} {:14} {:9} {}", fault.name, fault.kind.name(), fault.package, fault.breaks);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let _lock = project.lock_target("faults")?;
    let copy = copy::refresh(project)?;
    let mut proved = Proved::default();
    proved.prove(&copy, ui, "kernel", "compat")?;
    let mut rows = Vec::new();
    for fault in faults {
        println!("\n{}: {}", fault.name, fault.breaks);
        let begun = Instant::now();
        let verdict = judge(&copy, ui, fault).with_context(|| format!("the fault {}", fault.name))?;
        if let Verdict::Caught { phase, .. } = verdict {
            proved.prove(&copy, ui, &fault.package, phase)?;
        }
        println!("{}: {verdict} ({:.0} s)", fault.name, begun.elapsed().as_secs_f64());
        rows.push((fault, verdict));
    }
    println!();
    for (fault, verdict) in &rows {
        println!("{:32} {:14} {:9} {verdict}", fault.name, fault.kind.name(), fault.package);
    }
    let caught = rows.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Caught { .. })).count();
    println!("\n{caught} of {} caught", rows.len());
    Ok(if caught == rows.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The phases that passed without any fault, each with the crate whose unit tests it ran: what failed there as well would seem to
/// catch every fault.
#[derive(Default)]
struct Proved(BTreeSet<(String, &'static str)>);

impl Proved {
    /// Runs a phase on the unchanged copy, unless it was before.
    ///
    /// # Errors
    /// One of its checks fails.
    fn prove(&mut self, copy: &Project, ui: &Ui, package: &str, phase: &'static str) -> Result<()> {
        let package = if phase == "unit" { package } else { "kernel" };
        if self.0.insert((package.to_owned(), phase)) {
            if phase != "unit" {
                kernel::build(copy, ui, Profile::Release)?;
            }
            println!("without any fault:");
            if let Some(check) = Gate::of_change(copy, ui, package)?.first_failure(phase)? {
                bail!("`{check}` fails without any fault");
            }
        }
        Ok(())
    }
}

/// Puts a fault into the copy, asks the gate, and takes it out again.
///
/// # Errors
/// The kernel does not build with it: then it is no fault that anybody could land.
fn judge(copy: &Project, ui: &Ui, fault: &Fault) -> Result<Verdict> {
    let _planted = Planted::new(copy, fault)?;
    // What does not build must not count as caught.
    builds(copy, ui, fault)?;
    let mut gate = Gate::of_change(copy, ui, &fault.package)?;
    for phase in PHASES {
        if phase != "unit" {
            kernel::build(copy, ui, Profile::Release)?;
        }
        if let Some(check) = gate.first_failure(phase)? {
            return Ok(Verdict::Caught { phase, check: check.to_owned() });
        }
    }
    Ok(Verdict::NotCaught)
}

/// Builds the crate's unit tests, without running them.
///
/// # Errors
/// They do not build, or the compiler warns of what is not used any more: nobody overlooks that.
fn builds(copy: &Project, ui: &Ui, fault: &Fault) -> Result<()> {
    let log = copy.log("faults-unit")?;
    let _ = fs::remove_file(&log); // an older one's warnings
    let step = ui.step(format!("Building the unit tests of {}", fault.package));
    let mut command = exec::command("cargo");
    command.current_dir(copy.root()).args(["test", "--no-run", "--package", &fault.package]);
    exec::run(command, &log, &step)?;
    let warned = fs::read_to_string(&log).unwrap_or_default().contains("warning: unused");
    ensure!(!warned, "the compiler itself warns of it; see {}", log.display());
    step.done();
    Ok(())
}
