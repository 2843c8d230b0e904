//! The console on the screen: `/dev/tty1`, and `/dev/tty0`, which on Linux is the one that is seen.
//!
//! Everything happens in one thread ([`station`]): it takes what programs wrote, has the [`terminal`] do what it says to the
//! [`grid`], and [`paint`]s what changed: only cells that differ from what the screen shows, with interrupts on and nothing
//! held. What the [keyboard](crate::keyboard) says goes through it to the line discipline, as the keys depend on the terminal's
//! modes. It also shows the log, if the command line asks for that. Only a panic draws by itself ([`last_words`]).
//!
//! Without a framebuffer there is nothing of this, not even the nodes.

mod cell;
mod font;
mod grid;
mod ioctl;
mod last_words;
mod log;
mod paint;
mod station;
pub(crate) mod terminal;

use abi::tty::{ControlFlags, InputFlags, Winsize};
use abi::{DeviceNumber, Errno, Mode};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use chroma::inode::FileKind;
use chroma::node::DeviceOpen;
use chroma::{FileOps, devfs};
use chronos::Policy;
use hal::{Framebuffer, Once, Screen};

use crate::keyboard::Keyboard;
use crate::registry::{self, Driver};
use crate::tty::{self, Tty, settings};
use font::Font;
use paint::Canvas;
use station::{Station, StationDriver};

/// Linux's `TTY_MAJOR`; the serial ports' minors are behind these.
const MAJOR: u16 = 4;
/// The terminal that is seen.
const SEEN: u32 = 0;
const FIRST: u32 = 1;
/// The speed that Linux's virtual terminals say they have: 38400.
const B38400: ControlFlags = ControlFlags::from_bits_retain(0o17);

static TERMINAL: Once<Arc<Tty>> = Once::new();

/// The terminal on the screen; `None` when there is none.
pub fn terminal() -> Option<&'static Arc<Tty>> {
    TERMINAL.get()
}

struct VirtualTerminals;

impl Driver for VirtualTerminals {
    fn open(&self, open: &DeviceOpen<'_>) -> Result<Box<dyn FileOps>, Errno> {
        let tty = terminal().ok_or(Errno::ENXIO)?;
        // As on Linux the terminal that is seen becomes nobody's by that name.
        tty::open(tty, open.flags, open.cred, open.number.minor() != SEEN)
    }
}

/// Makes a terminal on the framebuffer; `shows_log` says whether the log appears on it. Called once, in a thread.
///
/// # Errors
/// `ENOMEM`.
pub(crate) fn start(framebuffer: Framebuffer, shows_log: bool) -> Result<(), Errno> {
    let screen = Screen::map(framebuffer).map_err(|_| Errno::ENOMEM)?;
    let Some(font) = Font::new() else {
        hal::err!("screen", "the font is not what it should be");
        return Ok(());
    };
    let canvas = Arc::new(Canvas { screen, font });
    let (columns, rows) = canvas.size();
    if columns < 2 || rows < 2 {
        hal::warn!("screen", "no console: the framebuffer is too small for text");
        return Ok(());
    }
    hal::info!(
        "screen",
        "{}x{} pixels, {columns}x{rows} characters",
        framebuffer.width(),
        framebuffer.height()
    );
    last_words::prepare(canvas.clone());

    let station = Station::new();
    let number = DeviceNumber::new(MAJOR, FIRST);
    let mut termios = settings::initial(B38400);
    termios.c_iflag |= InputFlags::IUTF8.bits();
    let driver = Box::new(StationDriver { station: station.clone() });
    let tty = Tty::new(String::from("tty1"), number, driver, termios);
    tty.set_window(Winsize { ws_row: rows as u16, ws_col: columns as u16, ..Winsize::default() });
    devfs::add("tty0", FileKind::CharDevice, DeviceNumber::new(MAJOR, SEEN), Mode(0o600))?;
    devfs::add("tty1", FileKind::CharDevice, number, Mode(0o600))?;
    registry::register("tty", MAJOR, SEEN, FIRST, &VirtualTerminals);
    // Only called once, at bring-up.
    let _ = TERMINAL.set(tty.clone());

    let told = station.clone();
    let keyboard = Keyboard::start(Box::new(move || told.wake()));
    chronos::thread::spawn("tty1", Policy::NORMAL, move || station.serve(&tty, canvas, keyboard, shows_log))
        .map_err(|_| Errno::ENOMEM)?;
    Ok(())
}
