//! The console on the screen: a shell is used by pressing keys, and what is shown is read from pictures.
//!
//! Each check leaves its picture in `target/screen`.

use anyhow::{Context, Result, ensure};

use super::Gate;
use crate::guest::screen::{Cell, Viewer, find, rows};
use crate::guest::{self, Kernel, Machine, Screen};

/// Colours of the console.
const GREY: [u8; 3] = [0xaa; 3];
const BLACK: [u8; 3] = [0; 3];
const BRIGHT_BLUE: [u8; 3] = [0x55, 0x55, 0xff];
const RED: [u8; 3] = [0xaa, 0, 0];
const WHITE: [u8; 3] = [0xff; 3];

const PROMPT: &str = "root@serix:~#";

type Check = (&'static str, fn(&mut Viewer) -> Result<()>);

/// The checks that are made in one machine, one after the other, each from an empty prompt to the next.
const CHECKS: [Check; 7] = [
    ("prompt", prompt),
    ("terminal", terminal),
    ("questions", questions),
    ("colours", colours),
    ("interrupt", interrupt),
    ("sequences", sequences),
    ("vi", vi),
];

/// Boots with a screen and makes the checks.
pub fn run(gate: &mut Gate<'_>) {
    let folder = gate.project.root().join("target/screen");
    let machine = Machine { screen: Screen::Hidden, ..Machine::new(Kernel::Serix) };
    let begun =
        std::fs::create_dir_all(&folder).context("cannot make a folder for pictures").and_then(|()| {
            let parts = guest::prepare(gate.project, gate.ui, &machine)?;
            Ok((Viewer::start(&parts, &machine)?, parts))
        });
    let (mut viewer, parts) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            return gate.tally.failed("screen: a machine with a screen starts", &format!("{error:#}"));
        }
    };
    for (name, check) in CHECKS {
        let step = gate.ui.step(format!("The screen: {name}"));
        gate.tally.check(&format!("screen: {name}"), || {
            let outcome = check(&mut viewer);
            viewer.save(&folder.join(format!("{name}.png")))?;
            outcome
        });
        step.done();
    }
    gate.tally.check("screen: a panic is shown", || {
        let machine = Machine { stays: true, ..machine };
        let mut viewer = Viewer::start(&parts, &machine)?;
        let outcome = panic(&mut viewer);
        viewer.save(&folder.join("panic.png"))?;
        outcome
    });
}

/// Waits for a prompt below what a command wrote.
fn until_prompt(viewer: &mut Viewer) -> Result<Vec<Vec<Cell>>> {
    viewer
        .wait("the prompt", |rows| rows.iter().rfind(|row| !row.is_empty()).is_some_and(|row| row == PROMPT))
}

/// Runs a command on a screen without anything else.
fn after(viewer: &mut Viewer, command: &str) -> Result<Vec<Vec<Cell>>> {
    viewer.command("clear")?;
    viewer.wait("an empty screen", |rows| rows.first().is_some_and(|row| row == PROMPT))?;
    viewer.command(command)?;
    until_prompt(viewer)
}

fn prompt(viewer: &mut Viewer) -> Result<()> {
    let cells = until_prompt(viewer)?;
    let cell = find(&cells, PROMPT)?;
    ensure!((cell.foreground, cell.background) == (GREY, BLACK), "the prompt is {cell:?}");
    Ok(())
}

/// The terminal is what programs are told it is.
fn terminal(viewer: &mut Viewer) -> Result<()> {
    let shown = rows(&after(viewer, "tty; stty size; echo $TERM; ps -o tty,comm | grep '[s]h$'")?);
    let lines: Vec<_> = shown.iter().skip(1).take(4).map(String::as_str).collect();
    ensure!(lines == ["/dev/tty0", "48 128", "linux", "4,1    sh"], "{lines:?}");
    Ok(())
}

/// Programs for virtual terminals get answers, and those of other sessions and users change nothing.
fn questions(viewer: &mut Viewer) -> Result<()> {
    let stranger = "setsid su user -c 'kbd_mode -u || chvt 1' 2>&1 | cat";
    let shown =
        rows(&after(viewer, &format!("fgconsole; kbd_mode; kbd_mode -u; chvt 1; echo $?; {stranger}"))?);
    let lines: Vec<_> = shown.iter().skip(1).take(5).map(String::as_str).collect();
    let refused =
        ["kbd_mode: KDSKBMODE: Operation not permitted", "chvt: VT_ACTIVATE: Operation not permitted"];
    ensure!(
        lines[..] == ["1", "The keyboard is in Unicode (UTF-8) mode", "0", refused[0], refused[1]],
        "{shown:?}"
    );
    Ok(())
}

