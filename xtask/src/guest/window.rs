//! A guest whose shell is in a window of QEMU's.

use std::env;
use std::os::fd::AsFd;
use std::time::Instant;

use anyhow::{Result, bail};

use super::console::Close;
use super::log::Log;
use super::poll;
use super::qemu::Qemu;

/// What names a display.
const VARIABLES: [&str; 2] = ["DISPLAY", "WAYLAND_DISPLAY"];

/// Makes sure that a window can be opened.
///
/// # Errors
/// No display is named; the error says what does without.
pub fn check_display() -> Result<()> {
    if VARIABLES.iter().all(|variable| env::var_os(variable).is_none_or(|value| value.is_empty())) {
        bail!(
            "there is no display to open a window on ({} are not set). Without --display the same shell runs in this terminal",
            VARIABLES.join(" and ")
        );
    }
    Ok(())
}

/// Follows the log until the machine ends: by the guest, or because its window was closed.
pub fn attend(qemu: &mut Qemu, deadline: Option<Instant>, log: &mut Log) -> Result<Close> {
    while log.read(&qemu.console)?.is_some() {
        poll::wait(&[((), qemu.console.as_fd(), poll::IN)], deadline)?;
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            qemu.kill();
            return Ok(Close::TimedOut);
        }
    }
    let ended = qemu.join()?.success();
    Ok(match qemu.monitor.shutdown_reason().as_deref() {
        Some("guest-shutdown") if ended => Close::PoweredOff,
        Some("host-ui" | "host-signal") => Close::Left,
        _ => Close::Died,
    })
}
