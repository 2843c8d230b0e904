//! `/proc/sysrq-trigger`: what an administrator tells the kernel itself to do, by a letter.
//!
//! Serix knows fewer letters than Linux; for the others, as on Linux for those that it was built without, there is a line in the
//! log and no error.

use abi::Errno;
use chroma::cred::Cred;
use chroma::synthetic::{Content, Text};

pub(super) struct Trigger;

impl Content for Trigger {
    fn read(&self, _: &Cred, _: &mut Text) -> Result<(), Errno> {
        Err(Errno::EIO)
    }

    fn write(&self, _: &Cred, bytes: &[u8]) -> Result<(), Errno> {
        match bytes.first() {
            Some(b'b') => hal::power::reboot(),
            Some(b'c') => hal::panic::on_request("sysrq triggered crash"),
            Some(b'o') => hal::power::off(),
            // Every file system is in memory.
            Some(b's') | None => {}
            Some(other) => {
                hal::notice!(
                    "sysrq",
                    "nothing for '{}'; there is b(oot) c(rash) o(ff) s(ync)",
                    other.escape_ascii()
                );
            }
        }
        Ok(())
    }
}
