//! What can panic on purpose: not in the kernel, nor in its contract with user space.

use std::ops::RangeInclusive;

use proc_macro2::{Delimiter, TokenTree};

use super::Report;
use super::source::{Source, is_punct, walk};

const METHODS: [&str; 2] = ["unwrap", "expect"];
const MACROS: [&str; 3] = ["panic", "todo", "unimplemented"];

/// Finds `unwrap`, `expect`, `panic!` and `todo!` in `kernel` and `abi`, outside tests and constants: what the compiler
/// evaluates panics at build time only.
pub fn audit(sources: &[Source], report: &mut Report) {
    let (mut count, mut reasoned) = (0, 0);
    for source in sources.iter().filter(|source| source.below("kernel") || source.below("abi")) {
        let exempt = exempt(source);
        for (line, name) in panics(source) {
            if source.excluded(line) {
                continue;
            }
            if exempt.iter().any(|lines| lines.contains(&line)) {
                reasoned += 1;
                report.warning(&format!("a panic with a stated reason: {} ({name})", source.place(line)));
            } else {
                count += 1;
                report.finding("a panic on purpose", &format!("{} ({name})", source.place(line)));
            }
        }
    }
    report.figure("unwrap, expect, panic!, todo! in kernel and abi", count);
    report.figure("the same, each with a reason in #[expect]", reasoned);
}

fn panics(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut constants = Vec::new();
    let mut previous = None;
    walk(&source.tokens, &mut |token, following| {
        constants.extend(constant(previous, token, following));
        if let TokenTree::Ident(word) = token {
            let line = word.span().start().line;
            let called = matches!(following.first(), Some(TokenTree::Group(_)));
            if previous == Some('.') && called && METHODS.iter().any(|name| word == name) {
                found.push((line, format!("{word}()")));
            }
            // `panic != x` is a comparison.
            let invoked =
                is_punct(following.first(), '!') && matches!(following.get(1), Some(TokenTree::Group(_)));
            if invoked && MACROS.iter().any(|name| word == name) {
                found.push((line, format!("{word}!")));
            }
        }
        previous = match token {
            TokenTree::Punct(punct) => Some(punct.as_char()),
            _ => None,
        };
    });
    found.retain(|(line, _)| !constants.iter().any(|lines| lines.contains(line)));
    found
}

/// The lines that `#[expect(clippy::…, reason = "…")]` speaks of: whoever wrote it stated why no user can get there.
fn exempt(source: &Source) -> Vec<RangeInclusive<usize>> {
    let mut found = Vec::new();
    let mut previous = None;
    walk(&source.tokens, &mut |token, following| {
        if let (Some('#'), TokenTree::Group(group)) = (previous, token)
            && is_reasoned(&group.stream().to_string())
        {
            let is_end = |token: &&TokenTree| match token {
                TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                token => is_punct(Some(token), ';'),
            };
            let end = following.iter().find(is_end).map_or(usize::MAX, |token| token.span().end().line);
            found.push(group.span_open().start().line..=end);
        }
        previous = match token {
            TokenTree::Punct(punct) => Some(punct.as_char()),
            _ => None,
        };
    });
    found
}

/// Whether an attribute expects one of clippy's lints against panics, for a reason.
fn is_reasoned(attribute: &str) -> bool {
    let attribute = attribute.replace(' ', "");
    let lints = ["clippy::expect_used", "clippy::unwrap_used", "clippy::panic"];
    attribute.starts_with("expect(")
        && attribute.contains("reason=")
        && lints.iter().any(|lint| attribute.contains(lint))
}

/// The lines of the constant or static variable that a token begins, if it does: `*const T`, `<const N: T>` and `'static`
/// don't, nor does `const fn`.
fn constant(
    previous: Option<char>,
    token: &TokenTree,
    following: &[TokenTree],
) -> Option<RangeInclusive<usize>> {
    let TokenTree::Ident(word) = token else { return None };
    if !(word == "const" || word == "static") || matches!(previous, Some('*' | '<' | ',' | '\'')) {
        return None;
    }
    let function = ["fn", "unsafe", "extern", "async"];
    let end = match following.first()? {
        block @ TokenTree::Group(_) => block,
        TokenTree::Ident(next) if function.iter().any(|name| next == name) => return None,
        _ => following.iter().find(|token| is_punct(Some(token), ';'))?,
    };
    Some(word.span().start().line..=end.span().end().line)
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{findings, source};
    use super::*;

    #[test]
    fn each_way_to_panic_is_found_with_its_line() {
        let bad = "fn a() {\n b().unwrap();\n b().expect(\"x\");\n panic!();\n log!(todo!());\n}\n";
        let found = findings(|report| audit(&[source("abi/src/lib.rs", bad)], report));
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!(found[0], "a panic on purpose: abi/src/lib.rs:2 (unwrap())");
    }

    #[test]
    fn tests_and_other_crates_may() {
        let text = "#[cfg(test)]\nmod tests {\n fn a() { b().unwrap() }\n}\n";
        assert!(findings(|report| audit(&[source("abi/src/lib.rs", text)], report)).is_empty());
        assert!(
            findings(|report| audit(&[source("xtask/src/a.rs", "fn a() { b().unwrap() }")], report))
                .is_empty()
        );
    }

    #[test]
    fn a_stated_reason_exempts_one_item_only() {
        let text = "#[expect(clippy::expect_used, reason = \"x\")]\nfn a() {\n b().expect(\"c\")\n}\nfn d() {\n b().expect(\"c\")\n}\n";
        let found = findings(|report| audit(&[source("abi/src/a.rs", text)], report));
        assert_eq!(found, ["a panic on purpose: abi/src/a.rs:6 (expect())"]);
        let bare = text.replace(", reason = \"x\"", "");
        assert_eq!(findings(|report| audit(&[source("abi/src/a.rs", &bare)], report)).len(), 2);
    }

    #[test]
    fn what_the_compiler_evaluates_may() {
        let good = "pub const A: u8 = b().unwrap();\nfn c() {\n let d = const { b().unwrap() };\n}\n";
        assert!(panics(&source("abi/src/lib.rs", good)).is_empty());
        let bad = "const fn a<const N: u8>(b: *const u8, c: &'static u8) {\n d.unwrap();\n}\n";
        assert_eq!(panics(&source("abi/src/lib.rs", bad)).len(), 1);
    }

    #[test]
    fn names_that_only_look_alike_are_no_panics() {
        let good = "fn a() { unwrap(); b().unwrap_or(1); hal::panic::panic(c); let d = panic != e; }";
        assert!(panics(&source("abi/src/lib.rs", good)).is_empty());
    }
}
