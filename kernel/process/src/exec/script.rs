//! The first line of a script.

use abi::Errno;

/// How much of a file is looked at to find out what it is (Linux's `BINPRM_BUF_SIZE`).
pub const PROBE_SIZE: usize = 256;

/// What the first line names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interpreter<'a> {
    /// The interpreter's path.
    pub path: &'a [u8],
    /// Its one argument: the rest of the line.
    pub argument: Option<&'a [u8]>,
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_blank(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_blank(*last)
    {
        text = rest;
    }
    text
}

/// Reads the first line of a file that begins with `#!`; `probe` is its first bytes, at most [`PROBE_SIZE`]. `None` if the file
/// is no script.
///
/// # Errors
/// `ENOEXEC`: no interpreter is named, or its path does not fit into the probe (a cut argument is let through, as on
/// Linux).
pub fn parse(probe: &[u8]) -> Result<Option<Interpreter<'_>>, Errno> {
    let Some(line) = probe.strip_prefix(b"#!") else { return Ok(None) };
    let line = line.split(|&byte| byte == 0).next().unwrap_or_default();
    let end = line.iter().position(|&byte| byte == b'\n');
    let cut = end.is_none() && probe.len() >= PROBE_SIZE && line.len() + 2 >= PROBE_SIZE;
    let line = line.get(..end.unwrap_or(line.len())).unwrap_or_default();
    let line = if cut {
        // The path must be known to be whole: something must follow it.
        let text = line.iter().position(|&b| !is_blank(b)).and_then(|at| line.get(at..)).unwrap_or_default();
        if !text.iter().any(|&byte| is_blank(byte)) {
            return Err(Errno::ENOEXEC);
        }
        text
    } else {
        trim(line)
    };
    let path_end = line.iter().position(|&byte| is_blank(byte)).unwrap_or(line.len());
    let (path, rest) = line.split_at_checked(path_end).unwrap_or_default();
    if path.is_empty() {
        return Err(Errno::ENOEXEC);
    }
    let argument = Some(trim(rest)).filter(|rest| !rest.is_empty());
    Ok(Some(Interpreter { path, argument }))
}

#[cfg(test)]
mod tests {
    use super::{Interpreter, PROBE_SIZE, parse};
    use abi::Errno;

    fn line(path: &'static str, argument: Option<&'static str>) -> Interpreter<'static> {
        Interpreter { path: path.as_bytes(), argument: argument.map(str::as_bytes) }
    }

    #[test]
    fn blanks_around_path_and_argument_are_dropped() {
        assert_eq!(parse(b"#!/bin/sh\n"), Ok(Some(line("/bin/sh", None))));
        assert_eq!(parse(b"#! \t/bin/sh  -e  \nrest"), Ok(Some(line("/bin/sh", Some("-e")))));
        assert_eq!(parse(b"#!/bin/sh -a -b\n"), Ok(Some(line("/bin/sh", Some("-a -b")))));
    }

    #[test]
    fn a_line_without_an_end_counts_to_the_end_of_the_file() {
        assert_eq!(parse(b"#!/bin/sh"), Ok(Some(line("/bin/sh", None))));
    }

    #[test]
    fn other_files_are_no_scripts_and_an_empty_line_is_an_error() {
        assert_eq!(parse(b"\x7fELF"), Ok(None));
        assert_eq!(parse(b"#!\n"), Err(Errno::ENOEXEC));
        assert_eq!(parse(b"#!   "), Err(Errno::ENOEXEC));
    }

    #[test]
    fn a_path_that_is_cut_is_an_error_and_a_cut_argument_is_not() {
        let mut long = [b'a'; PROBE_SIZE];
        long[..3].copy_from_slice(b"#!/");
        assert_eq!(parse(&long), Err(Errno::ENOEXEC));
        long[20] = b' ';
        let parsed = parse(&long).unwrap().unwrap();
        assert_eq!((parsed.path.len(), parsed.argument.map(<[u8]>::len)), (18, Some(PROBE_SIZE - 21)));
    }
}
