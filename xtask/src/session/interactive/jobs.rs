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

/// A program that says itself that it runs, then waits. A word of the shell's would come too early: between fork and exec
/// a shell's child ignores signals.
const PROGRAM: &str = "tail -f /tmp/go";

fn start(console: &mut Console, command: &str) -> Result<()> {
    console.ask("echo go > /tmp/go", &[])?;
    console.clear()?;
    console.keys(&format!("{command}\r"))?;
    console.row("go")
}

/// Starts `cat` in the foreground; that it answers shows that it runs.
fn start_cat(console: &mut Console) -> Result<()> {
    console.keys("echo ready; cat\r")?;
    console.row("ready")?;
    console.keys("go\r")?;
    console.below(&["ready", "go", "go"])
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
    start(console, PROGRAM)?;
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
    start(console, &format!("{PROGRAM} | cat | cat"))?;
    console.keys("\x03")?;
    console.at_prompt()?;
    console.ask("pidof tail cat; jobs; echo none", &["none"])
}

fn quit(console: &mut Console) -> Result<()> {
    start(console, PROGRAM)?;
    console.keys("\x1c")?;
    console.row_where("the terminal's echo", |row| row.starts_with("^\\"))?;
    console.at_prompt()?;
    console.ask("echo $?", &["131"])
}

fn stop(console: &mut Console) -> Result<()> {
    start(console, PROGRAM)?;
    suspend(console)?;
    console.clear()?;
    console.keys("jobs\r")?;
    console.row_where("the stopped job", |row| job(row, "[1]+", "Stopped") && row.contains("tail -f"))?;
    console.at_prompt()?;
    console.ask("sed -n 's/^State:\\t//p' /proc/$(pidof tail)/status", &["T (stopped)"])?;
    end(console)
}

fn background(console: &mut Console) -> Result<()> {
    start(console, PROGRAM)?;
    suspend(console)?;
    console.clear()?;
    console.keys("bg\r")?;
    console.row_where("the job's line", |row| row.starts_with("[1]") && row.contains("tail -f"))?;
    console.at_prompt()?;
    console.clear()?;
    console.keys("jobs\r")?;
    console.row_where("the running job", |row| job(row, "[1]+", "Running"))?;
    console.at_prompt()?;
    end(console)
}

fn foreground(console: &mut Console) -> Result<()> {
    start_cat(console)?;
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
    console.ask("mkfifo /tmp/started", &[])?;
    start(console, "tail -f /tmp/go > /tmp/started & read word < /tmp/started; echo $word")?;
    console.at_prompt()?;
    end(console)?;
    console.ask("jobs; pidof tail", &[])
}

/// Ends job 1 and waits until the shell has told it.
fn end(console: &mut Console) -> Result<()> {
    console.clear()?;
    // The shell tells at the first prompt after the end. `wait` would not wait for a job that it holds for stopped.
    console
        .keys("kill %1; kill -CONT %1 2>/dev/null; while pidof tail >/dev/null; do usleep 10000; done\r")?;
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
