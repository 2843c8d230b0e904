//! Promises about how a command, a guest and xtask itself end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal};

use super::{Case, PATIENCE, Subject, expect};

pub fn cases() -> Vec<Case> {
    vec![
        Case { name: "a command ended by a signal gives 128 + signal", check: killed },
        Case { name: "a command that cannot be found gives 127", check: not_found },
        Case { name: "a timeout gives 124", check: timeout },
        Case { name: "files and folders are added", check: additions },
        Case { name: "a signal to xtask ends the machine", check: interrupted },
        Case { name: "the machine does not outlive a killed xtask", check: outlived },
        Case { name: "a mistake on the command line gives 2 and says what it is", check: mistakes },
        Case { name: "nothing is left behind", check: nothing_left },
        Case { name: "a kernel that dies gives 101 and the end of its log", check: crash },
    ]
}

fn killed(subject: &Subject<'_>) -> Result<()> {
    expect(&subject.run(&["-c", "kill -9 $$"], &[])?, 137, "", "")?;
    expect(&subject.run(&["-c", "echo before; kill -TERM $$; echo after"], &[])?, 143, "before\n", "")
}

fn not_found(subject: &Subject<'_>) -> Result<()> {
    let output = subject.run(&["-c", "no-such-program"], &[])?;
    expect(&output, 127, "", "sh: no-such-program: not found\n")
}

fn timeout(subject: &Subject<'_>) -> Result<()> {
    let begun = Instant::now();
    let output = subject.xtask(["--timeout", "20", "-c", "echo begun; sleep 1000"]).output()?;
    expect(&output, 124, "begun\n", "")?;
    ensure!(begun.elapsed() >= Duration::from_secs(20), "it ended after {:?}", begun.elapsed());
    Ok(())
}

fn additions(subject: &Subject<'_>) -> Result<()> {
    let host = tempfile::tempdir()?;
    let path = |name: &str| host.path().join(name);
    fs::write(path("prog"), "#!/bin/sh\necho \"$0 $*\"\n")?;
    fs::set_permissions(path("prog"), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    fs::create_dir_all(path("dir/inner"))?;
    fs::write(path("dir/inner/file"), "text\n")?;
    std::os::unix::fs::symlink("inner/file", path("dir/link"))?;

    let (program, folder) = (path("prog").display().to_string(), path("dir").display().to_string());
    let text = "/prog a b; cat /opt/dir/link; ls /opt/dir; readlink /opt/dir/link";
    let output =
        subject.run(&["--add", &program, "--add", &format!("{folder}:/opt/dir"), "-c", text], &[])?;
    expect(&output, 0, "/prog a b\ntext\ninner\nlink\ninner/file\n", "")
}

fn crash(subject: &Subject<'_>) -> Result<()> {
    let output = subject.run(&["-c", "echo out; sleep 1; echo c > /proc/sysrq-trigger"], &[])?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(101), "{}: {text}", output.status);
    ensure!(output.stdout == b"out\n", "what was written before is lost");
    ensure!(text.contains("sysrq triggered crash"), "the log's end does not say why: {text}");
    Ok(())
}

fn mistakes(subject: &Subject<'_>) -> Result<()> {
    let wrong: [(&[&str], &str); 7] = [
        (&["--add", "/no/such/file", "-c", "true"], "/no/such/file"),
        (&["--add", "/etc/passwd:relative", "-c", "true"], "relative"),
        (&["--add", "/etc/passwd:/tmp/x", "-c", "true"], "/tmp"),
        (&["--no-such-option", "-c", "true"], "--no-such-option"),
        (&["--memory", "lots", "-c", "true"], "memory"),
        (&["--cpu", "no-such-model", "-c", "true"], "no-such-model"),
        (&["--disk", "/no/such/image", "-c", "true"], "/no/such/image"),
    ];
    for (words, named) in wrong {
        let output = subject.run(words, &[])?;
        let text = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(2), "{words:?}: {}", output.status);
        ensure!(
            output.stdout.is_empty() && text.contains(named),
            "{words:?}: {text:?} does not name {named}"
        );
    }
    // Without a terminal there is no interactive shell.
    let output = subject.xtask(["--smp", "1"]).output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(2) && text.contains("-c"), "no terminal: {}: {text}", output.status);
    Ok(())
}

fn nothing_left(subject: &Subject<'_>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    for text in ["echo text", "exit 3", "kill -9 $$"] {
        let status = subject.xtask(["-c", text]).env("TMPDIR", folder.path()).output()?.status;
        ensure!(status.code().is_some(), "{text}: {status}");
        let left: Vec<_> = fs::read_dir(folder.path())?.flatten().map(|entry| entry.path()).collect();
        ensure!(left.is_empty(), "{text} leaves {left:?}");
    }
    Ok(())
}

fn interrupted(subject: &Subject<'_>) -> Result<()> {
    for signal in [Signal::INT, Signal::TERM] {
        let status = ends_by(subject, signal)?;
        ensure!(status == signal.as_raw(), "signal {} ends xtask with {status}", signal.as_raw());
    }
    Ok(())
}

fn outlived(subject: &Subject<'_>) -> Result<()> {
    ends_by(subject, Signal::KILL).map(drop)
}

/// Sends a signal to an xtask whose guest runs, sees that the machine ends, and gives the signal that ended xtask.
fn ends_by(subject: &Subject<'_>, signal: Signal) -> Result<i32> {
    use std::io::Read;
    use std::os::unix::process::ExitStatusExt;

    let mut child = subject.xtask(["-c", "echo ready; sleep 1000"]).spawn()?;
    let mut ready = [0; 6];
    child.stdout.take().context("xtask has no output")?.read_exact(&mut ready)?;
    let machines = children(&child)?;
    ensure!(machines.len() == 1, "xtask has {} children", machines.len());
    let pid = Pid::from_raw(child.id().try_into()?).context("no process")?;
    rustix::process::kill_process(pid, signal)?;
    let status = child.wait()?;
    for machine in machines {
        wait_until_gone(&machine)?;
    }
    status.signal().with_context(|| format!("xtask ended by itself: {status}"))
}

/// The `/proc` folders of a process's children.
fn children(child: &Child) -> Result<Vec<PathBuf>> {
    let pid = child.id();
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    Ok(list.split_whitespace().map(|pid| PathBuf::from("/proc").join(pid)).collect())
}

/// Waits until a process has ended; who should reap it is not asked.
fn wait_until_gone(process: &Path) -> Result<()> {
    let begun = Instant::now();
    let runs = || {
        let status = fs::read_to_string(process.join("status")).unwrap_or_default();
        status.lines().any(|line| line.starts_with("State:") && !line.contains("zombie"))
    };
    while runs() {
        if begun.elapsed() > PATIENCE {
            bail!("QEMU is still there");
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
