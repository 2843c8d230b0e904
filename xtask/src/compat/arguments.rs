//! `cargo xtask compat`.

use std::process::ExitCode;

use anyhow::{Result, bail};

use super::open::Open;
use super::suites::{Id, Selection};
use super::{ReferenceUse, Report, SuiteReport};
use crate::guest::{Kernel, TargetArguments};
use crate::project::Project;
use crate::ui::Ui;

/// What `compat` takes.
#[derive(clap::Args)]
pub struct CompatArguments {
    /// SUITE, or SUITE/PROGRAM for one of its programs; all suites when none is named
    #[arg(value_name = "SUITE")]
    suites: Vec<Selection>,

    /// Where to run them. With both, Linux's kept results are used where they are current; with linux alone everything is
    /// run on Linux and nothing compared; with serix alone Linux is not booted
    #[arg(long, value_enum, default_value_t = Kernels::Both)]
    kernel: Kernels,

    #[command(flatten)]
    target: TargetArguments,

    /// Run on Linux afresh and keep the results in compat-tests/reference
    #[arg(long)]
    retake: bool,

    /// Keep what differs on Serix in compat-tests/open-differences.txt, which the gate holds exact
    #[arg(long, conflicts_with = "retake")]
    keep_open: bool,

    /// Print what is wrong and the counts only, not a line for each test
    #[arg(long)]
    brief: bool,

    /// Name the suites
    #[arg(long)]
    list: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kernels {
    Linux,
    Serix,
    Both,
}

/// Carries out the command: success when there is nothing wrong.
pub fn command(project: &Project, ui: &Ui, arguments: &CompatArguments) -> Result<ExitCode> {
    if arguments.list {
        for id in Id::ALL {
            println!("{:12}{}", id.name(), id.subject());
        }
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.keep_open && arguments.kernel == Kernels::Linux {
        bail!("--keep-open needs a run on Serix");
    }
    let (kernels, trust): (&[Kernel], bool) = match arguments.kernel {
        Kernels::Linux => (&[Kernel::Linux], false),
        Kernels::Serix => (&[Kernel::Serix], true),
        Kernels::Both => (&[Kernel::Linux, Kernel::Serix], true),
    };
    let reference = match (arguments.retake, trust) {
        (true, _) => ReferenceUse::Retake,
        (false, true) => ReferenceUse::Trust,
        (false, false) => ReferenceUse::Check,
    };
    let report: Report =
        super::run_with(project, ui, &arguments.suites, kernels, reference, &arguments.target)?;
    if arguments.keep_open {
        Open::keep(project.root(), &report.suites)?;
    }
    if !arguments.brief {
        print!("{}", report.suites.iter().map(SuiteReport::lines).collect::<String>());
        println!();
    }
    print!("{}", report.closing());
    let (text, json) = report.write(project)?;
    println!("results: {} and {}", text.display(), json.display());
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
