//! Promises about the interactive shell, above all that the terminal is restored however it ends.

use std::os::unix::process::ExitStatusExt;

use anyhow::{Result, ensure};
use rustix::process::Signal;

use super::pty::{COLUMNS, Person, ROWS};
use super::{Case, Subject};

/// How the prompt ends.
const PROMPT: &str = "# ";

const CTRL_A: &str = "\x01";

pub fn cases() -> Vec<Case> {
    vec![
        Case { name: "an interactive shell knows its window, follows it, and powers off", check: shell },
        Case { name: "Ctrl-A X leaves", check: leave },
        Case { name: "a timeout restores the terminal", check: timeout },
        Case { name: "a terminated xtask restores the terminal", check: terminated },
        Case { name: "a killed xtask leaves a restored terminal", check: killed },
        Case { name: "a kernel that dies in a session gives the terminal back", check: crash },
    ]
}

fn shell(subject: &Subject<'_>) -> Result<()> {
    let mut person = Person::new(subject, &[])?;
    person.sees(PROMPT)?;
    person.types("stty size\r")?;
    person.sees(&format!("\n{ROWS} {COLUMNS}\r\n"))?;
    person.sees(PROMPT)?;
    person.resizes(20, 70)?;
    // The size goes another way than what is typed.
    person.types("until [ \"$(stty size)\" = \"20 70\" ]; do sleep 0.1; done; echo resi''zed\r")?;
    person.sees("resized")?;
    person.sees(PROMPT)?;
    // Ctrl-A itself reaches the line editor: to the beginning, where `echo ` is put before the rest.
    person.types("the begin''ning")?;
    person.types(&format!("{CTRL_A}aecho \r"))?;
    person.sees("\nthe beginning\r\n")?;
    person.sees(PROMPT)?;
    person.types(&format!("{CTRL_A}h"))?;
    person.sees("leave")?;
    person.types("poweroff\r")?;
    let (status, seen) = person.leaves()?;
    ensure!(status.code() == Some(0), "{status}: {seen}");
    Ok(())
}

fn leave(subject: &Subject<'_>) -> Result<()> {
    let mut person = Person::new(subject, &[])?;
    person.waits_for_raw()?;
    person.types(&format!("{CTRL_A}x"))?;
    let (status, seen) = person.leaves()?;
    ensure!(status.code() == Some(0), "{status}: {seen}");
    Ok(())
}

fn timeout(subject: &Subject<'_>) -> Result<()> {
    let (status, seen) = Person::new(subject, &["--timeout", "2"])?.leaves()?;
    ensure!(status.code() == Some(124), "{status}: {seen}");
    Ok(())
}

fn terminated(subject: &Subject<'_>) -> Result<()> {
    ends_by(subject, Signal::TERM)
}

fn killed(subject: &Subject<'_>) -> Result<()> {
    ends_by(subject, Signal::KILL)
}

fn ends_by(subject: &Subject<'_>, signal: Signal) -> Result<()> {
    let mut person = Person::new(subject, &[])?;
    person.waits_for_raw()?;
    person.sends(signal)?;
    let (status, seen) = person.leaves()?;
    ensure!(status.signal() == Some(signal.as_raw()), "{status}: {seen}");
    Ok(())
}

fn crash(subject: &Subject<'_>) -> Result<()> {
    let mut person = Person::new(subject, &[])?;
    person.sees(PROMPT)?;
    person.types("echo c > /proc/sysrq-trigger\r")?;
    let (status, seen) = person.leaves()?;
    ensure!(status.code() == Some(101), "{status}: {seen}");
    ensure!(seen.contains("died") && seen.contains("sysrq triggered crash"), "it does not say why: {seen}");
    Ok(())
}
