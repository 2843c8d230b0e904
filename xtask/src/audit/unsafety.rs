//! `unsafe`: only in `kernel/hal`, and each with its reason.

use std::collections::BTreeSet;

use proc_macro2::TokenTree;
use syn::visit::Visit;

use super::Report;
use super::source::{Source, is_punct, walk};

/// The only place that may say `unsafe`.
const HAL: &str = "kernel/hal";

/// How many lines above an `unsafe` its reason may begin, beside the comments and attributes directly above it.
const NEAR_LINES: usize = 8;

/// What an `unsafe` introduces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Block,
    Implementation,
    /// A function or trait: its reason is the documentation section `# Safety`.
    Declaration,
    Foreign,
    Attribute,
}

/// An `unsafe` and its line.
#[derive(Debug, PartialEq, Eq)]
struct Use {
    kind: Kind,
    line: usize,
}

/// Counts every `unsafe`, and finds those in the wrong place or without a reason.
pub fn audit(sources: &[Source], report: &mut Report) {
    let (mut inside, mut outside, mut bare) = (0, 0, 0);
    for source in sources {
        if must_forbid(source) && !forbids(source) {
            report.finding("a crate without #![forbid(unsafe_code)]", &source.path.display().to_string());
        }
        let contracts = contracts(source);
        for found in uses(source) {
            if !source.below(HAL) {
                outside += 1;
                report.finding("unsafe outside kernel/hal", &source.place(found.line));
                continue;
            }
            inside += 1;
            let by_trait = found.kind == Kind::Declaration && contracts.contains(&found.line);
            if !by_trait && !explained(source, &found) {
                bare += 1;
                report.finding("unsafe without a SAFETY comment", &source.place(found.line));
            }
        }
    }
    report.figure("unsafe outside kernel/hal", outside);
    report.figure("unsafe in kernel/hal", inside);
    report.figure("unsafe in kernel/hal without a SAFETY comment", bare);
}

/// Whether the file is the root of a crate of the kernel above hal, or of its contract with user space.
fn must_forbid(source: &Source) -> bool {
    let is_root = source.path.ends_with("src/lib.rs");
    is_root && !source.below(HAL) && (source.below("kernel") || source.below("abi"))
}

fn forbids(source: &Source) -> bool {
    source.syntax.attrs.iter().any(|attribute| {
        let list = attribute.meta.require_list();
        list.is_ok_and(|list| list.path.is_ident("forbid") && list.tokens.to_string() == "unsafe_code")
    })
}

/// The lines of unsafe functions whose contract is written elsewhere: at the trait that they implement.
fn contracts(source: &Source) -> BTreeSet<usize> {
    struct Finder(BTreeSet<usize>);
    impl<'ast> Visit<'ast> for Finder {
        fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
            for item in block.items.iter().filter(|_| block.trait_.is_some()) {
                if let syn::ImplItem::Fn(function) = item
                    && let syn::Safety::Unsafe(word) = &function.sig.safety
                {
                    self.0.insert(word.span.start().line);
                }
            }
            syn::visit::visit_item_impl(self, block);
        }
    }
    let mut finder = Finder(BTreeSet::new());
    finder.visit_file(&source.syntax);
    finder.0
}

fn uses(source: &Source) -> Vec<Use> {
    let mut found = Vec::new();
    walk(&source.tokens, &mut |token, following| {
        let TokenTree::Ident(word) = token else { return };
        if word == "unsafe"
            && let Some(kind) = kind(following)
        {
            found.push(Use { kind, line: word.span().start().line });
        }
    });
    found
}

