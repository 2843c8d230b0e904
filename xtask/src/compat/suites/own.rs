//! This project's programs: each `compat-tests/NAME.c` is one.

use std::time::Duration;

use anyhow::Result;

use super::content_of;
use crate::compat::{Program, Suite, tap};
use crate::musl::{self, Compiler};
use crate::project::Project;
use crate::ui::Ui;

const FOLDER: &str = "compat-tests";
const HEADER: &str = "tap.h";

/// What a shell does first: /tmp has neither devices nor set-user-id programs, so there is a tmpfs that has.
const SETUP: &str = "mountpoint -q /mnt || mount -t tmpfs -o mode=1777 tmpfs /mnt; export TMPDIR=/mnt; exec";

/// How long a program may take; most need a second.
const LIMIT: Duration = Duration::from_secs(60);

/// Compiles the programs.
pub fn prepare(project: &Project, ui: &Ui) -> Result<Suite> {
    let folder = project.root().join(FOLDER);
    let header = folder.join(HEADER);
    let compiler = Compiler::find(project, ui)?;
    let mut suite = Suite { name: "own", additions: Vec::new(), programs: Vec::new(), flawless: true };
    let words: Vec<&str> = musl::FLAGS.into_iter().chain([SETUP]).collect();
    for source in musl::sources_in(&folder)? {
        let name = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let built = compiler.cc(
            project,
            ui,
            &musl::Program { name: &name, sources: &[&source], depends: &[&header], flags: &musl::FLAGS },
        )?;
        let guest = format!("/opt/compat/{name}");
        suite.programs.push(Program {
            command: format!("{SETUP} {guest}"),
            limit: LIMIT,
            content: content_of(&[&source, &header], &words)?,
            read: tap::read,
            name,
        });
        suite.additions.push((built, guest));
    }
    Ok(suite)
}
