//! The phase `crash`: what the kernel, its dumps and the debugger tell when something went wrong. Faults that no program can
//! cause are committed by a debug kernel whose command line asks for it (`kernel/src/provoke.rs`).

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::Gate;
use crate::debugger::{GDB, Session};
use crate::exec;
use crate::guest::dump::Dump;
use crate::guest::{self, Captured, End, Kernel, Machine, Target};
use crate::kernel::{self, Profile};
use crate::packages;
use crate::project::Project;
use crate::ui::Ui;

/// How long a guest may take, and gdb.
const LIMIT: Duration = Duration::from_secs(90);

/// A processor in its program, one in the kernel, and a third that has the kernel panic.
const THREE_AT_WORK: &str =
    "(while :; do :; done) & cat /dev/zero >/dev/null & sleep 1; echo c >/proc/sysrq-trigger";

/// Boots until two of them are found at work: a timer may interrupt them just then, and on a busy machine often does.
const TRIES: usize = 5;

/// Makes all checks.
pub fn run(gate: &mut Gate<'_>) {
    let (project, ui) = (gate.project, gate.ui);
    gate.tally.check("crash: a panic shows where every processor was", || all_processors(project, ui));
    gate.tally.check("crash: a stuck processor is reported, and does not escape a panic", || {
        stuck_processor(project, ui)
    });
    gate.tally.check("crash: a stuck thread is reported once, with its place", || stuck_thread(project, ui));
    gate.tally.check("crash: an overflow of a kernel stack is named", || stack_overflow(project, ui));
    gate.tally
        .check("crash: memory asked for with interrupts kept out is reported", || allocation(project, ui));
    let [dump, session] =
        ["crash: gdb opens a dump with symbols", "crash: gdb's commands show threads, mappings and the log"];
    if let Err(reason) = packages::ensure(project, ui, &[GDB]) {
        gate.tally.skipped(dump, &format!("{reason:#}"));
        return gate.tally.skipped(session, &format!("{reason:#}"));
    }
    gate.tally.check(dump, || opens_dump(project, ui));
    gate.tally.check(session, || debugs_guest(project, ui));
}

/// A guest of the debug kernel that commits a fault.
fn provoke(project: &Project, ui: &Ui, fault: &str, text: &str) -> Result<Captured> {
    let target = Target { profile: Profile::Dev, ..Kernel::Serix.into() };
    let machine = Machine { append: format!("serix.provoke={fault}"), ..Machine::new(target) };
    guest::capture(project, ui, &machine, text, &[], Some(LIMIT))
}

/// Checks that the texts come in this order.
fn says(text: &str, wanted: &[&str]) -> Result<()> {
    let mut rest = text;
    for piece in wanted {
        rest = match rest.split_once(piece) {
            Some((_, after)) => after,
            None => bail!("`{piece}` is missing, or not where it should be, in:\n{text}"),
        };
    }
    Ok(())
}

fn all_processors(project: &Project, ui: &Ui) -> Result<()> {
    let mut latest = Ok(());
    for _ in 0..TRIES {
        let log = three_at_work(project, ui)?;
        let (_, others) = log.split_once("the image was moved").context("no end")?;
        let in_kernel = ["was at 0xffffffff", "thread: cat (", "cs  0000000000000010", "sendfile"];
        latest = says(others, &[", in its program\n", "thread: sh (", "rip ", "cs  0000000000000033"])
            .and_then(|()| says(others, &in_kernel));
        if latest.is_ok() {
            break;
        }
    }
    latest
}

/// Checks what does not depend on the moment, and gives the log.
fn three_at_work(project: &Project, ui: &Ui) -> Result<String> {
    let machine = Machine::new(Target { processors: 3, ..Kernel::Serix.into() });
    let captured = guest::capture(project, ui, &machine, THREE_AT_WORK, &[], Some(LIMIT))?;
    ensure!(captured.end == End::Died, "{:?}", captured.end);
    let log = captured.log;
    says(
        &log,
        &[
            "the end of the log:",
            "kernel: Serix",
            "kernel panic: sysrq triggered crash",
            "rax ",
            "backtrace:",
            "sysrq::Trigger",
            "user_thread_main",
            "the image was moved by 0x",
            "thread: sh (",
        ],
    )?;
    let (_, others) = log.split_once("the image was moved").context("no end")?;
    ensure!(!log.contains("does not answer"), "a processor did not stop: {log}");
    ensure!(others.matches(" was at 0x").count() == 2, "not all processors are shown: {log}");
    Ok(log)
}

fn stuck_processor(project: &Project, ui: &Ui) -> Result<()> {
    // In one process, which does not wait for the other processor's timers, nor for it to forget translations.
    let text = "taskset -p 1 $$ >/dev/null; echo 1 >/proc/sys/kernel/watchdog_thresh
        while read -r line; do case $line in *'1 has not served a timer for 2 s') break; esac; done </proc/kmsg
        echo c >/proc/sysrq-trigger";
    let captured = provoke(project, ui, "stuck-processor", text)?;
    ensure!(captured.end == End::Died, "{:?}: {}", captured.end, captured.log);
    let place = "provoke::stuck_processor";
    let (before, panic) = captured.log.split_once("kernel panic: sysrq").context("no panic")?;
    says(before, &["processor 1 is at ", place, "thread: provoke ("])?;
    ensure!(!before.contains("processor 0 has not served"), "a processor that lives is reported: {before}");
    says(panic, &["processor 1 was at ", place, "thread: provoke ("])
}

