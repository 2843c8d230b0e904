//! Debian packages, binary and source, fetched by name without being installed.
//!
//! apt does it, with a configuration and package lists of our own in the cache: they are derived from the machine's own
//! sources (so a mirror or a proxy that the machine uses is used here too), with source packages switched on. Nothing on
//! the machine changes, and no privilege is needed.

mod sources;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::statvfs;

use crate::exec;
use crate::project::Project;
use crate::ui::Ui;

/// The space that the lists need while they are fetched and unpacked, generously.
const LISTS_BYTES: u64 = 150_000_000;

/// apt with lists of our own.
pub struct Apt {
    project: Project,
    folder: PathBuf,
    log: PathBuf,
}

impl Apt {
    /// Prepares the lists, fetching them when there are none or when the machine's sources have changed.
    ///
    /// # Errors
    /// The machine has no apt, names no sources, or they cannot be reached.
    pub fn open(project: &Project, ui: &Ui) -> Result<Self> {
        if !Path::new("/usr/bin/apt-get").exists() {
            bail!("this machine has no apt-get to fetch Debian packages with");
        }
        let apt =
            Self { project: project.clone(), folder: project.cache("apt")?, log: project.log("apt-fetch")? };
        let _lock = apt.lock()?;
        let found = sources::machine()?;
        let list = apt.folder.join("sources.list.d/machine.sources");
        if fs::read_to_string(&list).is_ok_and(|old| old == found) {
            return Ok(apt);
        }
        for folder in ["sources.list.d", "lists/partial", "cache/archives/partial"] {
            let folder = apt.folder.join(folder);
            fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        // Written under its own name only when the lists are there: an interrupted fetch is begun again.
        let new = list.with_file_name("new.sources");
        fs::write(&new, found).with_context(|| format!("cannot write {}", new.display()))?;
        let _ = fs::remove_file(&list);
        apt.update(ui)?;
        fs::rename(&new, &list).with_context(|| format!("cannot create {}", list.display()))?;
        Ok(apt)
    }

    /// One of apt's programs, working with our lists.
    pub fn tool(&self, program: &str) -> Command {
        let mut command = exec::command(program);
        for (option, folder) in [
            ("Dir::Etc::sourceparts", "sources.list.d"),
            ("Dir::State::lists", "lists"),
            ("Dir::Cache", "cache"),
        ] {
            command.arg("-o").arg(format!("{option}={}", self.folder.join(folder).display()));
        }
        // Root's apt would otherwise become a user who may not be able to enter our folder.
        command.args(["-o", "Dir::Etc::sourcelist=/dev/null", "-o", "APT::Sandbox::User=root"]);
        command
    }

    /// Downloads a binary package into `folder` and gives the path of its `.deb` file.
    pub fn binary(&self, ui: &Ui, package: &str, folder: &Path) -> Result<PathBuf> {
        self.download(ui, package, &["download", package], folder)?;
        let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let mut files = entries.flatten().map(|entry| entry.path());
        let found = files.find(|path| path.extension().is_some_and(|extension| extension == "deb"));
        found.with_context(|| format!("apt-get downloaded `{package}`, but left no .deb file"))
    }

    /// The packages that a binary package cannot be installed without.
    pub fn dependencies(&self, package: &str) -> Result<Vec<String>> {
        let mut command = self.tool("apt-cache");
        command.args(["depends", "--important", package]);
        let text =
            exec::output(command).with_context(|| format!("apt does not know the package `{package}`"))?;
        let names = text.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
        Ok(names.map(str::to_owned).collect())
    }

    /// Downloads all files of a source package into `folder`.
    pub fn source(&self, ui: &Ui, package: &str, folder: &Path) -> Result<()> {
        self.download(ui, package, &["source", "--download-only", "--only-source", package], folder)
    }

    /// Runs apt-get in `folder`; when it fails, once more with fresh lists: an archive drops versions it has replaced.
    fn download(&self, ui: &Ui, package: &str, words: &[&str], folder: &Path) -> Result<()> {
        let attempt = || {
            let step = ui.step(format!("Fetching the Debian package {package}"));
            let mut command = self.tool("apt-get");
            command.args(words).current_dir(folder);
            exec::run(command, &self.log, &step)?;
            step.done();
            anyhow::Ok(())
        };
        if attempt().is_ok() {
            return Ok(());
        }
        {
            let _lock = self.lock()?;
            self.update(ui)?;
        }
        attempt().with_context(|| format!("cannot fetch the Debian package `{package}`"))
    }

    /// Keeps other xtasks from fetching lists: apt refuses to begin while another apt does.
    fn lock(&self) -> Result<File> {
        self.project.lock("apt-lists")
    }

    /// Fetches the lists; the caller holds the lock.
    fn update(&self, ui: &Ui) -> Result<()> {
        // On a full disk apt does not fail, but tries again for many minutes.
        let free = statvfs(&self.folder).context("cannot ask for the free space of the cache")?;
        let free = free.f_bavail.saturating_mul(free.f_frsize);
        ensure!(
            free >= LISTS_BYTES,
            "Debian's lists of packages need {} MB, but {} has only {} MB left",
            LISTS_BYTES / 1_000_000,
            self.folder.display(),
            free / 1_000_000
        );
        let step = ui.step("Fetching Debian's lists of packages");
        let mut command = self.tool("apt-get");
        command.arg("update");
        exec::run(command, &self.log, &step).context("cannot fetch the lists of packages")?;
        // A source that cannot be reached is no error to apt. One of several need not be; all of them are.
        let lists = self.folder.join("lists");
        let entries = fs::read_dir(&lists).with_context(|| format!("cannot read {}", lists.display()))?;
        if !entries.flatten().any(|entry| entry.file_name().to_string_lossy().contains("_Packages")) {
            bail!(
                "no list of packages could be fetched; the end of {}:\n{}",
                self.log.display(),
                exec::tail(&self.log)
            );
        }
        step.done();
        Ok(())
    }
}

/// Unpacks a `.deb` file's content into `folder`, which is made.
pub fn unpack(package: &Path, folder: &Path) -> Result<()> {
    let mut command = exec::command("dpkg-deb");
    command.arg("--extract").arg(package).arg(folder);
    exec::output(command).map(drop).with_context(|| format!("cannot unpack {}", package.display()))
}
