//! QEMU's monitor, used for one thing: it says why a machine ended.
//!
//! `-no-reboot` turns a reset into QEMU's end with status 0, and a panicking Linux resets, so the status alone does not
//! tell a guest that died from one that powered off.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use anyhow::{Context, Result};
use serde::Deserialize;

/// Leaves the monitor's first state, in which it reports nothing.
const BEGIN: &[u8] = b"{\"execute\":\"qmp_capabilities\"}\n";

/// A message of the monitor, as far as it matters here (QEMU Machine Protocol, event `SHUTDOWN`).
#[derive(Deserialize)]
struct Message {
    event: Option<String>,
    #[serde(default)]
    data: Data,
}

#[derive(Default, Deserialize)]
struct Data {
    reason: Option<String>,
}

/// The monitor of a machine. The few events of its life wait in the socket until its end.
pub struct Monitor {
    socket: UnixStream,
}

impl Monitor {
    /// Asks for events on a socket whose other end QEMU will have.
    pub fn new(mut socket: UnixStream) -> Result<Self> {
        socket.write_all(BEGIN).context("cannot write to QEMU's monitor")?;
        Ok(Self { socket })
    }

    /// Says whether the guest switched the machine off, once QEMU has ended.
    pub fn powered_off(&mut self) -> bool {
        let mut text = String::new();
        // What cannot be read gives no reason.
        let _ = self.socket.read_to_string(&mut text);
        reason(&text).as_deref() == Some("guest-shutdown")
    }
}

fn reason(text: &str) -> Option<String> {
    let mut messages = text.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    messages.find(|message| message.event.as_deref() == Some("SHUTDOWN"))?.data.reason
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn the_reason_is_found_among_other_messages() {
        let text = r#"{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}}, "capabilities": ["oob"]}}
{"return": {}}
{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "RTC_CHANGE", "data": {"offset": 0}}
{"timestamp": {"seconds": 1, "microseconds": 3}, "event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}}
"#;
        assert_eq!(reason(text).as_deref(), Some("guest-reset"));
        assert_eq!(reason(""), None);
    }
}
