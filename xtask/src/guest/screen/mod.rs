//! A guest whose screen is looked at: keys are pressed, and what is shown is read back.
//!
//! [`picture`] is what the monitor gives, [`text`] finds the font's glyphs in it.

mod picture;
mod text;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::Parts;
use super::archive::{self, Task};
use super::log::Log;
use super::machine::Machine;
use super::qemu::Qemu;

pub use picture::Picture;
pub use text::{Cell, Reader};

/// How long something may take to appear: an emulated machine on a busy host is slow.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// After each key: a keyboard holds only the codes of four to eight of them, and a guest on a busy host may not run for a while.
const TIME_FOR_KEY: Duration = Duration::from_millis(10);

/// A machine with a screen.
pub struct Viewer {
    qemu: Qemu,
    log: Log,
    folder: tempfile::TempDir,
    reader: Reader,
}

impl Viewer {
    /// Starts a machine whose shell is on its screen.
    pub fn start(parts: &Parts, machine: &Machine) -> Result<Self> {
        let top = archive::pack(Task::Console, &machine.additions)?;
        let medium = parts.medium(machine, &top)?;
        Ok(Self {
            qemu: Qemu::start(machine, &parts.kernel, medium)?,
            log: Log::default(),
            folder: tempfile::tempdir().context("cannot make a folder for pictures")?,
            reader: Reader::new()?,
        })
    }

    /// Takes a picture.
    pub fn picture(&mut self) -> Result<Picture> {
        self.log.drain(&self.qemu.console)?;
        let path = self.folder.path().join("screen.ppm");
        let name = path.to_str().context("the folder for pictures has an odd name")?;
        self.qemu.monitor.execute("screendump", json!({ "filename": name }))?;
        Picture::read(&path)
    }

    /// What is on the screen, by rows.
    pub fn cells(&mut self) -> Result<Vec<Vec<Cell>>> {
        let picture = self.picture()?;
        Ok(self.reader.read(&picture))
    }

    /// Waits until the screen's text has what `wanted` says, and gives the cells.
    ///
    /// # Errors
    /// It does not appear; the error shows what is there instead.
    pub fn wait(&mut self, what: &str, wanted: impl Fn(&[String]) -> bool) -> Result<Vec<Vec<Cell>>> {
        let limit = Instant::now() + PATIENCE;
        loop {
            let cells = self.cells()?;
            let rows = text::rows(&cells);
            if wanted(&rows) {
                return Ok(cells);
            }
            if Instant::now() >= limit {
                bail!(
                    "{what} does not appear; the screen:\n{}\nand the log:\n{}",
                    rows.join("\n").trim_end(),
                    self.log.text()
                );
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// Types a command at an empty prompt and sends it off. Keys that a busy machine has lost are typed again.
    pub fn command(&mut self, command: &str) -> Result<()> {
        const TRIES: usize = 3;
        let typed = format!("# {command}");
        for _ in 0..TRIES {
            self.keys(command)?;
            let limit = Instant::now() + Duration::from_secs(3);
            while Instant::now() < limit {
                if text::rows(&self.cells()?).iter().any(|row| row.ends_with(&typed)) {
                    return self.press(&["ret"]);
                }
                thread::sleep(LOOK_AGAIN);
            }
            self.press(&["ctrl", "u"])?;
        }
        bail!(
            "{command:?} does not appear when it is typed; the screen:\n{}",
            text::rows(&self.cells()?).join("\n").trim_end()
        )
    }

    /// Presses the keys of these characters.
    pub fn keys(&mut self, text: &str) -> Result<()> {
        for character in text.chars() {
            self.press(&keys_of(character)?)?;
        }
        Ok(())
    }

    /// Presses keys together, by QEMU's names for them.
    pub fn press(&mut self, keys: &[&str]) -> Result<()> {
        let event = |key: &&str, down: bool| json!({ "type": "key", "data": { "down": down, "key": { "type": "qcode", "data": key } } });
        let down = keys.iter().map(|key| event(key, true));
        let events: Vec<Value> = down.chain(keys.iter().rev().map(|key| event(key, false))).collect();
        self.qemu.monitor.execute("input-send-event", json!({ "events": events }))?;
        thread::sleep(TIME_FOR_KEY);
        Ok(())
    }

    /// Writes what is on the screen to a file, as PNG.
    pub fn save(&mut self, path: &Path) -> Result<()> {
        self.picture()?.write_png(path)
    }
}

/// The keys of a character on a US keyboard.
fn keys_of(character: char) -> Result<Vec<&'static str>> {
    const PLAIN: &str = "abcdefghijklmnopqrstuvwxyz0123456789 -=[]\\;'`,./\n\t\x1b";
    const SHIFTED: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ)!@#$%^&*( _+{}|:\"~<>?";
    const NAMES: &str = "a b c d e f g h i j k l m n o p q r s t u v w x y z 0 1 2 3 4 5 6 7 8 9 spc minus equal bracket_left \
                         bracket_right backslash semicolon apostrophe grave_accent comma dot slash ret tab esc";
    let place = |set: &str| set.chars().position(|other| other == character);
    let name = |set| place(set).and_then(|index| NAMES.split_ascii_whitespace().nth(index));
    match (name(PLAIN), name(SHIFTED)) {
        (Some(key), _) => Ok(vec![key]),
        (None, Some(key)) => Ok(vec!["shift", key]),
        (None, None) => bail!("no key has the character {character:?}"),
    }
}

pub use text::rows;

/// Finds a word on the screen; gives its first cell.
pub fn find<'a>(cells: &'a [Vec<Cell>], word: &str) -> Result<&'a Cell> {
    ensure!(!word.is_empty(), "an empty word is everywhere");
    let letters: Vec<char> = word.chars().collect();
    for row in cells {
        let texts: Vec<char> = row.iter().map(|cell| cell.character).collect();
        if let Some(at) = texts.windows(letters.len()).position(|window| window == letters) {
            return row.get(at).context("a row has no cell where its text is");
        }
    }
    bail!("{word:?} is not on the screen:\n{}", rows(cells).join("\n").trim_end())
}
