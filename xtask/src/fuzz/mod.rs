//! `cargo xtask fuzz`: system calls at random, from the grammar that the kernel's own table gives.
//!
//! - [`grammar`] puts the table and the hints together, [`report`] reads and judges what comes back, [`flight`] finds the last
//!   calls in the memory of a machine that died.
//! - The fuzzer itself runs in the guest: `compat-tests/fuzz/main.c`.

mod flight;
mod grammar;
mod report;

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::guest::{self, Addition, End, Kernel, Machine, Memory};
use crate::kernel::Profile;
use crate::musl::{self, Compiler};
use crate::project::Project;
use crate::ui::Ui;
use report::Report;

const FOLDER: &str = "compat-tests/fuzz";
const HINTS: &str = "hints.txt";
/// Beside the usual ones: a call may move thread-local storage away.
const FLAG: &str = "-fno-stack-protector";

/// In so many calls every one of them has to have succeeded.
const LONG: u64 = 50_000;

/// What `fuzz` takes.
#[derive(clap::Args)]
pub struct FuzzArguments {
    /// What the calls are drawn from; another one each time when it is left out
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// How many calls are made at least
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1..))]
    calls: u64,

    /// Number of processors
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=12))]
    smp: u8,

    /// The kernel that is fuzzed
    #[arg(long, value_enum, default_value_t = Kernel::Serix)]
    kernel: Kernel,

    /// Build Serix with overflow checks, debug assertions and lock checks
    #[arg(long)]
    debug: bool,

    /// Let time advance by a nanosecond an instruction: with one processor, the same seed gives the same run
    #[arg(long)]
    icount: bool,

    /// Memory, such as 512M or 2G
    #[arg(long, value_name = "SIZE", default_value = "512M")]
    memory: Memory,

    /// Make one batch only, as the report of a run names it, and show its last calls
    #[arg(long, value_name = "WORKER:BATCH", value_parser = read_batch)]
    batch: Option<(u32, u64)>,

    /// Stop the guest after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    timeout: Option<u64>,
}

fn read_batch(text: &str) -> Result<(u32, u64)> {
    let (worker, batch) = text.split_once(':').context("a batch is like 2:17")?;
    Ok((worker.parse()?, batch.parse()?))
}

/// A run of the fuzzer.
pub struct Run {
    /// What the calls are drawn from.
    pub seed: u64,
    /// How many are made at least.
    pub calls: u64,
    /// On what.
    pub machine: Machine,
    /// One batch of this worker only.
    pub batch: Option<(u32, u64)>,
    /// How long the machine may take.
    pub limit: Duration,
}

impl Run {
    /// Of so many calls on a machine.
    pub fn new(seed: u64, calls: u64, machine: Machine) -> Self {
        // Ten times what an idle host needs, and a minute to start with.
        let limit =
            Duration::from_secs(60) + Duration::from_millis(calls * if machine.icount { 20 } else { 2 });
        Self { seed, calls, machine, batch: None, limit }
    }
}

