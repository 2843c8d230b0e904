//! This project's programs: each `compat-tests/NAME.c` is one.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::content_of;
use crate::compat::{Program, Suite, tap};
use crate::musl::{self, Compiler};
use crate::project::Project;
use crate::ui::Ui;

const FOLDER: &str = "compat-tests";

/// What a shell does first: /tmp has neither devices nor set-user-id programs, so there is a tmpfs that has.
const SETUP: &str = "mountpoint -q /mnt || mount -t tmpfs -o mode=1777 tmpfs /mnt; export TMPDIR=/mnt; exec";

/// How long a program may take; most need a second.
const LIMIT: Duration = Duration::from_secs(60);

/// Compiles the programs.
pub fn prepare(project: &Project, ui: &Ui) -> Result<Suite> {
    let folder = project.root().join(FOLDER);
    let compiler = Compiler::find(project, ui)?;
    let mut suite = Suite { name: "own", additions: Vec::new(), programs: Vec::new(), flawless: true };
    let words: Vec<&str> = musl::FLAGS.into_iter().chain([SETUP]).collect();
    for source in musl::sources_in(&folder)? {
        let name = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let headers = headers_of(&folder, &source)?;
        let depends: Vec<&Path> = headers.iter().map(AsRef::as_ref).collect();
        let built = compiler.cc(
            project,
            ui,
            &musl::Program { name: &name, sources: &[&source], depends: &depends, flags: &musl::FLAGS },
        )?;
        let made_of: Vec<&Path> = [&*source].into_iter().chain(depends).collect();
        let guest = format!("/opt/compat/{name}");
        suite.programs.push(Program {
            command: format!("{SETUP} {guest}"),
            limit: LIMIT,
            content: content_of(&made_of, &words)?,
            read: tap::read,
            name,
        });
        suite.additions.push((built, guest));
    }
    Ok(suite)
}

/// The headers beside a program that it includes, in that order.
fn headers_of(folder: &Path, source: &Path) -> Result<Vec<PathBuf>> {
    let text = fs::read_to_string(source).with_context(|| format!("cannot read {}", source.display()))?;
    Ok(included(&text).map(|name| folder.join(name)).collect())
}

fn included(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.strip_prefix("#include \"")?.split('"').next())
}

#[cfg(test)]
mod tests {
    use super::included;

    #[test]
    fn the_headers_of_a_program_are_those_in_quotes() {
        let text = "#include \"tap.h\"\n#include <stdio.h>\n// #include \"other.h\"\n#include \"more.h\"\n";
        assert_eq!(included(text).collect::<Vec<_>>(), ["tap.h", "more.h"]);
    }
}
