//! The machine's own apt sources, with source packages switched on.
//!
//! Both forms are read (sources.list(5)): `.sources` files of stanzas, and `.list` files of lines. The result is stanzas.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// What every stanza begins with: both kinds of packages, and no lists but theirs (a desktop's would be several MB).
const HEAD: &str = "Types: deb deb-src\nTargets: Packages Sources\n";

/// Reads what `/etc/apt` names and gives one text in the `.sources` form.
///
/// # Errors
/// A file cannot be read, or no source is enabled.
pub fn machine() -> Result<String> {
    let mut paths = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(entries) = fs::read_dir("/etc/apt/sources.list.d") {
        paths.extend(entries.flatten().map(|entry| entry.path()));
    }
    paths.sort();
    let mut stanzas = BTreeSet::new();
    for path in paths.iter().filter(|path| path.is_file()) {
        let read = || fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("list") => stanzas.extend(from_lines(&read()?)),
            Some("sources") => stanzas.extend(from_stanzas(&read()?)),
            _ => {}
        }
    }
    if stanzas.is_empty() {
        bail!("no package source is enabled in {}", Path::new("/etc/apt").display());
    }
    Ok(stanzas.into_iter().collect::<Vec<_>>().join("\n"))
}

/// Stanzas as they are, but for their types: binary and source packages both. Disabled ones are left out.
fn from_stanzas(text: &str) -> Vec<String> {
    let mut stanzas = Vec::new();
    let kept = text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>();
    for lines in kept.split(|line| line.trim().is_empty()) {
        let value = |name: &str| {
            let mut fields = lines.iter().filter_map(|line| line.split_once(':'));
            fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        };
        let disabled = value("Enabled")
            .is_some_and(|v| matches!(v, "no" | "false" | "without" | "off" | "disable" | "0"));
        if value("Types").is_none() || disabled {
            continue;
        }
        let mut stanza = String::from(HEAD);
        for line in lines {
            let field = line.split_once(':').map(|(field, _)| field).unwrap_or_default();
            if !["Types", "Targets"].iter().any(|ours| field.eq_ignore_ascii_case(ours)) {
                stanza.push_str(line);
                stanza.push('\n');
            }
        }
        stanzas.push(stanza);
    }
    stanzas
}

/// A stanza for each line `deb [options] address suite components…`.
fn from_lines(text: &str) -> Vec<String> {
    text.lines().filter_map(from_line).collect()
}

fn from_line(line: &str) -> Option<String> {
    let line = line.split('#').next()?.trim();
    let (kind, rest) = line.split_once(char::is_whitespace)?;
    if !matches!(kind, "deb" | "deb-src") {
        return None;
    }
    let rest = rest.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace();
    let (address, suite) = (words.next()?, words.next()?);
    let mut stanza = format!("{HEAD}URIs: {address}\nSuites: {suite}\n");
    let components = words.collect::<Vec<_>>().join(" ");
    if !components.is_empty() {
        stanza += &format!("Components: {components}\n");
    }
    for option in options.split_whitespace() {
        let (name, value) = option.split_once('=')?;
        // The two forms have different names for these (sources.list(5), "Options").
        let name = match name {
            "arch" => "Architectures",
            "lang" => "Languages",
            "target" => continue,
            other => other,
        };
        stanza += &format!("{name}: {}\n", value.replace(',', " "));
    }
    Some(stanza)
}

#[cfg(test)]
mod tests {
    use super::{from_line, from_lines, from_stanzas};

    #[test]
    fn a_stanza_gains_source_packages_and_keeps_the_rest() {
        let text = "# a comment\nTypes: deb\n# inside\nURIs: http://mirror.test/debian\nSuites: bookworm \
                    bookworm-updates\nComponents: main\nSigned-By:\n -----BEGIN\n .\n -----END\n\n\nTypes: deb\nURIs: \
                    http://off.test\nSuites: x\nEnabled: no\n";
        assert_eq!(
            from_stanzas(text),
            [
                "Types: deb deb-src\nTargets: Packages Sources\nURIs: http://mirror.test/debian\nSuites: bookworm bookworm-updates\nComponents: \
              main\nSigned-By:\n -----BEGIN\n .\n -----END\n"
            ]
        );
    }

    #[test]
    fn a_line_becomes_a_stanza() {
        assert_eq!(
            from_line(
                "deb [arch=amd64,i386 signed-by=/k.gpg] http://mirror.test/debian  bookworm main contrib # x"
            )
            .unwrap(),
            "Types: deb deb-src\nTargets: Packages Sources\nURIs: http://mirror.test/debian\nSuites: bookworm\nComponents: main \
             contrib\nArchitectures: amd64 i386\nsigned-by: /k.gpg\n"
        );
        assert_eq!(
            from_line("deb-src http://mirror.test/ ./").unwrap(),
            "Types: deb deb-src\nTargets: Packages Sources\nURIs: http://mirror.test/\nSuites: ./\n"
        );
    }

    #[test]
    fn comments_and_other_lines_are_passed_over() {
        assert!(
            from_lines("# deb http://mirror.test x main\n\nrpm http://mirror.test x\ndeb http://alone\n")
                .is_empty()
        );
    }
}
