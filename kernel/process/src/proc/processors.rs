//! `/sys/devices/system/cpu`, and sets of processors as text.

use alloc::format;
use core::fmt::{self, Display, Formatter};

use abi::Mode;
use chroma::synthetic::{Directory, Entry, from_fn};

/// A set of processors as ranges: `0-3,5`.
pub(super) struct List(pub u64);

impl Display for List {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let has = |number: u32| self.0.checked_shr(number).unwrap_or(0) & 1 != 0;
        let mut separator = "";
        let mut first = 0;
        while first < u64::BITS {
            if !has(first) {
                first += 1;
                continue;
            }
            let end = (first..=u64::BITS).find(|&number| !has(number)).unwrap_or(u64::BITS);
            write!(f, "{separator}{first}")?;
            if end - 1 > first {
                write!(f, "-{}", end - 1)?;
            }
            separator = ",";
            first = end;
        }
        Ok(())
    }
}

/// Fills the directory `cpu`; every processor that there is runs.
pub(super) fn add(directory: &Directory) {
    for name in ["online", "possible", "present"] {
        let list = from_fn(|text| writeln!(text, "{}", List(hal::cpu::online_set())));
        directory.add(name, Entry::file(list, Mode(0o444)).sized(4096));
    }
    for number in 0..hal::cpu::online() {
        directory.subdirectory(&format!("cpu{number}"));
    }
}
