//! `/dev/kmsg`: the kernel's log as records, one a read: `priority,sequence,microseconds,-;text`.

use abi::Errno;
use abi::poll::PollEvents;
use alloc::string::String;
use chroma::file::Whence;
use chroma::poll::restart;
use chroma::{FileOps, OpenFile, PollTable, Sink, Source};
use chronos::{Mutex, WaitKind};
use hal::log;

use crate::records::{LONGEST, Records};
use crate::{lock_classes, syslog};

/// An open `/dev/kmsg`.
pub(crate) struct Kmsg {
    records: Mutex<Records>,
}

impl Kmsg {
    pub(crate) fn new() -> Kmsg {
        Kmsg { records: Mutex::new(&lock_classes::LOG_POSITION, Records::from_beginning()) }
    }
}

/// Makes a record of a line `<LEVEL>[SECONDS] text`; `None` for what is no whole line (its start was overwritten).
fn record(line: &str, sequence: u64) -> Option<String> {
    let (level, rest) = line.strip_prefix('<')?.split_once('>')?;
    let (time, text) = rest.strip_prefix('[')?.split_once(']')?;
    let (seconds, fraction) = time.trim().split_once('.').unwrap_or((time.trim(), "0"));
    let digits = fraction.get(..6).unwrap_or(fraction);
    let micros = seconds.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(digits.parse().ok()?)?;
    Some(alloc::format!("{level},{sequence},{micros},-;{}\n", text.trim_start()))
}

impl FileOps for Kmsg {
    fn read(&self, file: &OpenFile, _: &mut u64, to: &mut Sink<'_>) -> Result<usize, Errno> {
        let mut buffer = [0; LONGEST];
        loop {
            let read_to = {
                let kind = WaitKind::Interruptible;
                let mut records = self.records.lock_interruptible(kind).map_err(|_| Errno::EINTR)?;
                while let Some((sequence, line)) = records.read(&mut buffer) {
                    let Some(text) = record(line, sequence) else { continue };
                    if text.len() > to.remaining() {
                        return Err(Errno::EINVAL);
                    }
                    return to.put(text.as_bytes());
                }
                records.next
            };
            if file.nonblocking() {
                return Err(Errno::EAGAIN);
            }
            let grown = || (log::range().1 > read_to).then_some(());
            syslog::growth()?.wait(WaitKind::Interruptible, None, grown).map_err(restart)?;
        }
    }

    fn write(&self, _: &OpenFile, _: &mut u64, from: &mut Source<'_>) -> Result<usize, Errno> {
        let mut buffer = [0; LONGEST];
        if from.remaining() > LONGEST {
            return Err(Errno::EINVAL);
        }
        let count = from.take(&mut buffer)?;
        let text = String::from_utf8_lossy(buffer.get(..count).unwrap_or_default());
        let text = text.trim_end_matches('\n');
        // A number in angle brackets gives the priority; its low three bits are the level.
        let (level, text) = match text.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
            Some((number, rest)) => (number.parse::<u32>().map_or(4, |number| number & 7), rest),
            None => (4, text),
        };
        match level {
            0..=3 => hal::err!("user", "{text}"),
            4 => hal::warn!("user", "{text}"),
            5 => hal::notice!("user", "{text}"),
            6 => hal::info!("user", "{text}"),
            _ => hal::debug!("user", "{text}"),
        }
        Ok(count)
    }

    fn seek(&self, _: &OpenFile, _: u64, offset: i64, whence: Whence) -> Result<u64, Errno> {
        if offset != 0 {
            return Err(Errno::ESPIPE);
        }
        let (start, end) = log::range();
        self.records.lock().next = match whence {
            Whence::Set => start,
            Whence::End => end,
            _ => return Err(Errno::EINVAL),
        };
        Ok(0)
    }

    fn poll(&self, _: &OpenFile, table: Option<&PollTable>) -> PollEvents {
        if let (Some(table), Ok(queue)) = (table, syslog::growth()) {
            table.watch(&queue, PollEvents::READABLE);
        }
        if self.records.lock().has_more() {
            PollEvents::READABLE | PollEvents::WRITABLE
        } else {
            PollEvents::WRITABLE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::record;

    #[test]
    fn a_log_line_becomes_a_record() {
        let text = record("<6>[    1.500000] init: hello", 7).unwrap();
        assert_eq!(text, "6,7,1500000,-;init: hello\n");
        assert_eq!(record("cut off] text", 0), None);
    }
}
