//! The options of a tmpfs mount.

use core::fmt::Write;

use abi::{Errno, Gid, Mode, Uid};
use alloc::string::String;

use crate::mount::{Judgement, Value};

/// `size=`, `nr_blocks=`, `nr_inodes=`, `mode=`, `uid=`, `gid=`.
#[derive(Clone, Debug)]
pub struct Options {
    /// The most pages its files may hold; 0 for no limit.
    pub max_pages: u64,
    /// The most inodes; 0 for no limit.
    pub max_inodes: u64,
    /// Permission bits of the root.
    pub mode: Mode,
    /// Owner of the root.
    pub uid: Uid,
    /// Group of the root.
    pub gid: Gid,
    given: Given,
}

/// Which options to show in `/proc/mounts`: those that were given.
#[derive(Clone, Copy, Debug, Default)]
struct Given {
    size: bool,
    inodes: bool,
    mode: bool,
    owner: bool,
}

impl Default for Options {
    /// Half of the memory, and as many inodes as pages of that.
    fn default() -> Options {
        let half = hal::frames::total() / 2;
        Options { max_pages: half, max_inodes: half, ..Options::unlimited(Mode(0o1777)) }
    }
}

impl Options {
    /// No limits.
    pub fn unlimited(mode: Mode) -> Options {
        let (uid, gid) = (Uid(0), Gid(0));
        Options { max_pages: 0, max_inodes: 0, mode, uid, gid, given: Given::default() }
    }

    /// Changes `base` as the text says; `EINVAL` for what is unknown or malformed.
    pub fn parse(text: &[u8], base: Options) -> Result<Options, Errno> {
        let text = core::str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
        let mut options = base;
        for option in text.split(',').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            if !options.set(name, value)? {
                return Err(Errno::EINVAL);
            }
        }
        Ok(options)
    }

    /// Changes one option; false if there is none with this name, `EINVAL` for a value that makes no sense.
    fn set(&mut self, name: &str, value: &str) -> Result<bool, Errno> {
        let number = |radix| u32::from_str_radix(value, radix).map_err(|_| Errno::EINVAL);
        match name {
            "size" => {
                self.max_pages = size(value)?.div_ceil(4096);
                self.given.size = true;
            }
            "nr_blocks" => {
                self.max_pages = size(value)?;
                self.given.size = true;
            }
            "nr_inodes" => {
                self.max_inodes = size(value)?;
                self.given.inodes = true;
            }
            "mode" => {
                self.mode = Mode(number(8)? & 0o7777);
                self.given.mode = true;
            }
            "uid" => {
                self.uid = Uid(number(10)?);
                self.given.owner = true;
            }
            "gid" => {
                self.gid = Gid(number(10)?);
                self.given.owner = true;
            }
            // Where memory and huge pages come from: nothing to choose here.
            "huge" if !["never", "always", "within_size", "advise"].contains(&value) => {
                return Err(Errno::EINVAL);
            }
            "mpol" | "huge" | "inode32" | "inode64" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The same, but for the limits: nothing else changes once it is mounted.
    pub(super) fn with_limits_of(&self, new: &Options) -> Options {
        let given = Given { size: new.given.size, inodes: new.given.inodes, ..self.given };
        Options { max_pages: new.max_pages, max_inodes: new.max_inodes, given, ..self.clone() }
    }

    /// What is to be said of one option alone.
    pub(super) fn judge(name: &str, value: Value<'_>) -> Judgement {
        if matches!(name, "inode32" | "inode64") {
            return if value == Value::Flag { Judgement::Idle } else { Judgement::Unexpected };
        }
        let text = if let Value::Text(text) = value { text } else { "" };
        match Options::unlimited(Mode(0)).set(name, text) {
            Ok(false) => Judgement::Unknown,
            Err(_) => Judgement::Bad,
            Ok(true) if text.is_empty() => Judgement::Bad,
            Ok(true) if matches!(name, "mpol" | "huge") => Judgement::Idle,
            Ok(true) => Judgement::Good,
        }
    }

    pub(super) fn describe(&self, max_pages: u64) -> String {
        let mut text = String::new();
        let mut add = |arguments: core::fmt::Arguments<'_>| {
            // Writing to a string doesn't fail.
            let _ = text.write_fmt(arguments);
        };
        if self.given.size {
            add(format_args!(",size={}k", max_pages.saturating_mul(4)));
        }
        if self.given.inodes {
            add(format_args!(",nr_inodes={}", self.max_inodes));
        }
        if self.given.mode {
            add(format_args!(",mode={:o}", self.mode.0));
        }
        if self.given.owner {
            add(format_args!(",uid={},gid={}", self.uid.0, self.gid.0));
        }
        text
    }
}

/// A number of bytes with an optional suffix: k, m, g, or % of the memory.
fn size(text: &str) -> Result<u64, Errno> {
    let (digits, unit) = match text.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
        Some((index, _)) => text.split_at(index),
        None => (text, ""),
    };
    let number: u64 = digits.parse().map_err(|_| Errno::EINVAL)?;
    let factor = match unit {
        "" => 1,
        "k" | "K" => 1 << 10,
        "m" | "M" => 1 << 20,
        "g" | "G" => 1 << 30,
        "%" => hal::frames::total().saturating_mul(4096) / 100,
        _ => return Err(Errno::EINVAL),
    };
    number.checked_mul(factor).ok_or(Errno::EINVAL)
}

#[cfg(test)]
mod tests {
    use super::Options;
    use abi::Errno;

    #[test]
    fn sizes_have_suffixes_and_are_rounded_up_to_pages() {
        let parse = |text: &str| Options::parse(text.as_bytes(), Options::default());
        assert_eq!(parse("size=1m").unwrap().max_pages, 256);
        assert_eq!(parse("size=4097").unwrap().max_pages, 2);
        assert_eq!(parse("size=12q").err(), Some(Errno::EINVAL));
        assert_eq!(parse("mode=0700,uid=5").unwrap().describe(1), ",mode=700,uid=5,gid=0");
        assert_eq!(parse("nonsense").err(), Some(Errno::EINVAL));
    }
}
