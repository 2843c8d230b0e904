//! `cargo xtask docs`: the book. The reference of system calls is generated; all pages and links are always checked; it is rendered where `mdbook` is installed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use pulldown_cmark::{Event, Parser, Tag};
use walkdir::WalkDir;

use crate::exec;
use crate::project::Project;
use crate::ui::Ui;

/// Why the book is not rendered.
pub const NO_RENDERER: &str = "mdbook is not installed (`cargo install mdbook`)";

/// Checks the book, and renders it where that is possible.
pub fn command(project: &Project, ui: &Ui) -> Result<ExitCode> {
    generate(project, ui)?;
    let pages = check(project.root())?;
    println!("{pages} pages, no broken link");
    match render(project, ui)? {
        Some(index) => println!("{}", index.display()),
        None => println!("SKIPPED rendering: {NO_RENDERER}"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the page that comes from the table of system calls. That it is current is one of the unit tests of `hermes`.
fn generate(project: &Project, ui: &Ui) -> Result<()> {
    let step = ui.step("Writing the reference of system calls");
    let text = crate::table::in_form(project, "reference")?;
    let page = project.root().join("docs/src/syscalls.md");
    fs::write(&page, text).with_context(|| format!("cannot write {}", page.display()))?;
    step.done();
    Ok(())
}

/// Checks that the table of contents names every page of the book, and that every relative link of the book, the decisions
/// and the files beside `README.md` leads to a file. Gives the number of pages read.
///
/// # Errors
/// A file cannot be read; or the list of what is wrong.
pub fn check(root: &Path) -> Result<usize> {
    let mut pages = Vec::new();
    for (folder, depth) in [("docs", usize::MAX), (".", 1)] {
        for entry in WalkDir::new(root.join(folder)).max_depth(depth).sort_by_file_name() {
            let path = entry.context("cannot list the documentation")?.into_path();
            if path.extension().is_some_and(|end| end == "md") {
                pages.push(path);
            }
        }
    }
    let contents = root.join("docs/src/SUMMARY.md");
    let mut wrong = Vec::new();
    let mut listed = BTreeSet::new();
    for page in &pages {
        let text = fs::read_to_string(page).with_context(|| format!("cannot read {}", page.display()))?;
        let folder = page.parent().unwrap_or(root);
        for link in relative_links(&text) {
            let target = folder.join(&link);
            if !target.exists() {
                wrong.push(format!("{} links to {link}, which is not there", page.display()));
            } else if *page == contents {
                listed.extend(fs::canonicalize(target));
            }
        }
    }
    for page in pages.iter().filter(|page| page.starts_with(root.join("docs/src")) && **page != contents) {
        if !fs::canonicalize(page).is_ok_and(|page| listed.contains(&page)) {
            wrong.push(format!("{} is missing in SUMMARY.md", page.display()));
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(pages.len())
}

/// The links of a page to files beside it, without their fragments.
fn relative_links(text: &str) -> Vec<String> {
    let links = Parser::new(text).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
            Some(dest_url.into_string())
        }
        _ => None,
    });
    let files = links.filter(|link| !link.contains("://") && !link.starts_with("mailto:"));
    let files = files.map(|link| link.split('#').next().unwrap_or_default().to_owned());
    files.filter(|link| !link.is_empty()).collect()
}

/// Renders the book, and gives its first page; `None` where there is no `mdbook`.
pub fn render(project: &Project, ui: &Ui) -> Result<Option<PathBuf>> {
    let mut version = exec::command("mdbook");
    version.arg("--version");
    if exec::output(version).is_err() {
        return Ok(None);
    }
    let folder = project.target().join("book");
    let step = ui.step("Rendering the book");
    let mut command = exec::command("mdbook");
    command.arg("build").arg(project.root().join("docs")).arg("--dest-dir").arg(&folder);
    exec::run(command, &project.log("docs")?, &step).context("the book cannot be rendered")?;
    step.done();
    Ok(Some(folder.join("index.html")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(files: &[(&str, &str)]) -> Result<usize> {
        let folder = tempfile::tempdir()?;
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap_or(folder.path()))?;
            fs::write(path, text)?;
        }
        check(folder.path())
    }

    #[test]
    fn a_whole_book_is_accepted() {
        let good =
            [("docs/src/SUMMARY.md", "- [A](a.md)\n"), ("docs/src/a.md", "[b](https://b.example) [c](#c)")];
        assert_eq!(book(&good).expect("nothing is wrong"), 2);
    }

    #[test]
    fn a_link_to_nothing_and_a_page_that_nobody_lists_are_found() {
        assert!(book(&[("docs/src/SUMMARY.md", "- [A](a.md)\n")]).is_err());
        assert!(book(&[("docs/src/SUMMARY.md", ""), ("docs/src/a.md", "")]).is_err());
        assert!(book(&[("docs/src/SUMMARY.md", ""), ("README.md", "[x](docs/none.md)")]).is_err());
    }
}
