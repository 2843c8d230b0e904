//! Signals from the keyboard, and job control.

use anyhow::Result;

use super::console::Console;

pub const CHECKS: super::Table = &[
    ("Ctrl-C ends a running program", interrupt),
    ("Ctrl-C at the prompt drops the line", interrupt_prompt),
    ("Ctrl-C ends a whole pipeline, not the shell", interrupt_pipeline),
    ("Ctrl-\\ ends a running program", quit),
    ("Ctrl-Z stops a program, jobs shows it", stop),
    ("bg lets it run, jobs shows it", background),
    ("fg brings it back, Ctrl-C ends it", foreground),
    ("kill %1 ends a background program, and the shell says so", kill_job),
    ("the shell says when a background program is done", notification),
    ("a background program that reads the terminal stops", reads_in_background),
    ("with tostop, a background program that writes stops", writes_in_background),
];

/// A program that says that it runs, then waits.
const PROGRAM: &str = "sh -c 'echo go; exec sleep 1000'";

fn start(console: &mut Console) -> Result<()> {
    console.clear()?;
    console.keys(&format!("{PROGRAM}\r"))?;
    console.row("go")
}

/// Ctrl-Z, and the shell's word about it.
fn suspend(console: &mut Console) -> Result<()> {
    console.keys("\x1a")?;
    // The terminal's echo stands before it, in the same row.
    console.row_where("a stopped job", |row| job(row, "^Z[1]+", "Stopped"))?;
    console.at_prompt()
}

fn job(row: &str, number: &str, state: &str) -> bool {
    row.starts_with(number) && row.contains(state)
}

fn interrupt(console: &mut Console) -> Result<()> {
    start(console)?;
    console.keys("\x03")?;
    console.row("^C")?;
    console.at_prompt()?;
    console.ask("echo $?", &["130"])
}

fn interrupt_prompt(console: &mut Console) -> Result<()> {
    console.keys("echo never\x03")?;
    console.terminal().wait("a second prompt", |screen| screen.cursor_position().0 > 0)?;
    console.at_prompt()?;
    console.ask("echo still here", &["still here"])
}

fn interrupt_pipeline(console: &mut Console) -> Result<()> {
    console.keys("(echo go; sleep 1000) | cat | cat\r")?;
    console.row("go")?;
    console.keys("\x03")?;
    console.at_prompt()?;
    console.ask("pidof sleep cat; jobs; echo none", &["none"])
}

fn quit(console: &mut Console) -> Result<()> {
    start(console)?;
    console.keys("\x1c")?;
    console.row_where("the terminal's echo", |row| row.starts_with("^\\"))?;
    console.at_prompt()?;
    console.ask("echo $?", &["131"])
}

fn stop(console: &mut Console) -> Result<()> {
    start(console)?;
    suspend(console)?;
    console.clear()?;
    console.keys("jobs\r")?;
    console.row_where("the stopped job", |row| job(row, "[1]+", "Stopped") && row.contains("sleep"))?;
    console.at_prompt()?;
    console.ask("sed -n 's/^State:\\t//p' /proc/$(pidof sleep)/status", &["T (stopped)"])?;
    end(console)
}

fn background(console: &mut Console) -> Result<()> {
    start(console)?;
    suspend(console)?;
    console.clear()?;
    console.keys("bg\r")?;
    console.row_where("the job's line", |row| row.starts_with("[1]") && row.contains("sleep"))?;
    console.at_prompt()?;
    console.clear()?;
    console.keys("jobs\r")?;
    console.row_where("the running job", |row| job(row, "[1]+", "Running"))?;
    console.at_prompt()?;
    end(console)
}

fn foreground(console: &mut Console) -> Result<()> {
    console.keys("cat\r")?;
    console.below(&[])?;
    suspend(console)?;
    console.clear()?;
    console.keys("fg\r")?;
    // The shell prints the name before it hands over the terminal: only an answer shows that cat has it.
    console.row("cat")?;
    console.keys("line\r")?;
    console.below(&["cat", "line", "line"])?;
    console.keys("\x03")?;
    console.row("^C")?;
    console.at_prompt()?;
    console.ask("echo $?; jobs", &["130"])
}

fn kill_job(console: &mut Console) -> Result<()> {
    console.ask("sleep 1000 &", &[])?;
    end(console)?;
    console.ask("jobs; pidof sleep", &[])
}

/// Ends job 1 and waits until the shell has told it.
fn end(console: &mut Console) -> Result<()> {
    console.clear()?;
    // `wait` returns when the job has ended, so the prompt after it is where the shell tells.
    console.keys("kill %1; kill -CONT %1 2>/dev/null; wait\r")?;
    console.row_where("the ended job", |row| job(row, "[1]+", "Terminated"))?;
    console.at_prompt()
}

fn notification(console: &mut Console) -> Result<()> {
    console.ask("mkfifo /tmp/gate; cat /tmp/gate &", &[])?;
    console.clear()?;
    console.keys("echo through > /tmp/gate; wait\r")?;
    console.row("through")?;
    console.row_where("the job that is done", |row| job(row, "[1]+", "Done"))?;
    console.at_prompt()?;
    console.ask("jobs; echo none", &["none"])
}

fn reads_in_background(console: &mut Console) -> Result<()> {
    // `wait` also returns when the job stops.
    console.keys("cat & wait\r")?;
    console.row_where("the stopped job", |row| job(row, "[1]+", "Stopped (tty input)"))?;
    console.at_prompt()?;
    console.clear()?;
    console.keys("fg\r")?;
    console.row("cat")?;
    console.keys("line\r")?;
    console.below(&["cat", "line", "line"])?;
    console.keys("\x04")?;
    console.at_prompt()
}

fn writes_in_background(console: &mut Console) -> Result<()> {
    console.keys("stty tostop; echo late & wait\r")?;
    console.row_where("the stopped job", |row| job(row, "[1]+", "Stopped (tty output)"))?;
    console.at_prompt()?;
    console.clear()?;
    console.keys("stty -tostop; fg\r")?;
    console.row("late")?;
    console.at_prompt()
}