fn stuck_thread(project: &Project, ui: &Ui) -> Result<()> {
    let text = "cd /proc/sys/kernel; cat hung_task_timeout_secs; echo 2 >hung_task_timeout_secs
        grep -m1 'thread waits-for-ever' /proc/kmsg >/dev/null; sleep 4; dmesg | grep 'hung: '";
    let captured = provoke(project, ui, "stuck-thread", text)?;
    ensure!(captured.end == End::Exited(0), "{:?}: {}", captured.end, captured.log);
    let said = String::from_utf8_lossy(&captured.stdout);
    says(
        &said,
        &["120\n", "thread waits-for-ever (", ") is blocked for more than 2 s", "provoke::stuck_thread"],
    )?;
    ensure!(said.matches("is blocked for").count() == 1, "not one report: {said}");
    Ok(())
}

fn stack_overflow(project: &Project, ui: &Ui) -> Result<()> {
    let captured = provoke(project, ui, "stack-overflow", "sleep 60")?;
    ensure!(captured.end == End::Died, "{:?}: {}", captured.end, captured.log);
    says(
        &captured.log,
        &[
            "kernel panic: double fault",
            "the guard below a kernel stack: the stack overflowed",
            "provoke::stack_overflow",
            "thread: provoke (",
        ],
    )
}

fn allocation(project: &Project, ui: &Ui) -> Result<()> {
    let captured = provoke(project, ui, "allocation", "sleep 60")?;
    ensure!(captured.end == End::Died, "{:?}: {}", captured.end, captured.log);
    says(
        &captured.log,
        &[
            "lock rule broken: the heap is asked for memory, holding `provoked` (rank 1)",
            "taken at kernel/src/provoke.rs:",
            "provoke::allocation",
        ],
    )
}

/// Runs a script with these commands after it, and gives what gdb said.
fn gdb(script: &Path, commands: &[&str]) -> Result<String> {
    let mut command = exec::command("timeout");
    command.arg(LIMIT.as_secs().to_string()).arg(GDB.proof).args(["-batch", "-nx", "-x"]).arg(script);
    command.args(commands.iter().flat_map(|text| ["-ex", text])).stdin(Stdio::null());
    let output = command.output().context("cannot start gdb")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success() && !complaints.contains("Error"),
        "{}: {said}{complaints}",
        output.status
    );
    Ok(said)
}

fn opens_dump(project: &Project, ui: &Ui) -> Result<()> {
    const MEMORY_MIB: u64 = 64;
    let image = kernel::build(project, ui, Profile::Release)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("dump");
    let dump = Arc::new(Dump::to_file(&path)?);
    let machine = Machine {
        dump: Some(dump.clone()),
        memory: "64M".parse()?,
        ..Machine::new(Target { processors: 3, ..Kernel::Serix.into() })
    };
    let captured = guest::capture(project, ui, &machine, THREE_AT_WORK, &[], Some(LIMIT))?;
    ensure!(captured.end == End::Died, "{:?}: {}", captured.end, captured.log);
    let script = dump.finish(&image)?.context("the panic left no dump")?;
    let size = path.metadata()?.len() >> 20;
    ensure!(size < MEMORY_MIB + 2, "the dump of {MEMORY_MIB} MiB takes {size} MiB");
    let said = gdb(&script, &["bt", "info threads", "thread apply all bt"])?;
    says(
        &said,
        &["end_panic", "on_request", "sysrq.rs:", "user_thread_main", "begin ()", "LWP 1", "LWP 2", "LWP 3"],
    )?;
    let (_, all) = said.split_once("LWP 3").unwrap_or_default();
    says(all, &["stop_here", "fault_entry", "sendfile ()", "user_thread_main"])
}

fn debugs_guest(project: &Project, ui: &Ui) -> Result<()> {
    const TEXT: &str = "sleep 77 & cat /dev/zero >/dev/null & sleep 1; echo c >/proc/sysrq-trigger";
    let session = Session::new(project)?;
    let image = kernel::build(project, ui, Profile::Dev)?;
    let target = Target { profile: Profile::Dev, ..Kernel::Serix.into() };
    let machine = Machine {
        debugger: Some(session.socket().to_owned()),
        append: "nokaslr".to_owned(),
        ..Machine::new(target)
    };
    let script = session.write_script(&image)?;
    let said = thread::scope(|scope| {
        scope.spawn(|| guest::capture(project, ui, &machine, TEXT, &[], Some(LIMIT)));
        let end = Instant::now() + LIMIT;
        while !session.socket().exists() && Instant::now() < end {
            thread::sleep(Duration::from_millis(50));
        }
        gdb(
            script,
            &[
                "break hal::arch::panic::on_request",
                "continue",
                "info threads",
                "serix-threads",
                "serix-mappings 1",
                "serix-dmesg",
                "detach",
            ],
        )
    })?;
    says(
        &said,
        &["Thread 1.1", "Thread 1.2", "PID    TID STATE CPU NAME", "init\n", "rt_sigtimedwait", "ttyS0\n"],
    )?;
    let (_, threads) = said.split_once("ttyS0\n").unwrap_or_default();
    says(threads, &["serial::port::Port::serve", "sh\n", "on_request", "sysrq::"])?;
    says(threads, &[" S ", "sleep\n", "chronos::scheduler::leave", "hermes::time::nanosleep"])?;
    says(threads, &["000000400000-", " r-xp ", "[heap]", "[stack]", "kernel: Serix", "initramfs: "])
}
