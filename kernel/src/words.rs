//! The kernel's command line.
//!
//! Known words are the kernel's; of the rest, as on Linux, `name=value` goes into the first program's environment and
//! anything else (but for `module.option` words) becomes one of its arguments.

use alloc::vec::Vec;

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Words<'a> {
    /// The first program (`rdinit=`).
    pub init: Option<&'a str>,
    /// Records of this level and above stay off the console (`quiet`, `loglevel=`, `debug`).
    pub console_level: Option<u8>,
    /// Log every system call (`serix.strace`).
    pub strace: bool,
    /// Let programs ask for failures (`serix.fault_injection`, `process::fail_nth`).
    pub fault_injection: bool,
    /// A fault that the kernel is to commit (`serix.provoke=`): only one that was built for tests does.
    #[cfg(debug_assertions)]
    pub provoke: Option<&'a str>,
    /// Restart when the kernel panics (`panic=` and a number other than 0).
    pub restart_on_panic: bool,
    /// Words for the first program's environment.
    pub environment: Vec<&'a str>,
    /// Arguments for the first program.
    pub arguments: Vec<&'a str>,
}

/// Linux's `quiet`: errors are shown, warnings are not.
const QUIET: u8 = 4;
/// Linux's `debug`.
const DEBUG: u8 = 10;

/// Reads a command line. Words within double quotes stay together; the quotes go.
pub(crate) fn parse(line: &str) -> Words<'_> {
    let mut words = Words::default();
    let mut for_init = false;
    for word in split(line) {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        match (name, value) {
            _ if for_init => words.arguments.push(word),
            ("--", None) => for_init = true,
            ("rdinit" | "init", Some(path)) => words.init = Some(path),
            ("quiet", None) => words.console_level = Some(QUIET),
            ("debug", None) => words.console_level = Some(DEBUG),
            ("loglevel", Some(level)) => words.console_level = level.parse().ok().or(words.console_level),
            ("panic", Some(seconds)) => words.restart_on_panic = seconds.parse() != Ok(0),
            ("serix.strace", None) => words.strace = true,
            ("serix.fault_injection", None) => words.fault_injection = true,
            #[cfg(debug_assertions)]
            ("serix.provoke", Some(fault)) => words.provoke = Some(fault),
            ("console" | "root" | "rootfstype" | "earlyprintk", Some(_)) | ("ro" | "rw", None) => {}
            (name, _) if name.contains('.') => {
                hal::warn!("kernel", "unknown word on the command line: {word}")
            }
            (_, Some(_)) => words.environment.push(word),
            (_, None) => words.arguments.push(word),
        }
    }
    words
}

fn split(line: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    line.split(move |character: char| {
        quoted ^= character == '"';
        character.is_ascii_whitespace() && !quoted
    })
    .map(|word| word.trim_matches('"'))
    .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{QUIET, parse};

    #[test]
    fn known_words_are_the_kernels_and_the_rest_is_for_the_first_program() {
        let words = parse("console=ttyS0 quiet panic=-1 rdinit=/init single TERM=vt100 a.b=c -- x=y");
        assert_eq!(words.init, Some("/init"));
        assert_eq!((words.console_level, words.restart_on_panic), (Some(QUIET), true));
        assert_eq!(words.arguments, ["single", "x=y"]);
        assert_eq!(words.environment, ["TERM=vt100"]);
    }

    #[test]
    fn quoted_words_stay_together() {
        assert_eq!(parse("\"two words\" one").arguments, ["two words", "one"]);
        assert_eq!(parse("  "), super::Words::default());
    }
}
