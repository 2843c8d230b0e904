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

/// Registers the driver and makes the nodes; `console` is what the command line's last `console=` names (below `/dev`).
pub(crate) fn start(console: Option<&str>) -> Result<(), Errno> {
    let named = console.and_then(|name| name.strip_prefix("ttyS")).and_then(|number| number.parse().ok());
    if let Some(tty) = crate::serial::terminal(named.unwrap_or(0)) {
        // Only called once, at bring-up.
        let _ = CONSOLE_TERMINAL.set(tty.clone());
    }
    registry::register("tty", MAJOR, TTY, PTMX, &Auxiliary);
    for (name, minor, mode) in [("tty", TTY, 0o666), ("console", CONSOLE, 0o600), ("ptmx", PTMX, 0o666)] {
        devfs::add(name, FileKind::CharDevice, DeviceNumber::new(MAJOR, minor), Mode(mode))?;
    }
    Ok(())
}
