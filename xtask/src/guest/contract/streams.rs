//! Promises about the standard streams, and about what a command finds around it.

use std::io::{Read, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::{Case, Subject, expect};
use crate::guest::End;

pub fn cases() -> Vec<Case> {
    vec![
        Case { name: "streams are kept apart and nothing is added", check: kept_apart },
        Case { name: "a megabyte of any bytes goes in and comes out unchanged", check: megabyte },
        Case { name: "a megabyte goes to standard error unchanged", check: megabyte_of_errors },
        Case { name: "a command that reads no input ends though input never does", check: endless_input },
        Case { name: "no input at all is the end of input", check: no_input },
        Case { name: "a command whose output nobody reads gets SIGPIPE", check: broken_pipe },
        Case { name: "output that the host cannot keep is an error", check: full },
        Case { name: "a background process does not hold up the end", check: background },
        Case { name: "a command finds a sane environment", check: environment },
        Case { name: "the console is apart from the streams, and is logged", check: console },
        Case { name: "two guests run at a time", check: two_at_a_time },
    ]
}

fn kept_apart(subject: &Subject<'_>) -> Result<()> {
    let output = subject.run(&["-c", "echo out; echo err >&2; exit 7"], &[])?;
    expect(&output, 7, "out\n", "err\n")
}

/// Bytes of every value in no regular order.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        // xorshift64 (Marsaglia, "Xorshift RNGs", 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..size).map(|_| next()).collect()
}

fn megabyte(subject: &Subject<'_>) -> Result<()> {
    let data = noise(1 << 20);
    let output = subject.run(&["-c", "cat"], &data)?;
    ensure!(output.stdout.len() == data.len(), "{} bytes came back", output.stdout.len());
    expect(&output, 0, data, "")
}

fn megabyte_of_errors(subject: &Subject<'_>) -> Result<()> {
    let output = subject.run(&["-c", "head -c 1048576 /dev/zero | tr '\\0' '\\377' >&2"], &[])?;
    expect(&output, 0, "", vec![0xff; 1 << 20])
}

fn endless_input(subject: &Subject<'_>) -> Result<()> {
    // A pipe that stays open and gives nothing, then one that never stops giving.
    let mut child = subject.xtask(["-c", "echo done"]).stdin(Stdio::piped()).spawn()?;
    let idle = child.stdin.take();
    let output = child.wait_with_output()?;
    drop(idle);
    expect(&output, 0, "done\n", "")?;
    let zero = std::fs::File::open("/dev/zero")?;
    let output = subject.xtask(["-c", "head -c 3 | wc -c"]).stdin(zero).output()?;
    expect(&output, 0, "3\n", "")
}

fn no_input(subject: &Subject<'_>) -> Result<()> {
    let output = subject.run(&["-c", "cat; echo end"], &[])?;
    expect(&output, 0, "end\n", "")
}

fn broken_pipe(subject: &Subject<'_>) -> Result<()> {
    let mut child = subject.xtask(["-c", "yes"]).spawn()?;
    let mut stdout = child.stdout.take().context("xtask has no output")?;
    let mut start = [0; 6];
    if let Err(error) = stdout.read_exact(&mut start) {
        drop(stdout);
        let output = child.wait_with_output()?;
        bail!("{error}: {}, {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    ensure!(&start == b"y\ny\ny\n", "the output begins with {start:?}");
    drop(stdout);
    expect(&child.wait_with_output()?, 128 + 13, "", "")
}

fn full(subject: &Subject<'_>) -> Result<()> {
    let full = std::fs::File::options().write(true).open("/dev/full")?;
    let output = subject.xtask(["-c", "echo text"]).stdout(full).output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(2) && text.contains("No space left"), "{}: {text}", output.status);
    Ok(())
}

fn background(subject: &Subject<'_>) -> Result<()> {
    let begun = Instant::now();
    let output = subject.run(&["-c", "sleep 1000 & echo started"], &[])?;
    expect(&output, 0, "started\n", "")?;
    ensure!(begun.elapsed() < Duration::from_secs(100), "it took {:?}", begun.elapsed());
    Ok(())
}

fn environment(subject: &Subject<'_>) -> Result<()> {
    let text = "pwd; echo $HOME; umask; command -v ls; \
                test $(cut -d' ' -f6 /proc/$$/stat) = $$ && echo a session of its own; \
                trap | wc -l; test -t 0 || test -t 1 || test -t 2 || echo no terminal";
    let captured = subject.capture(text)?;
    let expected = "/\n/root\n0022\n/bin/ls\na session of its own\n0\nno terminal\n";
    let out = String::from_utf8_lossy(&captured.stdout);
    ensure!(captured.end == End::Exited(0) && captured.stderr.is_empty(), "{captured:?}");
    ensure!(out == expected, "it finds {out:?}, not {expected:?}");
    Ok(())
}

fn console(subject: &Subject<'_>) -> Result<()> {
    let captured = subject.capture("echo to the console > /dev/ttyS0; echo to the stream")?;
    ensure!(captured.stdout == b"to the stream\n" && captured.stderr.is_empty(), "{captured:?}");
    ensure!(captured.log.contains("to the console\n"), "it is not in the log: {:?}", captured.log);
    Ok(())
}

fn two_at_a_time(subject: &Subject<'_>) -> Result<()> {
    let mut first = subject.xtask(["-c", "cat; echo first"]).stdin(Stdio::piped()).spawn()?;
    // The second begins and ends while the first waits for its input.
    let second = subject.run(&["-c", "echo second"], &[])?;
    let mut input = first.stdin.take().context("xtask has no input")?;
    input.write_all(b"late ")?;
    drop(input);
    expect(&second, 0, "second\n", "")?;
    expect(&first.wait_with_output()?, 0, "late first\n", "")
}
