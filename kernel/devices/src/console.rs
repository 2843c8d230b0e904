//! `/dev/console` and `/dev/tty`, and which terminals are consoles.

use abi::{DeviceNumber, Errno, Mode};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::inode::FileKind;
use chroma::node::DeviceOpen;
use chroma::synthetic::{Entry, Text, from_fn};
use chroma::{FileOps, devfs, procfs};
use hal::Once;

use crate::pty::Ptmx;
use crate::registry::{self, Driver};
use crate::tty::{self, Tty};

/// Linux's `TTYAUX_MAJOR`.
const MAJOR: u16 = 5;
/// The major number of serial and virtual terminals.
const TERMINAL_MAJOR: u16 = 4;
/// What `stat` says of each file in `/sys`.
const SYSFS_SIZE: u64 = 4096;
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

    /// The consoles, that behind `/dev/console` first.
    fn consoles(&self) -> impl Iterator<Item = Console> {
        let screen = (self.log_on_screen || self.port.is_none()).then_some(Console::Screen);
        let serial =
            (self.log_on_serial || self.port.is_some()).then_some(Console::Serial(self.port.unwrap_or(0)));
        let (first, second) = if self.port.is_none() { (screen, serial) } else { (serial, screen) };
        first.into_iter().chain(second)
    }

    /// `/proc/consoles` (`proc(5)`).
    fn list(&self, text: &mut Text) {
        for (index, console) in self.consoles().enumerate() {
            let preferred = if index == 0 { 'C' } else { ' ' };
            let (unblank, anytime, minor) = match console {
                Console::Screen => ('U', ' ', 1),
                Console::Serial(port) => ('-', 'a', 64 + port),
            };
            writeln!(
                text,
                "{:20} -W{unblank} (E{preferred} p {anytime}) {TERMINAL_MAJOR:4}:{minor}",
                console.name()
            );
        }
    }

    /// `/sys/class/tty/console/active`: the one behind `/dev/console` last.
    fn active(&self, text: &mut Text) {
        let mut names: Vec<String> = self.consoles().map(|console| console.name()).collect();
        names.reverse();
        writeln!(text, "{}", names.join(" "));
    }

    fn terminal(&self) -> Option<&'static Arc<Tty>> {
        match self.port {
            Some(port) => crate::serial::terminal(port),
            None => crate::vt::terminal().or_else(|| crate::serial::terminal(0)),
        }
    }
}

/// A terminal that is a console.
enum Console {
    Screen,
    /// The serial port with this number.
    Serial(usize),
}

impl Console {
    fn name(&self) -> String {
        match self {
            Console::Screen => "tty0".into(),
            Console::Serial(port) => format!("ttyS{port}"),
        }
    }
}

/// Registers the driver and makes the nodes.
pub(crate) fn start(choice: Choice) -> Result<(), Errno> {
    if let Some(tty) = choice.terminal() {
        // Only called once, at bring-up.
        let _ = CONSOLE_TERMINAL.set(tty.clone());
    }
    registry::register("tty", MAJOR, TTY, PTMX, &Auxiliary);
    for (name, minor, mode) in [("tty", TTY, 0o666), ("console", CONSOLE, 0o600), ("ptmx", PTMX, 0o666)] {
        devfs::add(name, FileKind::CharDevice, DeviceNumber::new(MAJOR, minor), Mode(mode))?;
    }
    let list = from_fn(move |text| choice.list(text));
    procfs::proc().add("consoles", Entry::file(list, Mode(0o444)));
    let active = from_fn(move |text| choice.active(text));
    let class = procfs::sys().subdirectory("class").subdirectory("tty");
    class.subdirectory("console").add("active", Entry::file(active, Mode(0o444)).sized(SYSFS_SIZE));
    if crate::vt::terminal().is_some() {
        let seen = from_fn(|text| text.push(b"tty1\n"));
        class.subdirectory("tty0").add("active", Entry::file(seen, Mode(0o444)).sized(SYSFS_SIZE));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Choice;
    use alloc::string::String;
    use chroma::synthetic::Text;

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

    fn texts(words: &str, has_screen: bool) -> (String, String) {
        let choice = Choice::of(words, has_screen);
        let (mut list, mut active) = (Text::default(), Text::default());
        choice.list(&mut list);
        choice.active(&mut active);
        let string = |text: Text| String::from_utf8(text.bytes().to_vec()).unwrap();
        (string(list), string(active))
    }

    #[test]
    fn consoles_are_listed_as_linux_lists_them() {
        let both = "tty0                 -WU (EC p  )    4:1\nttyS0                -W- (E  p a)    4:64\n";
        assert_eq!(texts("console=ttyS0 console=tty0", true), (both.into(), "ttyS0 tty0\n".into()));
        let serial = "ttyS0                -W- (EC p a)    4:64\n";
        assert_eq!(texts("console=ttyS0", true), (serial.into(), "ttyS0\n".into()));
    }

    #[test]
    fn without_a_word_or_a_screen_there_is_a_console_all_the_same() {
        assert_eq!(choice("quiet", true), (true, true, None));
        assert_eq!(choice("quiet", false), (true, false, Some(0)));
        assert_eq!(choice("console=tty0", false), (true, false, Some(0)));
    }
}
