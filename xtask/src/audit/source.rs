//! A Rust source file as the audit sees it: its tokens, and which of its lines belong to tests or to the host backend.

use std::collections::BTreeSet;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::Visit;

/// A parsed file.
pub struct Source {
    /// Its path below the checkout.
    pub path: PathBuf,
    /// Its lines; line 1 is the first.
    pub lines: Vec<String>,
    /// Its tokens, those inside macro calls included; documentation comments are attributes here.
    pub tokens: TokenStream,
    /// Its items.
    pub syntax: syn::File,
    /// What only tests see.
    pub tests: Excluded,
    /// What only the simulated machine of the host sees.
    pub host: Excluded,
}

/// The parts of a crate that a `cfg` attribute keeps out of the kernel.
#[derive(Debug, Default)]
pub struct Excluded {
    ranges: Vec<RangeInclusive<usize>>,
    /// Modules in files of their own, by the path stem of the file (`kernel/hal/src/host`).
    modules: Vec<PathBuf>,
}

impl Excluded {
    fn has(&self, line: usize) -> bool {
        self.ranges.iter().any(|range| range.contains(&line))
    }

    fn all(&mut self) {
        self.ranges = vec![1..=usize::MAX];
    }
}

impl Source {
    /// Parses `text`, the content of the file at `path` below the checkout.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let wrong = |error: syn::Error| anyhow!("{}:{}: {error}", path.display(), error.span().start().line);
        let syntax = syn::parse_file(text).map_err(wrong)?;
        let tokens: TokenStream = syn::parse_str(text).map_err(wrong)?;
        let mut finder = Finder {
            children: children(path),
            folder: path.parent().unwrap_or(Path::new("")).to_owned(),
            tests: Excluded::default(),
            host: Excluded::default(),
        };
        finder.visit_file(&syntax);
        let mut tests = finder.tests;
        if path.components().any(|part| part.as_os_str() == "tests") {
            tests.all();
        }
        let lines = text.lines().map(str::to_owned).collect();
        Ok(Self { path: path.to_owned(), lines, tokens, syntax, tests, host: finder.host })
    }

    /// Whether a line is only seen by tests or by the host's simulated machine.
    pub fn excluded(&self, line: usize) -> bool {
        self.tests.has(line) || self.host.has(line)
    }

    /// The lines that hold code of the kernel: a token that is no comment, and neither test nor host backend.
    pub fn code_lines(&self) -> usize {
        let mut lines = BTreeSet::new();
        walk(&self.tokens, &mut |token, _| {
            if let TokenTree::Group(group) = token {
                lines.insert(group.span_open().start().line);
                lines.insert(group.span_close().end().line);
            } else {
                let span = token.span();
                lines.extend(span.start().line..=span.end().line);
            }
        });
        lines.into_iter().filter(|line| !self.excluded(*line)).count()
    }

    /// Whether the file is below `folder`.
    pub fn below(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }

    /// The place of a line, for a person: `kernel/src/lib.rs:12`.
    pub fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }
}

/// Calls `see` for every token, outer ones first, with the tokens that follow it in its group. Documentation comments are
/// left out.
pub fn walk(tokens: &TokenStream, see: &mut impl FnMut(&TokenTree, &[TokenTree])) {
    let list: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let mut rest = list.as_slice();
    while let Some((first, following)) = rest.split_first() {
        rest = following;
        if let Some(after) = documentation(first, following) {
            rest = after;
            continue;
        }
        see(first, following);
        if let TokenTree::Group(group) = first {
            walk(&group.stream(), see);
        }
    }
}

/// What follows a documentation comment (`#[doc = "…"]`, `#![doc = "…"]`), if one begins here.
fn documentation<'a>(first: &TokenTree, following: &'a [TokenTree]) -> Option<&'a [TokenTree]> {
    if !is_punct(Some(first), '#') {
        return None;
    }
    let skip = usize::from(is_punct(following.first(), '!'));
    let Some(TokenTree::Group(group)) = following.get(skip) else { return None };
    let mut inside = group.stream().into_iter();
    let is_doc = group.delimiter() == Delimiter::Bracket
        && matches!(inside.next(), Some(TokenTree::Ident(name)) if name == "doc")
        && is_punct(inside.next().as_ref(), '=');
    is_doc.then(|| &following[skip + 1..])
}