/// Carries out the command: success when nothing was found.
pub fn command(project: &Project, ui: &Ui, arguments: &FuzzArguments) -> Result<ExitCode> {
    let seed = arguments.seed.unwrap_or_else(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64 % 1_000_000_000)
    });
    let mut machine = Machine::new(arguments.kernel);
    machine.processors = arguments.smp;
    machine.memory = arguments.memory;
    machine.icount = arguments.icount;
    if arguments.debug {
        machine.profile = Profile::Dev;
    }
    let mut run = Run { batch: arguments.batch, ..Run::new(seed, arguments.calls, machine) };
    if let Some(seconds) = arguments.timeout {
        run.limit = Duration::from_secs(seconds);
    }
    println!("seed {seed}");
    let report = self::run(project, ui, &run)?;
    print!("{}", report.table());
    report.last_calls.iter().for_each(|line| println!("{line}"));
    let (tries, successes) = report.totals();
    println!("seed {seed}: {tries} calls, {} % succeed", successes * 100 / tries.max(1));
    let problems = report.problems(run.batch.is_none() && arguments.calls >= LONG);
    for problem in &problems {
        println!("FOUND {problem}");
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the fuzzer, and keeps what it says below `target/fuzz`, in a folder for the seed and the processors. A machine that is lost is one more thing found.
///
/// # Errors
/// The guest cannot be prepared or started.
pub fn run(project: &Project, ui: &Ui, run: &Run) -> Result<Report> {
    let name = format!("seed-{}-smp-{}", run.seed, run.machine.processors);
    let folder = project.target().join("fuzz").join(name);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let grammar = grammar_of(project, ui)?;
    let file = folder.join("grammar");
    fs::write(&file, &grammar).with_context(|| format!("cannot write {}", file.display()))?;

    let mut machine = run.machine.clone();
    machine.additions.push(Addition::new(build(project, ui)?, "/opt/fuzz/fuzz")?);
    machine.additions.push(Addition::new(&file, "/opt/fuzz/grammar")?);
    let memory = machine.keep_memory()?;
    if machine.icount {
        machine.cpu = "qemu64".to_owned(); // has no random numbers of its own
    }
    let workers = u32::from(machine.processors).max(2) + 1;
    let mut words = format!("/opt/fuzz/fuzz /opt/fuzz/grammar {} {} {workers}", run.seed, run.calls);
    if let Some((worker, batch)) = run.batch {
        words += &format!(" {worker} {batch}");
    }
    let step = ui.step(format!("Fuzzing {}: {} calls from seed {}", machine.kernel, run.calls, run.seed));
    let captured = guest::capture(project, ui, &machine, &words, &[], Some(run.limit))?;
    step.done();

    let output = String::from_utf8_lossy(&captured.stdout);
    keep(&folder.join("output.txt"), output.as_bytes())?;
    keep(&folder.join("console.txt"), captured.log.as_bytes())?;
    let mut report = Report::read(&output, run.batch.is_some())?;
    if captured.end != End::Exited(0) {
        let what = match captured.end {
            End::TimedOut => "the machine hangs, or has too little time".to_owned(),
            End::Died => "the kernel died".to_owned(),
            End::Exited(status) => format!("the fuzzer ended with {status}"),
            End::Killed(signal) => format!("the fuzzer was killed by signal {signal}"),
        };
        let names: Vec<&str> = grammar.lines().filter_map(|line| line.split('\t').nth(1)).collect();
        let flight = flight::read(&mut memory_again(&memory)?, run.seed, &names)?;
        let said = String::from_utf8_lossy(&captured.stderr);
        report.findings.push(format!(
            "{what}; the last calls:\n{flight}{said}the console's end:\n{}",
            captured.log_end()
        ));
    }
    keep(&folder.join("report.json"), serde_json::to_string_pretty(&report)?.as_bytes())?;
    keep(&folder.join("report.txt"), report.table().as_bytes())?;
    Ok(report)
}

fn memory_again(memory: &Arc<File>) -> Result<File> {
    memory.try_clone().context("cannot duplicate a descriptor")
}

fn keep(path: &PathBuf, bytes: &[u8]) -> Result<()> {
    File::create(path)
        .and_then(|mut file| file.write_all(bytes))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The grammar: the table of the kernel in this checkout, with the hints.
fn grammar_of(project: &Project, ui: &Ui) -> Result<String> {
    let step = ui.step("Asking the kernel's table for its grammar");
    let table = crate::table::in_form(project, "grammar")?;
    step.done();
    let path = project.root().join(FOLDER).join(HINTS);
    let hints = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    for (call, why) in grammar::left_out(&hints)? {
        if why.is_empty() {
            bail!("{call} is left out without a reason");
        }
    }
    grammar::merge(&table, &hints)
}

/// The guest's part.
fn build(project: &Project, ui: &Ui) -> Result<PathBuf> {
    let folder = project.root().join(FOLDER);
    let sources = musl::sources_in(&folder)?;
    let sources: Vec<_> = sources.iter().map(PathBuf::as_path).collect();
    let header = folder.join("fuzz.h");
    let flags: Vec<&str> = musl::FLAGS.into_iter().chain([FLAG]).collect();
    let program = musl::Program { name: "fuzz", sources: &sources, depends: &[&header], flags: &flags };
    Compiler::find(project, ui)?.cc(project, ui, &program)
}
