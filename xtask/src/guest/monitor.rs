//! QEMU's monitor (QEMU Machine Protocol): it says why a machine ended, writes the memory of one whose kernel panicked, and
//! takes commands, such as for a picture of the screen.
//!
//! `-no-reboot` turns a reset into QEMU's end with status 0, and a panicking Linux resets, so the status alone does not
//! tell a guest that died from one that powered off.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::dump::Dump;
use super::poll::{self, Attempt};

/// Leaves the monitor's first state, in which it reports nothing.
const BEGIN: &[u8] = b"{\"execute\":\"qmp_capabilities\"}\n";

/// A message of the monitor, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    event: Option<String>,
    #[serde(default)]
    data: Data,
    error: Option<Error>,
    /// The name of the command that this answers.
    id: Option<String>,
}

#[derive(Default, Deserialize)]
struct Data {
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Error {
    desc: String,
}

/// The monitor of a machine.
pub struct Monitor {
    socket: UnixStream,
    /// Reads the messages as they come and gives them at the end, where somebody waits for a panic. Otherwise the few
    /// events of a machine's life wait in the socket.
    watcher: Option<JoinHandle<String>>,
    /// What was read without a watcher.
    text: String,
    /// How much of that is behind the answer to the last command.
    answered: usize,
    /// Commands that were given.
    commands: u64,
}

/// How long QEMU may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

impl Monitor {
    /// Asks for events on a socket whose other end QEMU will have; where the kernel's panic is to be followed by a dump, has
    /// it written.
    pub fn new(mut socket: UnixStream, dump: Option<&Arc<Dump>>) -> Result<Self> {
        socket.write_all(BEGIN).context("cannot write to QEMU's monitor")?;
        let watcher = match dump {
            None => None,
            Some(dump) => {
                let watched = socket.try_clone().context("cannot duplicate a socket")?;
                watched.set_nonblocking(false).context("cannot make a socket blocking")?;
                let dump = Arc::clone(dump);
                Some(thread::spawn(move || watch(watched, &dump)))
            }
        };
        Ok(Self { socket, watcher, text: String::new(), answered: 0, commands: 0 })
    }

    /// Says whether the guest switched the machine off, once QEMU has ended.
    pub fn powered_off(&mut self) -> bool {
        self.shutdown_reason().as_deref() == Some("guest-shutdown")
    }

    /// Says why the machine ended, in QEMU's words, once QEMU has ended.
    pub fn shutdown_reason(&mut self) -> Option<String> {
        reason(&self.rest())
    }

    /// The messages, once QEMU has ended: a dump has its outcome then.
    pub fn rest(&mut self) -> String {
        // What cannot be read gives no reason.
        match self.watcher.take() {
            Some(watcher) => self.text = watcher.join().unwrap_or_default(),
            None => drop(self.socket.read_to_string(&mut self.text)),
        }
        std::mem::take(&mut self.text)
    }

    /// Has QEMU carry out a command, and waits for that.
    ///
    /// # Errors
    /// QEMU refuses, does not answer in time, or is gone; or the monitor waits for a panic.
    pub fn execute(&mut self, command: &str, arguments: Value) -> Result<()> {
        ensure!(self.watcher.is_none(), "the monitor waits for a panic, and takes no commands");
        self.commands += 1;
        let id = self.commands.to_string();
        let request = json!({ "execute": command, "arguments": arguments, "id": id });
        self.socket.write_all(format!("{request}\n").as_bytes()).context("cannot write to QEMU's monitor")?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(message) = self.answer(&id) {
                return match message.error {
                    None => Ok(()),
                    Some(error) => bail!("QEMU does not {command}: {}", error.desc),
                };
            }
            let ready = poll::wait(&[((), self.socket.as_fd(), poll::IN)], Some(deadline))?;
            let mut piece = [0; 4096];
            match poll::attempt(self.socket.read(&mut piece)).context("cannot read QEMU's monitor")? {
                Attempt::Gone => bail!("QEMU ended"),
                Attempt::Later if ready.is_empty() => bail!("QEMU's monitor does not answer"),
                Attempt::Later => {}
                Attempt::Moved(count) => {
                    self.text.push_str(&String::from_utf8_lossy(piece.get(..count).unwrap_or_default()));
                }
            }
        }
    }

    /// The answer to a command among what was read since the last one.
    fn answer(&mut self, id: &str) -> Option<Message> {
        let unread = self.text.get(self.answered..).unwrap_or_default();
        for line in unread.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            self.answered += line.len();
            let message = serde_json::from_str::<Message>(line).ok();
            if let Some(message) = message.filter(|message| message.id.as_deref() == Some(id)) {
                return Some(message);
            }
        }
        None
    }
}

/// Reads messages until QEMU has ended. Upon the kernel's panic, has the dump written, and then ends QEMU.
fn watch(mut socket: UnixStream, dump: &Dump) -> String {
    const DUMP: &str = "dump";
    let Ok(reading) = socket.try_clone() else { return String::new() };
    let mut text = String::new();
    let file = format!("file:{}", dump.scratch().display());
    let write = json!({
        "execute": "dump-guest-memory", "id": DUMP, "arguments": { "paging": true, "protocol": file }
    });
    for line in BufReader::new(reading).lines().map_while(Result::ok) {
        let message = serde_json::from_str::<Message>(&line).ok();
        text.push_str(&line);
        text.push('\n');
        let Some(message) = message else { continue };
        let mut say = |command: String| drop(writeln!(socket, "{command}")); // a QEMU that is gone ends the loop
        if message.event.as_deref() == Some("GUEST_PANICKED") {
            say(write.to_string());
        } else if message.id.as_deref() == Some(DUMP) {
            dump.set_outcome(message.error.map_or(Ok(()), |error| Err(error.desc)));
            say(json!({ "execute": "quit" }).to_string());
        }
    }
    text
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
