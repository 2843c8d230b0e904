//! What `cargo xtask run` promises, as checks: the same for every kernel.
//!
//! Most of them type the command as a person would: they start xtask itself, and look at its streams and its status.

mod ends;
mod pty;
mod streams;
mod terminal;

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::machine::{Kernel, Machine};
use super::{Captured, capture, tether};
use crate::project::Project;
use crate::ui::Ui;

/// No command of a check takes longer, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A promise.
pub struct Case {
    /// What is promised.
    pub name: &'static str,
    /// Holds the kernel to it.
    pub check: fn(&Subject<'_>) -> Result<()>,
}

/// What `run` promises about every kernel's guests.
pub fn cases() -> Vec<Case> {
    let mut cases = streams::cases();
    cases.extend(ends::cases());
    cases.extend(terminal::cases());
    cases
}

/// What is checked, and with what.
pub struct Subject<'a> {
    project: &'a Project,
    ui: &'a Ui,
    kernel: Kernel,
}

impl<'a> Subject<'a> {
    /// Guests with this kernel; all their parts are made here, so that no check waits for them.
    pub fn new(project: &'a Project, ui: &'a Ui, kernel: Kernel) -> Result<Self> {
        super::prepare(project, ui, &Machine::new(kernel))?;
        Ok(Self { project, ui, kernel })
    }

    /// Runs a command in a guest with no input, through [`capture`].
    fn capture(&self, text: &str) -> Result<Captured> {
        capture(self.project, self.ui, &Machine::new(self.kernel), text, &[], Some(PATIENCE))
    }

    /// `cargo xtask run --kernel …` with these words after it. It ends when its time is up, unless they give it another
    /// one, and with this process, whatever ends that.
    fn xtask(&self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = tether::command("/proc/self/exe");
        let kernel = match self.kernel {
            Kernel::Serix => "serix",
            Kernel::Linux => "linux",
        };
        command.args(["run", "--kernel", kernel, "--timeout"]).arg(PATIENCE.as_secs().to_string());
        command.args(words).current_dir(self.project.root());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Types `run` with these words, and `input` on a pipe.
    fn run(&self, words: &[&str], input: &[u8]) -> Result<Output> {
        let mut child = self.xtask(words).stdin(Stdio::piped()).spawn().context("cannot start xtask")?;
        let mut stdin = child.stdin.take().context("xtask has no input")?;
        thread::scope(|scope| {
            // A command that does not read its input is as good as any other.
            scope.spawn(move || drop(stdin.write_all(input)));
            child.wait_with_output().context("cannot wait for xtask")
        })
    }
}

/// Checks what a run came to: its status and both of its streams.
fn expect(output: &Output, status: i32, stdout: impl AsRef<[u8]>, stderr: impl AsRef<[u8]>) -> Result<()> {
    let show = |bytes: &[u8]| String::from_utf8_lossy(bytes.get(..2000).unwrap_or(bytes)).into_owned();
    let all = || {
        let (out, err) = (show(&output.stdout), show(&output.stderr));
        format!("{}; standard output: {out:?}; standard error: {err:?}", output.status)
    };
    ensure!(output.status.code() == Some(status), "the status is not {status}: {}", all());
    ensure!(output.stdout == stdout.as_ref(), "standard output is not what it should be: {}", all());
    ensure!(output.stderr == stderr.as_ref(), "standard error is not what it should be: {}", all());
    Ok(())
}