/// Whether a token is this punctuation mark.
pub fn is_punct(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

/// The folder that the modules declared in a file have their files in.
fn children(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default();
    let folder = path.parent().unwrap_or(Path::new(""));
    if ["lib", "main", "mod"].iter().any(|root| stem == *root) {
        folder.to_owned()
    } else {
        folder.join(stem)
    }
}

/// Finds the items that a `cfg` keeps out of the kernel.
struct Finder {
    children: PathBuf,
    /// Where the file lies: what a `#[path]` is relative to.
    folder: PathBuf,
    tests: Excluded,
    host: Excluded,
}

impl Finder {
    fn note(&mut self, attributes: &[syn::Attribute], node: &impl Spanned, module: Option<&syn::ItemMod>) {
        let file = module.filter(|module| module.content.is_none()).map(|module| self.stem(module));
        for attribute in attributes {
            let Some(excluded) = self.excluded_by(attribute) else { continue };
            excluded.ranges.push(node.span().start().line..=node.span().end().line);
            excluded.modules.extend(file.clone());
        }
    }

    /// Where a module declared here has its file: the path without `.rs` or `/mod.rs`.
    fn stem(&self, module: &syn::ItemMod) -> PathBuf {
        let given = module.attrs.iter().find_map(|attribute| match &attribute.meta {
            syn::Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
                syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(path), .. }) => Some(path.value()),
                _ => None,
            },
            _ => None,
        });
        match given {
            None => self.children.join(module.ident.to_string()),
            Some(path) => {
                let stem = self.folder.join(path).with_extension("");
                if stem.ends_with("mod") { stem.parent().unwrap_or(&stem).to_owned() } else { stem }
            }
        }
    }

    fn excluded_by(&mut self, attribute: &syn::Attribute) -> Option<&mut Excluded> {
        if attribute.path().is_ident("test") {
            return Some(&mut self.tests);
        }
        if !attribute.path().is_ident("cfg") {
            return None;
        }
        let condition = attribute.meta.require_list().ok()?.tokens.to_string().replace(' ', "");
        match &*condition {
            "test" => Some(&mut self.tests),
            condition if condition.starts_with("all(test,") => Some(&mut self.tests),
            "not(target_os=\"none\")" => Some(&mut self.host),
            _ => None,
        }
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        match item {
            syn::Item::Mod(module) => self.note(&module.attrs, item, Some(module)),
            syn::Item::Fn(function) => self.note(&function.attrs, item, None),
            syn::Item::Impl(block) => self.note(&block.attrs, item, None),
            syn::Item::Use(import) => self.note(&import.attrs, item, None),
            syn::Item::Struct(structure) => self.note(&structure.attrs, item, None),
            syn::Item::Enum(enumeration) => self.note(&enumeration.attrs, item, None),
            syn::Item::Const(constant) => self.note(&constant.attrs, item, None),
            syn::Item::Static(variable) => self.note(&variable.attrs, item, None),
            syn::Item::Macro(call) => self.note(&call.attrs, item, None),
            _ => {}
        }
        syn::visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.note(&function.attrs, function, None);
        syn::visit::visit_impl_item_fn(self, function);
    }
}

/// Reads all Rust files below `root`, and carries `cfg` from a module's declaration to its files.
pub fn read_all(root: &Path, files: &[PathBuf]) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
        let text =
            fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {}", path.display()))?;
        sources.push(Source::parse(path, &text)?);
    }
    spread(&mut sources);
    Ok(sources)
}

/// Excludes the files of excluded modules.
pub fn spread(sources: &mut [Source]) {
    let tests: Vec<PathBuf> = sources.iter().flat_map(|source| source.tests.modules.clone()).collect();
    let host: Vec<PathBuf> = sources.iter().flat_map(|source| source.host.modules.clone()).collect();
    for source in sources {
        let belongs =
            |stem: &PathBuf| source.path.starts_with(stem) || source.path.with_extension("") == *stem;
        let (in_tests, in_host) = (tests.iter().any(belongs), host.iter().any(belongs));
        if in_tests {
            source.tests.all();
        }
        if in_host {
            source.host.all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_blank_lines_and_tests_are_no_code() {
        let text = "//! Doc.\n\n/// Doc.\nfn a() {\n    // why\n    b(\"x\n\")\n}\n#[cfg(test)]\nmod tests {\n    fn c() {}\n}\n";
        let source = Source::parse(Path::new("kernel/src/lib.rs"), text).expect("valid");
        assert_eq!(source.code_lines(), 4);
    }

    #[test]
    fn cfg_reaches_the_files_of_a_module() {
        let files = [
            (
                "hal/src/lib.rs",
                "#[cfg(not(target_os = \"none\"))]\nmod host;\n#[cfg(test)]\nmod checks;\nmod real;\n",
            ),
            ("hal/src/host/mod.rs", "mod cpu;\n"),
            ("hal/src/more.rs", "#[cfg(not(target_os = \"none\"))]\n#[path = \"fake/mod.rs\"]\nmod imp;\n"),
            ("hal/src/fake/mod.rs", "fn a() {}\n"),
            ("hal/src/host/cpu.rs", "fn a() {}\n"),
            ("hal/src/checks.rs", "fn a() {}\n"),
            ("hal/src/real.rs", "fn a() {}\n"),
        ];
        let mut sources: Vec<Source> =
            files.iter().map(|(path, text)| Source::parse(Path::new(path), text).expect("valid")).collect();
        spread(&mut sources);
        let lines: Vec<usize> = sources.iter().map(Source::code_lines).collect();
        assert_eq!(lines, [1, 0, 0, 0, 0, 0, 1]);
    }
}
