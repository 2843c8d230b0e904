//! The kernel's log: a ring that `dmesg` reads, and the console.
//!
//! A record is a line `<LEVEL>[SECONDS] tag: text`. The ring keeps the last bytes; readers hold absolute positions, so that
//! they notice what they missed.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU8, Ordering};

use crate::{LockClass, SpinLock, arch, time};

/// How bad it is; Linux's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// The system is unusable.
    Emergency = 0,
    /// A part failed.
    Error = 3,
    /// Something is wrong, and the kernel goes on.
    Warning = 4,
    /// Worth knowing.
    Notice = 5,
    /// What the kernel found and did.
    Info = 6,
    /// For who looks for a bug.
    Debug = 7,
}

/// Bytes that the ring keeps.
const RING_SIZE: usize = 64 * 1024;
/// The longest record; the rest of a longer one is cut.
const RECORD_SIZE: usize = 512;

struct Ring {
    bytes: [u8; RING_SIZE],
    /// Bytes ever written; the next goes to this position modulo the size.
    end: u64,
}

static CLASS: LockClass = LockClass::new("log ring", u16::MAX - 1);
static RING: SpinLock<Ring> = SpinLock::new(&CLASS, Ring { bytes: [0; RING_SIZE], end: 0 });
static CONSOLE_LEVEL: AtomicU8 = AtomicU8::new(Level::Debug as u8);

/// Records above this level go to the ring only (Linux's `console_loglevel`: records *below* the number are shown).
pub fn set_console_level(level: u8) {
    CONSOLE_LEVEL.store(level, Ordering::Relaxed);
}

/// The present console level.
pub fn console_level() -> u8 {
    CONSOLE_LEVEL.load(Ordering::Relaxed)
}

/// Where the ring begins and ends, as absolute positions.
pub fn range() -> (u64, u64) {
    let end = RING.lock_irq().end;
    (end.saturating_sub(RING_SIZE as u64), end)
}

/// Copies from the absolute position `from` on (or from the oldest byte kept); gives the position that it began at and the
/// number of bytes.
pub fn read(from: u64, buffer: &mut [u8]) -> (u64, usize) {
    let ring = RING.lock_irq();
    let begin = from.max(ring.end.saturating_sub(RING_SIZE as u64)).min(ring.end);
    let length = ((ring.end - begin) as usize).min(buffer.len());
    for (index, byte) in buffer[..length].iter_mut().enumerate() {
        *byte = ring.bytes[((begin + index as u64) % RING_SIZE as u64) as usize];
    }
    (begin, length)
}

/// Text of limited length; the rest is cut.
struct Record {
    bytes: [u8; RECORD_SIZE],
    length: usize,
}

impl Write for Record {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let free = RECORD_SIZE - 1 - self.length;
        let kept = text.len().min(free);
        self.bytes[self.length..self.length + kept].copy_from_slice(&text.as_bytes()[..kept]);
        self.length += kept;
        Ok(())
    }
}

/// Writes a record; the macros call it. May be called anywhere.
pub fn record(level: Level, tag: &str, text: fmt::Arguments<'_>) {
    let since_boot = time::now().since_boot();
    let mut record = Record { bytes: [0; RECORD_SIZE], length: 0 };
    // `Record` cuts and never fails; a `Display` that fails leaves a shorter record.
    let _ = write!(
        record,
        "<{}>[{:5}.{:06}] {tag}: {text}",
        level as u8,
        since_boot.as_secs(),
        since_boot.subsec_micros()
    );
    record.bytes[record.length] = b'\n';
    let line = &record.bytes[..=record.length];
    {
        let mut ring = RING.lock_irq();
        for &byte in line {
            let position = (ring.end % RING_SIZE as u64) as usize;
            ring.bytes[position] = byte;
            ring.end += 1;
        }
    }
    if (level as u8) < console_level() {
        arch::console_write(line.get(3..).unwrap_or_default());
    }
}

/// Logs that the system is unusable.
#[macro_export]
macro_rules! emerg { ($tag:expr, $($arg:tt)*) => { $crate::log::record($crate::log::Level::Emergency, $tag, format_args!($($arg)*)) }; }
/// Logs that a part failed.
#[macro_export]
macro_rules! err { ($tag:expr, $($arg:tt)*) => { $crate::log::record($crate::log::Level::Error, $tag, format_args!($($arg)*)) }; }
/// Logs that something is wrong.
#[macro_export]
macro_rules! warn { ($tag:expr, $($arg:tt)*) => { $crate::log::record($crate::log::Level::Warning, $tag, format_args!($($arg)*)) }; }
/// Logs what is worth knowing.
#[macro_export]
macro_rules! notice { ($tag:expr, $($arg:tt)*) => { $crate::log::record($crate::log::Level::Notice, $tag, format_args!($($arg)*)) }; }
/// Logs what the kernel found or did.
#[macro_export]
macro_rules! info { ($tag:expr, $($arg:tt)*) => { $crate::log::record($crate::log::Level::Info, $tag, format_args!($($arg)*)) }; }
/// Logs for who looks for a bug.
#[macro_export]
macro_rules! debug { ($tag:expr, $($arg:tt)*) => { $crate::log::record($crate::log::Level::Debug, $tag, format_args!($($arg)*)) }; }

#[cfg(test)]
mod tests {
    use super::{range, read};

    #[test]
    fn a_record_can_be_read_back_by_position() {
        let (_, before) = range();
        info!("test", "the answer is {}", 42);
        let mut buffer = [0; 4096];
        let (_, length) = read(before, &mut buffer);
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        assert!(text.starts_with("<6>["), "{text}");
        assert!(text.contains("] test: the answer is 42\n"), "{text}");
    }
}
