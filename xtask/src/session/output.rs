//! What a shell session wrote: normalised, cut into its sections.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use similar::TextDiff;

/// What begins the line that begins a section, on both streams.
const HEADING: &[u8] = b"### ";

/// Applies the `sed` script to what was written.
pub fn normalise(script: &Path, written: &[u8]) -> Result<Vec<u8>> {
    let mut input = tempfile::NamedTempFile::new().context("cannot create a file for sed")?;
    std::io::Write::write_all(&mut input, written).context("cannot write the file for sed")?;
    let output = Command::new("sed")
        .env("LC_ALL", "C")
        .args(["-E", "-f"])
        .args([script, input.path()])
        .stdin(Stdio::null())
        .output()
        .context("cannot start sed")?;
    if !output.status.success() {
        bail!("{} is wrong: {}", script.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}

/// A stream, cut into sections by their names.
pub struct Sections<'a> {
    sections: Vec<(String, &'a [u8])>,
}

impl<'a> Sections<'a> {
    /// Cuts at the headings. What comes before the first one is a section without a name.
    pub fn cut(written: &'a [u8]) -> Self {
        let mut sections = Vec::new();
        let (mut name, mut begin, mut position) = (String::new(), 0, 0);
        for line in written.split_inclusive(|byte| *byte == b'\n') {
            if let Some(heading) = line.strip_prefix(HEADING) {
                sections.push((name, written.get(begin..position).unwrap_or_default()));
                name = String::from_utf8_lossy(heading).trim().to_owned();
                begin = position + line.len();
            }
            position += line.len();
        }
        sections.push((name, written.get(begin..).unwrap_or_default()));
        Self { sections }
    }

    /// The names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(|(name, _)| name.as_str())
    }

    /// What the section of this name wrote; `None` when it was not reached.
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.sections.iter().find(|(other, _)| other == name).map(|(_, written)| *written)
    }
}

/// Says how `actual` differs from `expected`; `None` when it does not, byte for byte.
pub fn difference(stream: &str, expected: Option<&[u8]>, actual: Option<&[u8]>) -> Option<String> {
    if expected == actual {
        return None;
    }
    let Some(actual) = actual else { return Some(format!("{stream}: this section was not reached")) };
    let expected = String::from_utf8_lossy(expected.unwrap_or_default());
    let actual = String::from_utf8_lossy(actual);
    let diff = TextDiff::from_lines(&*expected, &*actual);
    Some(format!("{stream} (- Linux, + now)\n{}", diff.unified_diff().context_radius(2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_cut_at_its_headings() {
        let sections = Sections::cut(b"early\n### one\na\nb\n### two\n### three\nno newline");
        assert_eq!(sections.names().collect::<Vec<_>>(), ["", "one", "two", "three"]);
        assert_eq!(sections.get("one"), Some(&b"a\nb\n"[..]));
        assert_eq!(sections.get("two"), Some(&b""[..]));
        assert_eq!(sections.get("three"), Some(&b"no newline"[..]));
        assert_eq!(sections.get("four"), None);
    }

    #[test]
    fn a_difference_shows_both_sides_and_a_lost_section_is_one() {
        assert_eq!(difference("stdout", Some(b"same\n"), Some(b"same\n")), None);
        let text = difference("stdout", Some(b"a\nb\n"), Some(b"a\nc\n")).unwrap();
        assert!(text.contains("\n-b\n+c\n"), "{text}");
        assert!(difference("stdout", Some(b""), None).is_some());
    }
}
