//! `/dev/console` and `/dev/tty`.

use abi::{DeviceNumber, Errno, Mode};
use alloc::boxed::Box;
use alloc::sync::Arc;
use chroma::inode::FileKind;
use chroma::node::DeviceOpen;
use chroma::{FileOps, devfs};
use hal::Once;

use crate::pty::Ptmx;
use crate::registry::{self, Driver};
use crate::tty::{self, Tty};

/// Linux's `TTYAUX_MAJOR`.
const MAJOR: u16 = 5;
const TTY: u32 = 0;
const CONSOLE: u32 = 1;
const PTMX: u32 = 2;

static CONSOLE_TERMINAL: Once<Arc<Tty>> = Once::new();

/// The terminal behind `/dev/console`.
pub fn terminal() -> Option<&'static Arc<Tty>> {
    CONSOLE_TERMINAL.get()
}

struct Auxiliary;

impl Driver for Auxiliary {
    fn open(&self, open: &DeviceOpen<'_>) -> Result<Box<dyn FileOps>, Errno> {
        match open.number.minor() {
            TTY => tty::open_controlling(open),
            // Opening the console makes it nobody's controlling terminal.
            CONSOLE => tty::open(terminal().ok_or(Errno::ENODEV)?, open.flags, open.cred, false),
            PTMX => Ptmx.open(open),
            _ => Err(Errno::ENXIO),
        }
    }
}

/// What the words `console=` of a command line ask for. As on Linux each names a terminal for the log, and the last one the
/// terminal behind `/dev/console`; without any it is the screen, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub log_on_serial: bool,
    pub log_on_screen: bool,
    /// The serial port behind the console; `None` for the screen.
    port: Option<usize>,
}

impl Choice {
    /// Reads a command line. What is unknown, and a screen that is not there, is the first serial port. Without any word the log
    /// is on it too: it costs nothing where nobody listens.
    pub(crate) fn of(command_line: &str, has_screen: bool) -> Choice {
        let words = command_line.split_ascii_whitespace().filter_map(|word| word.strip_prefix("console="));
        let names = words.map(|value| value.split_once(',').map_or(value, |(name, _)| name));
        let is_screen = |name: &str| has_screen && matches!(name, "tty0" | "tty1");
        let mut choice = Choice { log_on_serial: false, log_on_screen: false, port: None };
        for name in names {
            if is_screen(name) {
                choice.log_on_screen = true;
                choice.port = None;
            } else {
                choice.log_on_serial = true;
                let number = name.strip_prefix("ttyS").and_then(|number| number.parse().ok());
                choice.port = Some(number.unwrap_or(0));
            }
        }
        if !choice.log_on_serial && !choice.log_on_screen {
            choice.log_on_serial = true;
            choice.log_on_screen = has_screen;
            choice.port = (!has_screen).then_some(0);
        }
        choice
    }

    fn terminal(&self) -> Option<&'static Arc<Tty>> {
        match self.port {
            Some(port) => crate::serial::terminal(port),
            None => crate::vt::terminal().or_else(|| crate::serial::terminal(0)),
        }
    }
}

/// Registers the driver and makes the nodes.
pub(crate) fn start(choice: &Choice) -> Result<(), Errno> {
    if let Some(tty) = choice.terminal() {
        // Only called once, at bring-up.
        let _ = CONSOLE_TERMINAL.set(tty.clone());
    }
    registry::register("tty", MAJOR, TTY, PTMX, &Auxiliary);
    for (name, minor, mode) in [("tty", TTY, 0o666), ("console", CONSOLE, 0o600), ("ptmx", PTMX, 0o666)] {
        devfs::add(name, FileKind::CharDevice, DeviceNumber::new(MAJOR, minor), Mode(mode))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Choice;

    fn choice(words: &str, has_screen: bool) -> (bool, bool, Option<usize>) {
        let Choice { log_on_serial, log_on_screen, port } = Choice::of(words, has_screen);
        (log_on_serial, log_on_screen, port)
    }

    #[test]
    fn each_console_has_the_log_and_the_last_is_the_console() {
        assert_eq!(choice("console=ttyS0 quiet console=tty0", true), (true, true, None));
        assert_eq!(choice("console=tty0 console=ttyS1,115200n8", true), (true, true, Some(1)));
        assert_eq!(choice("console=tty0", true), (false, true, None));
        assert_eq!(choice("console=ttyS0", true), (true, false, Some(0)));
    }

    #[test]
    fn without_a_word_or_a_screen_there_is_a_console_all_the_same() {
        assert_eq!(choice("quiet", true), (true, true, None));
        assert_eq!(choice("quiet", false), (true, false, Some(0)));
        assert_eq!(choice("console=tty0", false), (true, false, Some(0)));
    }
}
