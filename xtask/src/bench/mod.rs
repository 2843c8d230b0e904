//! `cargo xtask bench`: what an operation costs, in guest instructions, on Serix and on Linux.
//!
//! The benchmark (`compat-tests/bench/mb.c`) is the guest's init. Under `-icount` a nanosecond of guest time is one
//! instruction, so the figures depend on the kernel alone, not on the machine that emulates it ([`guest`]). [`rows`] reads
//! what it prints; [`table`] compares.

mod boot;
mod guest;
mod limits;
mod rows;
mod table;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::guest::Kernel;
use crate::project::Project;
use crate::ui::Ui;
use guest::{Run, Yardstick};
use rows::Rows;
use table::Measured;

/// Linux's rows, as they were when the project's figures were fixed.
const REFERENCE: &str = "compat-tests/bench/linux-6.1.txt";

/// How far a row may be from the reference, in per cent.
const TOLERANCE: f64 = 2.0;
/// How many rows may be farther: a few have two values, and which one a boot gets is chance.
const NOISY_ROWS: usize = 3;

/// What `bench` takes.
#[derive(clap::Args)]
pub struct BenchArguments {
    /// Which kernel to measure
    #[arg(long, value_enum, default_value = "both")]
    kernel: Which,
    /// How often to boot each kernel; the median counts (at most 70)
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=70))]
    runs: u32,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Compare Linux with the reference in the repository; fails when more than three rows are 2 % away
    #[arg(long)]
    check: bool,
    /// Measure nothing but the boot: seconds from QEMU's start to the answer to a question at the console, the kernels in turn
    #[arg(long, conflicts_with_all = ["check", "groups"])]
    boot: bool,
    /// Measure only the groups whose names begin so: cpu, syscall, devio, path, pipe, yield, process, memory, thread,
    /// signal, poll, tmpfs, unix, tcp
    #[arg(value_name = "GROUP")]
    groups: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    Serix,
    Linux,
    Both,
}

/// Measures, and prints the table.
pub fn bench(project: &Project, ui: &Ui, arguments: &BenchArguments) -> Result<ExitCode> {
    if arguments.check && arguments.kernel == Which::Serix {
        bail!("--check compares Linux with its reference: measure Linux too (--kernel linux or both)");
    }
    if arguments.boot {
        let kernels: &[Kernel] = match arguments.kernel {
            Which::Serix => &[Kernel::Serix],
            Which::Linux => &[Kernel::Linux],
            Which::Both => &[Kernel::Serix, Kernel::Linux],
        };
        return boot::run(project, ui, kernels, arguments.runs, arguments.json);
    }
    let yardstick = Yardstick::build(project, ui)?;
    let mut measured = Measured::default();
    if arguments.kernel != Which::Linux {
        let runs = boots(&yardstick, ui, &guest::serix(project, ui)?, arguments)?;
        measured.failures = runs.iter().flat_map(|run| run.failures.clone()).collect();
        measured.failures.sort();
        measured.failures.dedup();
        let rows: Vec<_> = runs.into_iter().map(|run| run.rows).collect();
        measured.serix = Some(rows::median(&rows));
    }
    if arguments.kernel != Which::Serix {
        let runs = boots(&yardstick, ui, &guest::linux(project, ui)?, arguments)?;
        let rows: Vec<_> = runs.into_iter().map(Run::whole).collect::<Result<_>>()?;
        measured.linux = Some(rows::median(&rows));
    }
    if arguments.json {
        println!("{}", table::json(&measured)?);
    } else {
        print!("{}", table::text(&measured));
    }
    match &measured.linux {
        Some(linux) if arguments.check => check(linux, &reference(project)?),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Says how far Linux's rows are from the reference, on standard error: standard output may be JSON.
fn check(linux: &Rows, reference: &Rows) -> Result<ExitCode> {
    let far = far_rows(linux, reference);
    for row in &far {
        eprintln!("{row}");
    }
    eprintln!(
        "{} of {} rows are more than {TOLERANCE} % from the reference; {NOISY_ROWS} may be",
        far.len(),
        linux.len()
    );
    Ok(if far.len() <= NOISY_ROWS { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Measures the quickest groups on Linux once: the yardstick works, and gives the figures that are known.
///
/// # Errors
/// It does not run, or a row differs from the reference.
pub fn smoke(project: &Project, ui: &Ui) -> Result<()> {
    let yardstick = Yardstick::build(project, ui)?;
    let kernel = guest::linux(project, ui)?;
    let step = ui.step("Measuring system calls on Linux");
    let rows = yardstick.run(&kernel, 0, &["cpu".to_owned(), "syscall".to_owned()])?.whole()?;
    step.done();
    for name in ["user_alu_loop_iter", "null_syscall"] {
        if !rows.contains_key(name) {
            bail!("the benchmark gave no row {name}");
        }
    }
    match far_rows(&rows, &reference(project)?).as_slice() {
        // The whole takes less time when only a part is measured.
        [] => Ok(()),
        [only] if only.starts_with("total:") => Ok(()),
        far => bail!("{}", far.join("; ")),
    }
}

/// Measures everything on Serix once, and holds it against Linux's reference and the [`limits`].
///
/// # Errors
/// It does not run, or something costs too much.
pub fn hold(project: &Project, ui: &Ui) -> Result<()> {
    let yardstick = Yardstick::build(project, ui)?;
    let kernel = guest::serix(project, ui)?;
    let step = ui.step("Measuring Serix");
    let run = yardstick.run(&kernel, 0, &[])?;
    step.done();
    let linux = Some(reference(project)?);
    limits::check(&Measured { serix: Some(run.rows), failures: run.failures, linux })
}

/// Boots a kernel several times.
fn boots(
    yardstick: &Yardstick,
    ui: &Ui,
    kernel: &guest::Kernel,
    arguments: &BenchArguments,
) -> Result<Vec<Run>> {
    let step = ui.steps(format!("Measuring {}", kernel.name), u64::from(arguments.runs));
    let mut runs = Vec::new();
    for number in 0..arguments.runs {
        let run = yardstick.run(kernel, number, &arguments.groups);
        runs.push(run.with_context(|| format!("{} cannot be measured", kernel.name))?);
        step.advance();
    }
    step.done();
    Ok(runs)
}

fn reference(project: &Project) -> Result<Rows> {
    let path = project.root().join(REFERENCE);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(rows::parse(&text))
}

/// The rows that are farther from the reference than [`TOLERANCE`], farthest first, in words.
fn far_rows(rows: &Rows, reference: &Rows) -> Vec<String> {
    let mut far = Vec::new();
    for (name, row) in rows {
        let Some(expected) = reference.get(name) else {
            far.push((f64::INFINITY, format!("{name}: the reference has no such row")));
            continue;
        };
        let per_cent = (row.value / expected.value - 1.0) * 100.0;
        if per_cent.abs() > TOLERANCE {
            let text = format!("{name}: {:.1} is {per_cent:+.1} % from {:.1}", row.value, expected.value);
            far.push((per_cent.abs(), text));
        }
    }
    far.sort_by(|one, other| other.0.total_cmp(&one.0));
    far.into_iter().map(|(_, text)| text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_beyond_the_tolerance_are_named_farthest_first() {
        let reference = rows::parse("a 100.0 ns\nb 100.0 ns\nc 100.0 ns\n");
        let far = far_rows(&rows::parse("a 101.9 ns\nb 95.0 ns\nc 110.0 ns\nd 1.0 ns\n"), &reference);
        let names: Vec<_> = far.iter().filter_map(|text| text.split(':').next()).collect();
        assert_eq!(names, ["d", "c", "b"]);
    }
}
