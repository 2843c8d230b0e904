//! Running a suite's programs in a guest, one after the other; when one takes the machine down, the rest get another.
//!
//! The guest's shell prints a line before and behind each program, so the output of each can be told from the others', and
//! which one was running when the machine was lost.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{Ending, Program, Run, Suite};
use crate::guest::{self, Addition, End, Limits, Machine, Target};
use crate::project::Project;
use crate::ui::Ui;

/// What the lines begin with; a control character keeps them apart from what programs print.
const MARK: &str = "\u{1}serix-compat";

/// How long a machine may take to come up and to power off.
const BOOT: Duration = Duration::from_secs(60);

/// How long a suite may take on a kernel in all. What is left then is not run.
const SUITE: Duration = Duration::from_secs(30 * 60);

/// How many of the console's last lines tell why a machine was lost.
const CONSOLE_LINES: usize = 3;
/// How much of a panic's report.
const PANIC_LINES: usize = 24;

/// Runs programs of a suite on a kernel. What each prints is kept below `target/compat/output`, and the
/// last machine's console.
///
/// # Errors
/// The guest cannot be prepared or started.
pub fn run(
    project: &Project,
    ui: &Ui,
    suite: &Suite,
    programs: &[&Program],
    target: Target,
) -> Result<Vec<Run>> {
    let kernel = target.kernel;
    if programs.is_empty() {
        return Ok(Vec::new());
    }
    let mut machine = Machine::new(target);
    for (host, guest) in &suite.additions {
        machine.additions.push(Addition::new(host, guest)?);
    }
    guest::prepare(project, ui, &machine)?;
    let step = ui.steps(format!("Running {} on {kernel}", suite.name), programs.len() as u64);
    let folder = project.target().join("compat/output");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let begun = Instant::now();
    let mut endings: BTreeMap<&str, (String, Ending)> = BTreeMap::new();
    loop {
        let left: Vec<&Program> =
            programs.iter().copied().filter(|program| !endings.contains_key(&*program.name)).collect();
        let time = SUITE.saturating_sub(begun.elapsed());
        if left.is_empty() || time.is_zero() {
            break;
        }
        // A line stands before and behind each program, which the guest itself ends when its time is up.
        let longest = left.iter().map(|program| program.limit).max().unwrap_or_default();
        let limits = Limits { all: Some(time), silence: Some(BOOT + longest) };
        let captured = guest::capture(project, ui, &machine, &script(&left), &[], limits)?;
        let output = String::from_utf8_lossy(&captured.stdout);
        let lost = lost(captured.end, &captured.log);
        let console = folder.join(format!("{}-{kernel}-console.txt", suite.name));
        fs::write(&console, &captured.log).with_context(|| format!("cannot write {}", console.display()))?;
        let found = attribute(&left, &output, &lost);
        if found.is_empty() {
            // User space was not reached, or not left: another machine would do no better.
            for program in left {
                let reason = format!("no program was started: {lost}");
                endings.insert(&program.name, (String::new(), Ending::NotRun(reason)));
            }
        }
        found.iter().for_each(|_| step.advance());
        endings.extend(found);
    }
    step.done();

    for (name, (output, ending)) in &endings {
        let path = folder.join(format!("{}-{}-{kernel}.txt", suite.name, name.replace('/', "-")));
        fs::write(&path, format!("{output}\n[{ending:?}]\n"))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }

    let unreached = || (String::new(), Ending::NotRun("the suite's time was up".to_owned()));
    Ok(programs
        .iter()
        .map(|program| {
            let (output, ending) = endings.remove(&*program.name).unwrap_or_else(unreached);
            Run { program: program.name.clone(), tests: (program.read)(&output, &ending) }
        })
        .collect())
}

