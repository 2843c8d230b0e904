//! The flight record: what each role of each worker did last, found in the machine's memory when the kernel has died.
//!
//! Each has a page (`struct lane` of `compat-tests/fuzz/fuzz.h`) that begins with a magic and the seed.

use std::fmt::Write;
use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result};

const PAGE: usize = 4096;
const MAGIC: &[u8; 16] = b"serix fuzz lane\0";
/// Where the records begin, how long each is, and how many there are.
const RECORDS: (usize, usize, usize) = (64, 72, 54);
const ARGUMENTS: usize = 6;

/// How many of the last calls are shown.
const SHOWN: u64 = 12;

/// The last calls of every lane of a run in the machine's memory. `names` are the calls of the grammar, in its order.
///
/// # Errors
/// The memory cannot be read.
pub fn read(memory: &mut File, seed: u64, names: &[&str]) -> Result<String> {
    use std::io::Seek;
    memory.rewind().context("cannot read the machine's memory")?;
    let mut text = String::new();
    let mut page = [0; PAGE];
    while memory.read(&mut page).context("cannot read the machine's memory")? == PAGE {
        if page.starts_with(MAGIC) && word(&page, 16) == seed {
            show(&page, names, &mut text);
        }
    }
    Ok(text)
}

fn word(page: &[u8], at: usize) -> u64 {
    let bytes = page.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
    u64::from_le_bytes(bytes)
}

fn show(page: &[u8], names: &[&str], text: &mut String) {
    let (worker, role) = (word(page, 24) & 0xffff_ffff, word(page, 24) >> 32);
    let (batch, calls) = (word(page, 32), word(page, 40));
    let _ = writeln!(text, "worker {worker}, role {role}, batch {batch}, {calls} calls:");
    let (begin, size, count) = RECORDS;
    for index in calls.saturating_sub(SHOWN)..=calls {
        let at = begin + usize::try_from(index).unwrap_or(0) % count * size;
        let (row, state) = (word(page, at) & 0xffff_ffff, word(page, at) >> 32);
        if state == 0 || word(page, at + 8) != index {
            continue;
        }
        let name = usize::try_from(row).ok().and_then(|row| names.get(row)).copied().unwrap_or("?");
        let arguments: Vec<String> =
            (0..ARGUMENTS).map(|argument| format!("{:#x}", word(page, at + 16 + 8 * argument))).collect();
        let _ = write!(text, "  {index} {name}({})", arguments.join(", "));
        let _ = match state {
            1 => writeln!(text, " is being made"),
            _ => writeln!(text, " = {}", word(page, at + 64).cast_signed()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn put(page: &mut [u8], at: usize, value: u64) {
        page[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }

    #[test]
    fn the_last_calls_are_found_in_memory() {
        let mut page = [0; PAGE];
        page[..16].copy_from_slice(MAGIC);
        put(&mut page, 16, 7);
        put(&mut page, 24, 2 | 1 << 32);
        put(&mut page, 32, 9);
        put(&mut page, 40, 1);
        put(&mut page, 64, 2 << 32);
        put(&mut page, 64 + 64, (-9_i64).cast_unsigned());
        put(&mut page, 64 + 72, 1 | 1 << 32);
        put(&mut page, 64 + 72 + 8, 1);
        put(&mut page, 64 + 72 + 16, 0x10);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[0; PAGE]).unwrap();
        file.write_all(&page).unwrap();
        let text = read(&mut file, 7, &["close", "dup"]).unwrap();
        assert_eq!(
            text,
            "worker 2, role 1, batch 9, 1 calls:\n  0 close(0x0, 0x0, 0x0, 0x0, 0x0, 0x0) = -9\n  \
             1 dup(0x10, 0x0, 0x0, 0x0, 0x0, 0x0) is being made\n"
        );
        assert_eq!(read(&mut file, 8, &[]).unwrap(), "");
    }
}
