//! `/proc/sys/fs/mqueue`: the limits of POSIX message queues.

use super::sysctl::number;
use crate::ipc::mqueue::{LIMITS, Limit};
use abi::{Errno, Mode};
use chroma::Cred;
use chroma::synthetic::{Content, Directory, Entry, Text};
use core::sync::atomic::Ordering;

pub(super) fn add(directory: &Directory) {
    for limit in &LIMITS {
        directory.add(limit.name, Entry::file(Setting(limit), Mode(0o644)));
    }
}

struct Setting(&'static Limit);

impl Content for Setting {
    fn read(&self, _: &Cred, text: &mut Text) -> Result<(), Errno> {
        writeln!(text, "{}", self.0.value.load(Ordering::Relaxed).cast_signed());
        Ok(())
    }

    fn write(&self, _: &Cred, bytes: &[u8]) -> Result<(), Errno> {
        // What follows the number and a blank does not matter.
        let word = bytes.split(u8::is_ascii_whitespace).find(|word| !word.is_empty());
        let value = number::<i32>(word.ok_or(Errno::EINVAL)?)?;
        if self.0.range.is_some_and(|(least, most)| !(least..=most).contains(&value)) {
            return Err(Errno::EINVAL);
        }
        self.0.value.store(value.cast_unsigned(), Ordering::Relaxed);
        Ok(())
    }
}
