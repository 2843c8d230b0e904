//! The part of Linux's source that holds its own tests, from Debian's package, unpacked once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::debian::{self, Apt};
use crate::exec;
use crate::packages::{self, Package};
use crate::project::Project;
use crate::ui::Ui;

const PACKAGE: &str = "linux-source-6.1";

/// What is unpacked of the 1.3 GB.
const PARTS: [&str; 2] = ["tools/include", "tools/testing/selftests"];

const TOOLS: [Package; 1] = [Package { name: "xz-utils", proof: "/usr/bin/xz" }];

/// The source of Linux's tests.
pub struct LinuxSource {
    /// The folder that holds `tools`.
    pub root: PathBuf,
}

/// Finds the source in the cache, or fetches it.
///
/// # Errors
/// The package cannot be fetched or unpacked, or lacks what is needed.
pub fn find(project: &Project, ui: &Ui) -> Result<LinuxSource> {
    let home = project.cache("linux-source")?;
    let root = home.join(PACKAGE);
    if root.is_dir() {
        return Ok(LinuxSource { root });
    }
    let _lock = project.lock("linux-source")?;
    if !root.is_dir() {
        packages::ensure(project, ui, &TOOLS)?;
        let work = tempfile::Builder::new().prefix(".unfinished-").tempdir_in(&home);
        let work = work.with_context(|| format!("cannot create a folder in {}", home.display()))?;
        fetch(project, ui, work.path(), &root).with_context(|| format!("cannot get {PACKAGE}"))?;
    }
    Ok(LinuxSource { root })
}

fn fetch(project: &Project, ui: &Ui, work: &Path, root: &Path) -> Result<()> {
    let package = Apt::open(project, ui)?.binary(ui, PACKAGE, work)?;
    let step = ui.step(format!("Unpacking the tests of {PACKAGE}"));
    let unpacked = work.join("package");
    debian::unpack(&package, &unpacked)?;
    let archive = unpacked.join(format!("usr/src/{PACKAGE}.tar.xz"));
    ensure!(archive.is_file(), "the package holds no {PACKAGE}.tar.xz");
    let mut tar = exec::command("tar");
    tar.arg("--extract").arg("--file").arg(&archive).arg("--directory").arg(work);
    tar.args(PARTS.map(|part| format!("{PACKAGE}/{part}")));
    exec::run(tar, &project.log(PACKAGE)?, &step)?;
    let source = work.join(PACKAGE);
    fs::rename(&source, root).with_context(|| format!("cannot create {}", root.display()))?;
    step.done();
    Ok(())
}
