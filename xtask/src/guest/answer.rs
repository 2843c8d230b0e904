//! How long a machine takes to its prompt: from QEMU's start to the answer to something typed at the console.

use std::io::Write;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::archive::{self, Task};
use super::log::{self, Log};
use super::machine::Machine;
use super::poll;
use super::qemu::Qemu;
use super::{Parts, deadline};

/// How the prompt ends.
const PROMPT: &str = "# ";
/// What is typed then, and the line that answers it: the echo of what is typed does not hold it.
const QUESTION: &[u8] = b"echo $((6*7))\r";
const ANSWER: &str = "\n42\n";

/// Boots a machine to its interactive shell, and gives the time from QEMU's start to the prompt, and to the answer to a
/// question typed there.
///
/// # Errors
/// The guest cannot be started, or does not answer within `limit`.
pub fn time(parts: &Parts, machine: &Machine, limit: Duration) -> Result<(Duration, Duration)> {
    let top = archive::pack(Task::Shell { rows: 24, columns: 80 }, &machine.additions)?;
    let medium = parts.medium(machine, &top)?;
    let begun = Instant::now();
    let mut qemu = Qemu::start(machine, &parts.kernel, medium)?;
    let end = deadline(Some(limit));
    let mut log = Log::default();
    await_text(&mut log, &qemu, PROMPT, end)?;
    let prompted = begun.elapsed();
    (&qemu.console).write_all(QUESTION).context("cannot type at the guest's console")?;
    await_text(&mut log, &qemu, ANSWER, end)?;
    let answered = begun.elapsed();
    qemu.kill();
    Ok((prompted, answered))
}

fn await_text(log: &mut Log, qemu: &Qemu, text: &str, deadline: Option<Instant>) -> Result<()> {
    while !log.text().contains(text) {
        let ready = poll::wait(&[((), qemu.console.as_fd(), poll::IN)], deadline)?;
        if ready.is_empty() || log.read(&qemu.console)?.is_none() {
            bail!("{text:?} does not appear; the end of the console:\n{}", log::end(&log.text()));
        }
    }
    Ok(())
}
