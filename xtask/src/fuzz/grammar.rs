//! The grammar that the guest's fuzzer reads: the kernel's table, with what `compat-tests/fuzz/hints.txt` adds.
//!
//! The table comes from `hermes` (`kernel/hermes/src/grammar.rs`), so a new row is fuzzed without further work. A hint that
//! names a call or an argument that is not there is an error: hints do not outlive what they speak of.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result, bail, ensure};

/// The types that a hint for every call speaks of.
const INTEGERS: [&str; 5] = ["int", "unsigned", "long", "unsigned long", "size"];

/// What is said of a call.
#[derive(Default)]
struct Hints<'a> {
    /// Why it is left out.
    out: Option<&'a str>,
    /// How it is made.
    attributes: Vec<&'a str>,
    /// The values of its arguments, by name.
    values: BTreeMap<&'a str, String>,
}

/// Puts the hints into the kernel's grammar.
///
/// # Errors
/// A line of either is wrong, or a hint is about nothing.
pub fn merge(grammar: &str, hints: &str) -> Result<String> {
    let mut hints = read(hints)?;
    let every = hints.remove("*").unwrap_or_default();
    let mut merged = String::new();
    for line in grammar.lines() {
        let mut parts = line.split('\t');
        let (Some(number), Some(name)) = (parts.next(), parts.next()) else {
            bail!("the kernel's grammar has the line {line:?}");
        };
        let mut hint = hints.remove(name).unwrap_or_default();
        let attributes = if hint.out.is_some() { "out".to_owned() } else { hint.attributes.join(" ") };
        write!(merged, "{number}\t{name}\t{attributes}")?;
        for argument in parts {
            let mut fields = argument.split(':');
            let (label, kind) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
            let general = every.values.get(label).filter(|_| INTEGERS.contains(&kind));
            let values = hint.values.remove(label).or_else(|| general.cloned()).unwrap_or_default();
            write!(merged, "\t{argument}:{values}")?;
        }
        merged.push('\n');
        if let Some(label) = hint.values.keys().next() {
            bail!("the hints speak of `{label}`, which `{name}` has not");
        }
    }
    if let Some(name) = hints.keys().next() {
        bail!("the hints speak of `{name}`, which is no call");
    }
    Ok(merged)
}

/// The calls that are left out, and why.
///
/// # Errors
/// A line is wrong.
pub fn left_out(hints: &str) -> Result<Vec<(String, String)>> {
    let out =
        read(hints)?.into_iter().filter_map(|(name, hint)| Some((name.to_owned(), hint.out?.to_owned())));
    Ok(out.collect())
}

fn read(text: &str) -> Result<BTreeMap<&str, Hints<'_>>> {
    let mut all: BTreeMap<&str, Hints<'_>> = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (head, rest) = line.split_once(':').with_context(|| format!("no colon in the hint {line:?}"))?;
        let mut words = head.split_whitespace();
        let name = words.next().with_context(|| format!("no call in the hint {line:?}"))?;
        let hint = all.entry(name).or_default();
        for word in words {
            match word {
                "out" => hint.out = Some(rest.trim()),
                "+child" | "+eintr" => hint.attributes.push(word.trim_start_matches('+')),
                _ => bail!("`{word}` is no attribute, in the hint {line:?}"),
            }
        }
        if hint.out.is_some() {
            continue;
        }
        for pair in rest.split_whitespace() {
            let (label, values) =
                pair.split_once('=').with_context(|| format!("no `=` in {pair:?}, in the hint {line:?}"))?;
            let earlier = hint.values.insert(label, values.replace('|', ","));
            ensure!(earlier.is_none(), "`{label}` of `{name}` has two hints");
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str =
        "0\tread\tfd:fd::0:0\tsize:size::0:0\n9\tmmap\tat:address::0:0\tsize:unsigned long::0:0\n";

    #[test]
    fn hints_stand_behind_their_arguments() {
        let merged = merge(TABLE, "# why\n*: size=1|2\nread +child: fd=fd.file|-1 size=!8\n").unwrap();
        assert_eq!(
            merged,
            "0\tread\tchild\tfd:fd::0:0:fd.file,-1\tsize:size::0:0:!8\n9\tmmap\t\tat:address::0:0:\tsize:unsigned long::0:0:1,2\n"
        );
    }

    #[test]
    fn a_call_without_hints_is_there_all_the_same() {
        assert_eq!(merge("39\tgetpid\n", "").unwrap(), "39\tgetpid\t\n");
    }

    #[test]
    fn a_call_is_left_out_with_a_reason() {
        let hints = "mmap out: it is dull\n";
        assert!(merge(TABLE, hints).unwrap().contains("9\tmmap\tout\t"));
        assert_eq!(left_out(hints).unwrap(), [("mmap".to_owned(), "it is dull".to_owned())]);
    }

    #[test]
    fn a_hint_about_nothing_is_refused() {
        for wrong in ["raed: fd=1", "read: df=1", "read: fd", "read +chidl: fd=1", "read", "read: fd=1 fd=2"]
        {
            assert!(merge(TABLE, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_checkouts_hints_fit_the_pages_table() {
        // The page and the grammar come from the same table; the page is in the checkout.
        let page = include_str!("../../../docs/src/syscalls.md");
        let mut grammar = String::new();
        for line in page.lines().filter(|line| line.contains(" | `")) {
            let Some((number, rest)) = line.trim_start_matches("| ").split_once(" | `") else { continue };
            let Some((name, rest)) = rest.split_once('(') else { continue };
            let arguments = rest.split_once(")`").map_or("", |(arguments, _)| arguments);
            let _ = write!(grammar, "{number}\t{name}");
            for argument in arguments.split(", ").filter(|argument| !argument.is_empty()) {
                let _ = write!(grammar, "\t{}", argument.replace(": ", ":") + "::0:0");
            }
            grammar.push('\n');
        }
        merge(&grammar, include_str!("../../../compat-tests/fuzz/hints.txt")).unwrap();
    }
}
