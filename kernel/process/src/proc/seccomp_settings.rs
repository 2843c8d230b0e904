//! `/proc/sys/kernel/seccomp`: the actions of filters, and which of them are logged.

use crate::seccomp::{LOGGED, NAMES};
use abi::seccomp::action;
use abi::{Errno, Mode};
use chroma::cred::{Cap, Cred};
use chroma::synthetic::{Content, Directory, Entry, Text, from_fn};
use core::sync::atomic::Ordering;

pub(super) fn add(directory: &Directory) {
    directory.add("actions_avail", Entry::file(from_fn(|text| list(u32::MAX, text)), Mode(0o444)));
    directory.add("actions_logged", Entry::file(Logged, Mode(0o644)));
}

/// The names of a set of actions, on one line.
fn list(set: u32, text: &mut Text) {
    let mut separator = "";
    for (bit, (name, _)) in NAMES.iter().enumerate() {
        if set >> bit & 1 != 0 {
            write!(text, "{separator}{name}");
            separator = " ";
        }
    }
    text.push(b"\n");
}

/// The set of actions that a line names. As on Linux the line ends where two blanks follow each other.
fn parse(line: &[u8]) -> Result<u32, Errno> {
    let mut set = 0;
    for word in line.split(|&byte| byte == b' ').take_while(|word| !word.is_empty()) {
        let bit = NAMES.iter().position(|(name, _)| name.as_bytes() == word).ok_or(Errno::EINVAL)?;
        if NAMES.get(bit).is_some_and(|(_, what)| *what == action::ALLOW) {
            return Err(Errno::EINVAL);
        }
        set |= 1 << bit;
    }
    Ok(set)
}

struct Logged;

impl Content for Logged {
    fn read(&self, _: &Cred, text: &mut Text) -> Result<(), Errno> {
        list(LOGGED.load(Ordering::Relaxed), text);
        Ok(())
    }

    fn write(&self, cred: &Cred, bytes: &[u8]) -> Result<(), Errno> {
        cred.require(Cap::SYS_ADMIN)?;
        let line = bytes.split(|byte| matches!(byte, b'\n' | 0)).next().unwrap_or_default();
        LOGGED.store(parse(line)?, Ordering::Relaxed);
        Ok(())
    }
}