/// What follows `unsafe` says what it is; a function *type* (`unsafe fn(…)`) is nothing that needs a reason.
fn kind(following: &[TokenTree]) -> Option<Kind> {
    match following.first()? {
        TokenTree::Group(group) if group.delimiter() == proc_macro2::Delimiter::Brace => Some(Kind::Block),
        TokenTree::Group(_) => Some(Kind::Attribute),
        TokenTree::Ident(word) if word == "impl" => Some(Kind::Implementation),
        TokenTree::Ident(word) if word == "trait" => Some(Kind::Declaration),
        TokenTree::Ident(word) if word == "fn" => {
            matches!(following.get(1), Some(TokenTree::Ident(_))).then_some(Kind::Declaration)
        }
        TokenTree::Ident(word) if word == "extern" => {
            // `unsafe extern "C" { … }`, `unsafe extern "C" fn name(…)`, or the type `unsafe extern "C" fn(…)`
            let after = following.iter().skip(1).find(|token| !matches!(token, TokenTree::Literal(_)))?;
            match after {
                TokenTree::Group(_) => Some(Kind::Foreign),
                _ => {
                    let name = following
                        .iter()
                        .skip_while(|token| !matches!(token, TokenTree::Ident(word) if word == "fn"));
                    matches!(name.clone().nth(1), Some(TokenTree::Ident(_))).then_some(Kind::Declaration)
                }
            }
        }
        token if is_punct(Some(token), ',') => None,
        _ => None,
    }
}

/// Whether the reason stands on the line, in the comments and attributes directly above it, or a few lines above.
fn explained(source: &Source, found: &Use) -> bool {
    let says = |line: &str| match found.kind {
        Kind::Declaration | Kind::Attribute => line.contains("# Safety") || line.contains("SAFETY:"),
        Kind::Block | Kind::Implementation | Kind::Foreign => line.contains("SAFETY:"),
    };
    let above = source.lines.get(..found.line).unwrap_or_default();
    let attached = above.iter().rev().skip(1).take_while(|line| {
        let line = line.trim_start();
        line.starts_with("//") || line.starts_with("#[")
    });
    above.iter().rev().take(NEAR_LINES + 1).chain(attached).any(|line| says(line))
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{findings, source};
    use super::*;

    #[test]
    fn unsafe_above_hal_is_found_even_in_a_macro_call() {
        let bad = source("kernel/chroma/src/a.rs", "fn a() { call!({ unsafe { b() } }) }");
        assert_eq!(
            findings(|report| audit(&[bad], report)),
            ["unsafe outside kernel/hal: kernel/chroma/src/a.rs:1"]
        );
    }

    #[test]
    fn a_crate_above_hal_forbids_unsafe_by_itself() {
        let root = |text| findings(|report| audit(&[source("kernel/chroma/src/lib.rs", text)], report)).len();
        assert_eq!(root("#![no_std]\n"), 1);
        assert_eq!(root("#![no_std]\n#![forbid(unsafe_code)]\n"), 0);
    }

    #[test]
    fn unsafe_in_hal_needs_its_reason() {
        let bad = "fn a() { unsafe { b() } }\nunsafe impl Send for C {}\npub unsafe fn d() {}\n";
        let found = findings(|report| audit(&[source("kernel/hal/src/a.rs", bad)], report));
        assert_eq!(found.len(), 3, "{found:?}");
        let good = "// SAFETY: x.\nfn a() { unsafe { b() } }\n";
        assert!(findings(|report| audit(&[source("kernel/hal/src/a.rs", good)], report)).is_empty());
    }

    #[test]
    fn a_reason_for_one_function_far_above_does_not_serve_the_next() {
        let far = format!(
            "// SAFETY: x.\nfn a() {{ unsafe {{ b() }} }}\n{}fn c() {{ unsafe {{ b() }} }}\n",
            "const A: u8 = 1;\n".repeat(9)
        );
        assert_eq!(findings(|report| audit(&[source("kernel/hal/src/a.rs", &far)], report)).len(), 1);
    }

    #[test]
    fn a_method_of_a_trait_has_the_traits_contract() {
        let text =
            "// SAFETY: x.\nunsafe impl A for B {\n unsafe fn c() {}\n}\n".to_owned() + &"\n".repeat(9);
        assert!(findings(|report| audit(&[source("kernel/hal/src/a.rs", &text)], report)).is_empty());
        let own = text.replace("unsafe impl A for B", "impl B").replace("// SAFETY: x.", "");
        assert_eq!(findings(|report| audit(&[source("kernel/hal/src/a.rs", &own)], report)).len(), 1);
    }

    #[test]
    fn words_in_strings_comments_and_types_are_no_unsafe() {
        let good = "// unsafe { }\nconst A: &str = \"unsafe {}\";\ntype F = unsafe extern \"C\" fn(u8);\n";
        assert!(uses(&source("kernel/src/a.rs", good)).is_empty());
    }
}