/// The shell script that runs the programs.
fn script(programs: &[&Program]) -> String {
    let mut text = String::from("exec 2>&1 </dev/null\n");
    for program in programs {
        let (name, seconds) = (quote(&program.name), program.limit.as_secs());
        let _ = writeln!(text, "printf '{MARK} begin %s\\n' {name}");
        let _ = writeln!(text, "timeout -s KILL {seconds} setsid sh -c {}", quote(&program.command));
        let _ = writeln!(text, "printf '\\n{MARK} end %s %d\\n' {name} $?");
    }
    text.push_str("exit 0\n");
    text
}

/// A word for the shell.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Why the machine did not come to the script's end, in words.
fn lost(end: End, log: &str) -> String {
    let what = match end {
        End::TimedOut => "the machine did not come to an end".to_owned(),
        End::Died => "the machine died".to_owned(),
        End::Killed(signal) => format!("the shell was killed by signal {signal}"),
        End::Exited(status) => format!("the shell ended with {status}"),
    };
    let lines: Vec<&str> = log.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    // A panic says why first, and then where every processor was.
    let last = match lines.iter().position(|line| line.contains("kernel panic")) {
        Some(panic) => lines.get(panic..).unwrap_or_default().chunks(PANIC_LINES).next().unwrap_or_default(),
        None => lines.get(lines.len().saturating_sub(CONSOLE_LINES)..).unwrap_or_default(),
    };
    if last.is_empty() { what } else { format!("{what}; the console's end: {}", last.join(" | ")) }
}

/// Gives each program that was begun its output and end.
fn attribute<'a>(programs: &[&'a Program], output: &str, lost: &str) -> BTreeMap<&'a str, (String, Ending)> {
    let mut found = BTreeMap::new();
    for program in programs {
        let begin = format!("{MARK} begin {}\n", program.name);
        let Some((_, rest)) = output.split_once(&begin) else { continue };
        let end = format!("\n{MARK} end {} ", program.name);
        let (text, ending) = match rest.split_once(&end) {
            None => (rest, Ending::Lost(lost.to_owned())),
            Some((text, behind)) => {
                let status = behind.lines().next().and_then(|status| status.trim().parse().ok());
                (text, ended(status, program))
            }
        };
        found.insert(&*program.name, (text.to_owned(), ending));
    }
    found
}

/// The end of a program that the shell saw end. `timeout` kills by signal 9, and tells so as a shell does.
fn ended(status: Option<u8>, program: &Program) -> Ending {
    match status {
        Some(137) => Ending::TooLate,
        Some(status) => Ending::Exited(status),
        None => Ending::Lost(format!("the shell printed no status of {}", program.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compat::tap;

    fn program(name: &str) -> Program {
        Program {
            name: name.into(),
            command: "it's".into(),
            limit: Duration::from_secs(5),
            content: String::new(),
            read: tap::read,
        }
    }

    #[test]
    fn output_is_told_apart_by_the_lines_around_it() {
        let (a, b, c) = (program("a"), program("b"), program("c"));
        let output = format!(
            "{MARK} begin a\none\n\n{MARK} end a 0\n{MARK} begin b\ntwo\n\n{MARK} end b 137\n{MARK} begin c\nthr"
        );
        let found = attribute(&[&a, &b, &c], &output, "died");
        assert_eq!(found["a"], ("one\n".into(), Ending::Exited(0)));
        assert_eq!(found["b"], ("two\n".into(), Ending::TooLate));
        assert_eq!(found["c"], ("thr".into(), Ending::Lost("died".into())));
    }

    #[test]
    fn a_program_that_was_not_begun_has_no_end() {
        let a = program("a");
        assert!(attribute(&[&a], "nothing", "died").is_empty());
    }

    #[test]
    fn the_script_quotes_commands() {
        let a = program("a");
        assert!(script(&[&a]).contains("timeout -s KILL 5 setsid sh -c 'it'\\''s'\n"));
    }

    #[test]
    fn a_lost_machine_tells_the_consoles_end() {
        assert_eq!(lost(End::Died, "1\n2\n\n3\n4\n"), "the machine died; the console's end: 2 | 3 | 4");
        assert_eq!(lost(End::TimedOut, ""), "the machine did not come to an end");
    }
}
