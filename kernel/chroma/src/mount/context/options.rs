//! What a context collects: options, flags, a source; and messages about them.

use abi::Errno;
use abi::fs::MountFlags;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::mount::registry::{FileSystemType, Judgement};

/// How many messages are kept; more push out the oldest.
const MESSAGES: usize = 8;

/// The value of an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value<'a> {
    /// None.
    Flag,
    /// A text.
    Text(&'a str),
    /// Something else, which no type takes.
    Other,
}

/// Flags of every file system: those that are set, and those that are cleared.
const FLAGS: [(&str, MountFlags, bool); 9] = [
    ("dirsync", MountFlags::DIRSYNC, true),
    ("lazytime", MountFlags::LAZYTIME, true),
    ("mand", MountFlags::MANDLOCK, true),
    ("ro", MountFlags::RDONLY, true),
    ("sync", MountFlags::SYNCHRONOUS, true),
    ("async", MountFlags::SYNCHRONOUS, false),
    ("nolazytime", MountFlags::LAZYTIME, false),
    ("nomand", MountFlags::MANDLOCK, false),
    ("rw", MountFlags::RDONLY, false),
];

/// Whether a type's options are one text.
pub(super) fn takes_text_only(kind: &dyn FileSystemType) -> bool {
    kind.judge("", Value::Flag) == Judgement::Later
}

#[derive(Default)]
pub(super) struct Options {
    source: Option<String>,
    /// Names with their values. Of a type that takes one text all, of others the last of each name.
    given: Vec<(String, Option<String>)>,
    flags: MountFlags,
    /// The flags that were ever set or cleared.
    said: MountFlags,
    messages: VecDeque<String>,
}

impl Options {
    pub(super) fn source(&self) -> &str {
        self.source.as_deref().unwrap_or("none")
    }

    pub(super) fn flags(&self) -> MountFlags {
        self.flags
    }

    pub(super) fn said(&self) -> MountFlags {
        self.said
    }

    /// The options as `mount` takes them.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.given {
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str(name);
            if let Some(value) = value {
                text.push('=');
                text.push_str(value);
            }
        }
        text
    }

    /// All has been done: only which flags were ever said counts for what comes.
    pub(super) fn forget(&mut self) {
        self.source = None;
        self.given = Vec::new();
        self.flags = MountFlags::empty();
    }

    /// Takes one option. `EINVAL`, with a message.
    pub(super) fn set(
        &mut self,
        kind: &dyn FileSystemType,
        name: &str,
        value: Value<'_>,
    ) -> Result<(), Errno> {
        if let Some((_, flag, on)) = FLAGS.iter().find(|(flag, ..)| *flag == name) {
            self.flags.set(*flag, *on);
            self.said |= *flag;
            return Ok(());
        }
        let judgement = kind.judge(name, value);
        if name == "source" && matches!(judgement, Judgement::Unknown | Judgement::Later) {
            return self.set_source(value);
        }
        let kind = kind.name();
        match judgement {
            Judgement::Unknown => Err(self.refuse(format!("e {kind}: Unknown parameter '{name}'\n"))),
            Judgement::Bad => Err(self.refuse(format!("e {kind}: Bad value for '{name}'\n"))),
            Judgement::Unexpected => Err(self.refuse(format!("e {kind}: Unexpected value for '{name}'\n"))),
            Judgement::Idle => Ok(()),
            Judgement::Good => {
                self.given.retain(|(given, _)| given != name);
                self.keep(name, value)
            }
            Judgement::Later => self.append(name, value),
        }
    }

    fn set_source(&mut self, value: Value<'_>) -> Result<(), Errno> {
        let Value::Text(source) = value else {
            return Err(self.refuse(String::from("e Non-string source\n")));
        };
        if self.source.is_some() {
            return Err(self.refuse(String::from("e Multiple sources\n")));
        }
        self.source = Some(String::from(source));
        Ok(())
    }

    /// Adds to a text that is looked at later.
    fn append(&mut self, name: &str, value: Value<'_>) -> Result<(), Errno> {
        let text = match value {
            Value::Text(text) => text,
            Value::Flag => "",
            Value::Other => {
                let message = format!("e VFS: Legacy: Parameter type for '{name}' not supported\n");
                return Err(self.refuse(message));
            }
        };
        let length = name.len() + if value == Value::Flag { 0 } else { 1 + text.len() };
        let size = self.text().len() + usize::from(!self.given.is_empty());
        if size + length + 2 > hal::PAGE_SIZE {
            return Err(self.refuse(String::from("e VFS: Legacy: Cumulative options too large\n")));
        }
        if name.contains(',') || text.contains(',') {
            return Err(self.refuse(format!("e VFS: Legacy: Option '{name}' contained comma\n")));
        }
        self.keep(name, value)
    }

    fn keep(&mut self, name: &str, value: Value<'_>) -> Result<(), Errno> {
        let value = if let Value::Text(text) = value { Some(String::from(text)) } else { None };
        aegis::charge::reserve(&mut self.given, 1)?;
        self.given.push((String::from(name), value));
        Ok(())
    }

    fn refuse(&mut self, message: String) -> Errno {
        self.tell(message);
        Errno::EINVAL
    }

    /// Keeps a message for who reads them.
    pub(super) fn tell(&mut self, message: String) {
        if self.messages.len() == MESSAGES {
            self.messages.pop_front();
        }
        self.messages.push_back(message);
    }

    /// The next message, if it fits; else it stays. `ENODATA`, `EMSGSIZE`.
    pub(super) fn message(&mut self, fits: impl Fn(&str) -> bool) -> Result<String, Errno> {
        let next = self.messages.front().ok_or(Errno::ENODATA)?;
        if !fits(next) {
            return Err(Errno::EMSGSIZE);
        }
        self.messages.pop_front().ok_or(Errno::ENODATA)
    }
}

#[cfg(test)]
mod tests {
    use super::{MESSAGES, Options, Value};
    use crate::devfs::DevTmpFs;
    use crate::tmpfs::TmpFsType;
    use abi::Errno;
    use abi::fs::MountFlags;
    use std::format;
    use std::string::String;

    #[test]
    fn of_each_name_the_last_value_counts() {
        let mut options = Options::default();
        for (name, value) in [("size", "1m"), ("mode", "700"), ("size", "2m"), ("huge", "never")] {
            assert_eq!(options.set(&TmpFsType, name, Value::Text(value)), Ok(()));
        }
        assert_eq!(options.text(), "mode=700,size=2m");
    }

    #[test]
    fn a_type_that_takes_one_text_gets_all_up_to_a_page() {
        let mut options = Options::default();
        let value = "1".repeat(255);
        while options.set(&DevTmpFs, "x", Value::Text(&value)).is_ok() {}
        assert_eq!(options.given.len(), 15);
        assert_eq!(options.message(|_| true).unwrap(), "e VFS: Legacy: Cumulative options too large\n");
    }

    #[test]
    fn which_flags_were_said_is_not_forgotten() {
        let mut options = Options::default();
        options.set(&TmpFsType, "ro", Value::Flag).unwrap();
        options.forget();
        assert_eq!((options.flags(), options.said()), (MountFlags::empty(), MountFlags::RDONLY));
    }

    #[test]
    fn old_messages_go_for_new_ones_and_long_ones_stay() {
        let mut options = Options::default();
        for number in 0..MESSAGES + 2 {
            options.tell(format!("{number}"));
        }
        assert_eq!(options.message(|_| false), Err(Errno::EMSGSIZE));
        assert_eq!(options.message(|_| true), Ok(String::from("2")));
        assert_eq!(options.messages.len(), MESSAGES - 1);
    }
}