/// `ls` in colour: folders are bright blue.
fn colours(viewer: &mut Viewer) -> Result<()> {
    let cells = after(viewer, "ls --color=always -C /")?;
    let shown = rows(&cells);
    for (name, colour) in [("proc", BRIGHT_BLUE), ("init", [0x55, 0xff, 0x55]), (PROMPT, GREY)] {
        let cell = find(cells.get(1..).unwrap_or_default(), name)?;
        ensure!((cell.foreground, cell.background) == (colour, BLACK), "{name} is {cell:?} in {shown:?}");
    }
    Ok(())
}

/// Control-C, and a key that is held with Shift.
fn interrupt(viewer: &mut Viewer) -> Result<()> {
    viewer.command("clear; sleep 1000")?;
    viewer.wait("an empty screen", |rows| rows.iter().all(String::is_empty))?;
    viewer.press(&["ctrl", "c"])?;
    until_prompt(viewer)?;
    viewer.command("echo $? 'A~B' | tr A-Z a-z")?;
    viewer.wait("130 a~b", |rows| rows.iter().any(|row| row == "130 a~b"))?;
    // What was typed before comes back by the arrow.
    viewer.press(&["up"])?;
    viewer.wait("the command before", |rows| {
        rows.iter().filter(|row| row.ends_with("tr A-Z a-z")).count() == 2
    })?;
    viewer.press(&["ctrl", "u"])?;
    until_prompt(viewer).map(drop)
}

/// What sequences do is tested on the host; here that they come through, and what the terminal answers.
fn sequences(viewer: &mut Viewer) -> Result<()> {
    let text = r"stty -echo; printf '\033[5;10H\033[7mup\033[m \342\224\200\303\251\033[6n'; read -rn7 a; stty echo; echo ${a#?}";
    let cells = after(viewer, text)?;
    let shown = rows(&cells);
    // Behind the text is what the terminal answered, without its escape character.
    ensure!(shown.get(4).is_some_and(|row| row == "         up ─é[5;15R"), "{shown:?}");
    let cell = find(cells.get(4..).unwrap_or_default(), "up")?;
    ensure!((cell.foreground, cell.background) == (BLACK, GREY), "{cell:?}");
    Ok(())
}

/// A program for the whole screen: moving, editing, scrolling within a region, leaving.
fn vi(viewer: &mut Viewer) -> Result<()> {
    viewer.command("seq 1 100 >/tmp/numbers; vi /tmp/numbers")?;
    let full = |first: &'static str, last: &'static str| {
        move |rows: &[String]| {
            rows.first().is_some_and(|row| row == first) && rows.get(46).is_some_and(|row| row == last)
        }
    };
    viewer.wait("vi's first page", full("1", "47"))?;
    viewer.press(&["pgdn"])?;
    viewer.wait("vi's second page", |rows| rows.first().is_some_and(|row| row == "47"))?;
    viewer.keys("1G")?;
    viewer.press(&["down"])?;
    viewer.keys("ddohello")?;
    viewer.wait("the new line", |rows| rows.get(2).is_some_and(|row| row == "hello"))?;
    viewer.press(&["esc"])?;
    viewer.wait("the changed text", |rows| {
        rows.iter().take(4).map(String::as_str).eq(["1", "3", "hello", "4"])
            && rows.get(47).is_some_and(|row| row.starts_with("- /tmp/numbers [Modified]"))
    })?;
    viewer.keys(":q!\n")?;
    until_prompt(viewer).map(drop)
}

/// A panic's report is on the screen, whatever was there.
fn panic(viewer: &mut Viewer) -> Result<()> {
    until_prompt(viewer)?;
    viewer.command("echo c >/proc/sysrq-trigger")?;
    let cells = viewer.wait("the report", |rows| rows.iter().any(|row| row.starts_with("thread:")))?;
    let cell = find(&cells, "kernel panic: ")?;
    ensure!((cell.foreground, cell.background) == (WHITE, RED), "{cell:?}");
    Ok(())
}
