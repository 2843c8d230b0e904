//! The log, for the screen.

use hal::log;

use crate::records::{LONGEST, Records};

/// Reads the log from its beginning on: what the machine said before there was a screen appears too.
pub(super) struct LogReader {
    records: Records,
}

impl LogReader {
    pub(super) fn new() -> LogReader {
        LogReader { records: Records::from_beginning() }
    }

    /// Gives the records that have come since the last call and that the console's level lets through, without the line's end.
    pub(super) fn read(&mut self, mut show: impl FnMut(&str)) {
        let mut buffer = [0; LONGEST];
        while let Some((_, record)) = self.records.read(&mut buffer) {
            if let Some(text) = shown(record) {
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
        assert!(ours[0].ends_with("] screentest: one"), "{ours:?}");
        log.read(|line| assert!(!line.contains("screentest")));
    }
}
