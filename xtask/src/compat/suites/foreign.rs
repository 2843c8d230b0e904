//! Static programs that nobody here built, at work: `compat-tests/foreign/NAME.*` says what each does.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::content_of;
use crate::compat::{Program, Suite, lines};
use crate::foreign::{self, Registry};
use crate::project::Project;
use crate::ui::Ui;

const FOLDER: &str = "compat-tests/foreign";
const GUEST: &str = "/opt/foreign";
const LIMIT: Duration = Duration::from_secs(120);

/// A program and what runs it.
struct Published {
    registry: Registry,
    package: &'static str,
    program: &'static str,
    /// Which program reads the script, with its options.
    reader: &'static str,
    script: &'static str,
}

const fn shell(
    package: &'static str,
    program: &'static str,
    reader: &'static str,
    script: &'static str,
) -> Published {
    Published { registry: Registry::Debian, package, program, reader, script }
}

const fn tool(package: &'static str, program: &'static str, script: &'static str) -> Published {
    Published { registry: Registry::Pypi, package, program, reader: "sh", script }
}

/// Shells with glibc; two programs in Go; four in Rust with musl.
const PROGRAMS: [Published; 8] = [
    shell("bash-static", "bash-static", "bash-static", "bash.sh"),
    shell("zsh-static", "zsh-static", "zsh-static -f", "zsh.zsh"),
    shell("busybox-static", "busybox", "/opt/foreign/busybox sh", "busybox.sh"),
    tool("shfmt-py", "shfmt", "shfmt.sh"),
    tool("go-task-bin", "task", "task.sh"),
    tool("eza-bin", "eza", "eza.sh"),
    tool("typos", "typos", "typos.sh"),
    tool("rust-just", "just", "just.sh"),
];

/// What a shell does before the script: a folder of its own, and `/dev/fd`, which the kernel does not make.
const SETUP: &str = "[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd; d=$(mktemp -d) && cd $d && \
                     export PATH=/opt/foreign:$PATH TZ=UTC HOME=$d; exec";

/// Fetches the programs. What its registry does not give today is left out, with a line that says so.
pub fn prepare(project: &Project, ui: &Ui) -> Result<Suite> {
    let folder = project.root().join(FOLDER);
    let mut suite = Suite { name: "foreign", additions: Vec::new(), programs: Vec::new(), flawless: false };
    for Published { registry, package, program, reader, script } in &PROGRAMS {
        let found = match foreign::find(project, ui, registry, package, program) {
            Ok(found) => found,
            Err(error) => {
                ui.line(&format!("SKIPPED: foreign/{program}: {error:#}"));
                continue;
            }
        };
        let path = folder.join(script);
        let command = format!("{SETUP} {reader} {GUEST}/scripts/{script}");
        suite.programs.push(Program {
            name: (*program).to_owned(),
            content: content_of(&[&found, Path::new(&path)], &[&command])?,
            command,
            limit: LIMIT,
            read: lines::read,
        });
        suite.additions.push((found, format!("{GUEST}/{program}")));
        suite.additions.push((path, format!("{GUEST}/scripts/{script}")));
    }
    ensure!(!suite.programs.is_empty(), "no registry gives any of the programs");
    Ok(suite)
}
