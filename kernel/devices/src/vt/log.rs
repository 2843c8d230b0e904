//! The log, for the screen.

use hal::log;

/// More than the longest record.
const BUFFER: usize = 1024;

/// Reads the log from its beginning on: what the machine said before there was a screen appears too.
pub(super) struct LogReader {
    /// The position of the next record.
    next: u64,
}

impl LogReader {
    pub(super) fn new() -> LogReader {
        LogReader { next: log::range().0 }
    }

    /// Gives the records that have come since the last call and that the console's level lets through.
    pub(super) fn read(&mut self, mut show: impl FnMut(&str)) {
        let mut buffer = [0; BUFFER];
        loop {
            let (from, count) = log::read(self.next, &mut buffer);
            let bytes = buffer.get(..count).unwrap_or_default();
            let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                if count == BUFFER {
                    // No record is so long: its beginning was overwritten meanwhile.
                    self.next = from + count as u64;
                    continue;
                }
                return;
            };
            self.next = from + end as u64 + 1;
            let record = core::str::from_utf8(bytes.get(..=end).unwrap_or_default());
            if let Some(text) = record.ok().and_then(shown) {
                show(text);
            }
        }
    }
}

/// The text of a record `<LEVEL>…`, if it is important enough.
fn shown(record: &str) -> Option<&str> {
    let (level, text) = record.strip_prefix('<')?.split_once('>')?;
    (level.parse::<u8>().ok()? < log::console_level()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::LogReader;
    use std::string::{String, ToString};
    use std::vec::Vec;

    #[test]
    fn records_appear_once_and_only_important_ones() {
        let mut log = LogReader::new();
        log.read(|_| {});
        hal::info!("screentest", "one");
        hal::debug!("screentest", "two");
        let mut lines: Vec<String> = Vec::new();
        log.read(|line| lines.push(line.to_string()));
        let ours: Vec<_> = lines.iter().filter(|line| line.contains("screentest")).collect();
        assert_eq!(ours.len(), 1, "{lines:?}");
        assert!(ours[0].ends_with("] screentest: one\n"), "{ours:?}");
        log.read(|line| assert!(!line.contains("screentest")));
    }
}
