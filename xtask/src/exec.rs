//! Running other programs: their output goes to a log file, its last line is shown, and a failure quotes the log's end.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::ui::Step;

/// How many lines of a log an error quotes.
const QUOTED_LINES: usize = 20;

/// A command with none of cargo's and rustup's variables in its environment.
///
/// xtask runs under cargo, and what cargo sets for it (`RUSTUP_TOOLCHAIN`, `CARGO_*`, `RUSTC_*`) would misdirect another
/// cargo.
pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let kept =
            matches!(&*text, "CARGO_HOME" | "RUSTUP_HOME" | "RUSTUP_AUTO_INSTALL" | "CARGO_NET_OFFLINE");
        if !kept && ["CARGO", "RUSTC", "RUSTUP_", "RUSTDOC", "RUSTFLAGS"].iter().any(|p| text.starts_with(p))
        {
            command.env_remove(name);
        }
    }
    command
}

/// Runs `command` to its end with both output streams in `log` (appended); fails, quoting the log's end, unless it exits
/// with 0.
pub fn run(mut command: Command, log: &Path, step: &Step) -> Result<()> {
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("cannot write the log {}", log.display()))?;
    let shown = show(&command);
    writeln!(file, "$ {shown}").with_context(|| format!("cannot write the log {}", log.display()))?;

    let (reader, writer) = std::io::pipe().context("cannot create a pipe")?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone().context("cannot duplicate a pipe")?)
        .stderr(writer);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
    drop(command); // holds the pipe's writing ends

    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).context("cannot read the program's output")? > 0 {
        file.write_all(&line).with_context(|| format!("cannot write the log {}", log.display()))?;
        step.detail(&String::from_utf8_lossy(&line));
        line.clear();
    }
    let status = child.wait().context("cannot wait for the program")?;
    if !status.success() {
        bail!("`{shown}` failed: {status}; the end of {}:\n{}", log.display(), tail(log));
    }
    Ok(())
}

/// Runs `command` and gives its standard output; fails with its standard error unless it exits with 0.
pub fn output(mut command: Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
    if !output.status.success() {
        bail!(
            "`{}` failed: {}\n{}",
            show(&command),
            output.status,
            last_lines(&String::from_utf8_lossy(&output.stderr))
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed no UTF-8", show(&command)))
}

/// The command as a person would type it.
pub fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The last lines of a log file, indented.
pub fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    last_lines(&String::from_utf8_lossy(&text))
}

/// The last lines of a text, indented.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.len().saturating_sub(QUOTED_LINES);
    lines.iter().skip(first).map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
