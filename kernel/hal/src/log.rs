//! The kernel's log: a ring that `dmesg` reads, and the console.
//!
//! A record is a line `<LEVEL>[SECONDS] tag: text`. The ring keeps the last bytes; readers hold absolute positions, so that
//! they notice what they missed.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

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

/// The ring's content. Atomic, because the report of a panic reads it without the lock: the holder may have been stopped.
struct Ring {
    bytes: [AtomicU8; RING_SIZE],
    /// Bytes ever written; the next goes to this position modulo the size.
    end: AtomicU64,
}

static CLASS: LockClass = LockClass::new("log ring", u16::MAX - 1);
/// Held by who writes, and by who wants to read no torn record.
static USE: SpinLock<()> = SpinLock::new(&CLASS, ());
static RING: Ring = Ring { bytes: [const { AtomicU8::new(0) }; RING_SIZE], end: AtomicU64::new(0) };
static CONSOLE_LEVEL: AtomicU8 = AtomicU8::new(Level::Debug as u8);

/// Records above this level go to the ring only (Linux's `console_loglevel`: records *below* the number are shown).
pub fn set_console_level(level: u8) {
    CONSOLE_LEVEL.store(level, Ordering::Relaxed);
}

/// The present console level.
pub fn console_level() -> u8 {
    CONSOLE_LEVEL.load(Ordering::Relaxed)
}

static ON_SERIAL: AtomicBool = AtomicBool::new(true);

/// Shows records on the first serial line (they are at first), or not.
pub fn show_on_serial(shown: bool) {
    ON_SERIAL.store(shown, Ordering::Relaxed);
}

impl Ring {
    fn range(&self) -> (u64, u64) {
        let end = self.end.load(Ordering::Acquire);
        (end.saturating_sub(RING_SIZE as u64), end)
    }

    fn byte(&self, position: u64) -> &AtomicU8 {
        &self.bytes[(position % RING_SIZE as u64) as usize]
    }

    /// Adds a record. Called with [`USE`] held.
    fn put(&self, line: &[u8]) {
        let end = self.end.load(Ordering::Relaxed);
        for (position, &byte) in (end..).zip(line) {
            self.byte(position).store(byte, Ordering::Relaxed);
        }
        self.end.store(end + line.len() as u64, Ordering::Release);
    }
}

/// Where the ring begins and ends, as absolute positions. Takes no lock.
pub fn range() -> (u64, u64) {
    RING.range()
}

/// Copies from the absolute position `from` on (or from the oldest byte kept); gives the position that it began at and the
/// number of bytes.
pub fn read(from: u64, buffer: &mut [u8]) -> (u64, usize) {
    let _use = USE.lock_irq();
    let (oldest, end) = RING.range();
    let begin = from.max(oldest).min(end);
    let length = ((end - begin) as usize).min(buffer.len());
    for (position, byte) in (begin..).zip(&mut buffer[..length]) {
        *byte = RING.byte(position).load(Ordering::Relaxed);
    }
    (begin, length)
}

/// The byte at a position that the ring keeps, without the lock.
#[cfg(any(test, target_os = "none"))]
pub(crate) fn byte_in_panic(position: u64) -> u8 {
    RING.byte(position).load(Ordering::Relaxed)
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
        let _use = USE.lock_irq();
        RING.put(line);
    }
    if (level as u8) < console_level() && ON_SERIAL.load(Ordering::Relaxed) {
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
    use super::{byte_in_panic, range, read};

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

    #[test]
    fn a_panic_reads_the_log_though_its_lock_is_held() {
        let (_, before) = range();
        info!("test", "before the panic");
        let _use = super::USE.lock_irq();
        let (_, end) = range();
        let text: Vec<u8> = (before..end).map(byte_in_panic).collect();
        assert!(String::from_utf8_lossy(&text).contains("test: before the panic\n"));
    }
}
