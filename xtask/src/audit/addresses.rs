//! hal's safe public functions that take an address: each is a place where a policy could name memory to a mechanism.

use proc_macro2::TokenTree;
use quote::ToTokens;
use syn::visit::Visit;

use super::Report;
use super::source::{Source, walk};

/// Parameter types that are addresses by themselves.
const ADDRESS_TYPES: [&str; 4] = ["VirtAddr", "PhysAddr", "UserAddr", "UserPtr"];
/// Integer types, which are addresses when the parameter's name says so.
const INTEGERS: [&str; 2] = ["usize", "u64"];
/// Words in the name of a parameter that is an address.
const ADDRESS_WORDS: [&str; 4] = ["addr", "address", "pointer", "ptr"];

/// Counts them; one that takes a raw pointer is a finding, because only the caller could vouch for it.
pub fn audit(sources: &[Source], report: &mut Report) {
    let mut finder = Finder::default();
    for source in sources.iter().filter(|source| source.below("kernel/hal")) {
        finder.source = Some(source.place(0).trim_end_matches(":0").to_owned());
        finder.skipped = (1..=source.lines.len()).filter(|line| source.excluded(*line)).collect();
        finder.visit_file(&source.syntax);
    }
    report.figure("safe public functions of hal that take an address", finder.functions.len());
    for function in &finder.functions {
        report.detail(function);
    }
    for function in &finder.with_raw_pointers {
        report.finding("a safe public function of hal takes a raw pointer", function);
    }
}

#[derive(Default)]
struct Finder {
    source: Option<String>,
    skipped: std::collections::BTreeSet<usize>,
    functions: Vec<String>,
    with_raw_pointers: Vec<String>,
}

impl Finder {
    fn note(&mut self, visibility: &syn::Visibility, signature: &syn::Signature) {
        let line = signature.ident.span().start().line;
        let public = matches!(visibility, syn::Visibility::Public(_));
        if !public || matches!(signature.safety, syn::Safety::Unsafe(_)) || self.skipped.contains(&line) {
            return;
        }
        let place = || format!("{}:{line} {}", self.source.as_deref().unwrap_or_default(), signature.ident);
        if signature.inputs.iter().any(is_address) {
            self.functions.push(place());
        }
        if signature.inputs.iter().any(is_raw_pointer) {
            self.with_raw_pointers.push(place());
        }
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.note(&function.vis, &function.sig);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.note(&function.vis, &function.sig);
    }
}

fn is_raw_pointer(input: &syn::FnArg) -> bool {
    matches!(input, syn::FnArg::Typed(typed) if matches!(*typed.ty, syn::Type::Ptr(_)))
}

fn is_address(input: &syn::FnArg) -> bool {
    let syn::FnArg::Typed(typed) = input else { return false };
    if is_raw_pointer(input) || mentions(&typed.ty, &ADDRESS_TYPES) {
        return true;
    }
    let name = typed.pat.to_token_stream().to_string();
    let named = name.split('_').any(|word| ADDRESS_WORDS.contains(&word));
    named && mentions(&typed.ty, &INTEGERS)
}

fn mentions(node: &syn::Type, names: &[&str]) -> bool {
    let mut found = false;
    walk(&node.to_token_stream(), &mut |token, _| {
        found |= matches!(token, TokenTree::Ident(word) if names.iter().any(|name| word == name));
    });
    found
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{findings, source};
    use super::*;

    fn found(text: &str) -> (usize, usize) {
        let mut report = Report::default();
        audit(&[source("kernel/hal/src/a.rs", text)], &mut report);
        let count = report.figures.first().map_or(0, |(_, value)| *value);
        (count, findings(|report| audit(&[source("kernel/hal/src/a.rs", text)], report)).len())
    }

    #[test]
    fn addresses_are_known_by_type_or_by_name() {
        assert_eq!(found("pub fn a(at: VirtAddr) {}"), (1, 0));
        assert_eq!(found("pub fn a(at: Option<PhysAddr>) {}"), (1, 0));
        assert_eq!(found("pub fn a(page_addr: usize) {}"), (1, 0));
        assert_eq!(found("pub fn a(length: usize) {}"), (0, 0));
    }

    #[test]
    fn a_raw_pointer_in_a_safe_public_function_is_a_finding() {
        assert_eq!(found("pub fn a(p: *const u8) {}"), (1, 1));
        assert_eq!(found("pub unsafe fn a(p: *const u8) {}\npub(crate) fn b(p: *mut u8) {}"), (0, 0));
    }
}
