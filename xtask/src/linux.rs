//! The reference kernel: Debian's Linux 6.1 for virtual machines, downloaded and unpacked, never installed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::debian::{self, Apt};
use crate::project::Project;
use crate::ui::Ui;

/// The package that depends on the newest kernel of this kind.
const META: &str = "linux-image-cloud-amd64";

/// The series that Serix is compared with.
const SERIES: &str = "6.1.";

/// The reference kernel, ready to boot.
#[derive(Debug)]
pub struct Reference {
    /// Its `bzImage`.
    pub path: PathBuf,
    /// The version of Debian's package, such as `6.1.192-2`.
    pub version: String,
}

/// Gives the reference kernel, fetching it the first time.
///
/// # Errors
/// The package cannot be found, downloaded or unpacked, or this Debian has another series.
pub fn image(project: &Project, ui: &Ui) -> Result<Reference> {
    let folder = project.cache("linux")?;
    if let Some(reference) = cached(&folder)? {
        return Ok(reference);
    }
    let _lock = project.lock("linux")?;
    if let Some(reference) = cached(&folder)? {
        return Ok(reference);
    }
    let work = folder.join("partial");
    remove(&work)?;
    let fetched = fetch(project, ui, &work, &folder).context("cannot get the reference kernel");
    remove(&work)?;
    fetched
}

/// The newest kernel in the cache: a folder a version.
fn cached(folder: &Path) -> Result<Option<Reference>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry.with_context(|| format!("cannot read {}", folder.display()))?;
        let path = entry.path().join("vmlinuz");
        let version = entry.file_name().to_string_lossy().into_owned();
        if version.starts_with(SERIES)
            && let Ok(metadata) = fs::metadata(&path)
        {
            found.push((metadata.modified().ok(), Reference { path, version }));
        }
    }
    Ok(found.into_iter().max_by_key(|(modified, _)| *modified).map(|(_, reference)| reference))
}

/// Downloads and unpacks in `work`, and moves what is wanted to a folder of its own below `folder`.
fn fetch(project: &Project, ui: &Ui, work: &Path, folder: &Path) -> Result<Reference> {
    fs::create_dir(work).with_context(|| format!("cannot create {}", work.display()))?;
    let apt = Apt::open(project, ui)?;
    let package = newest(&apt)?;
    let downloaded = apt.binary(ui, &package, work).or_else(|error| {
        // The lists are fresh after a failure, and may name a newer kernel instead.
        let newer = newest(&apt)?;
        if newer == package { Err(error) } else { apt.binary(ui, &newer, work) }
    })?;

    let name = downloaded.file_name().unwrap_or_default().to_string_lossy();
    let Some(version) = name.split('_').nth(1).filter(|version| version.starts_with(SERIES)) else {
        bail!("{name} is not of the series {SERIES}*, which Serix is compared with");
    };
    let step = ui.step(format!("Unpacking {name}"));
    debian::unpack(&downloaded, &work.join("root"))?;
    let finished = work.join("finished");
    fs::create_dir(&finished).with_context(|| format!("cannot create {}", finished.display()))?;
    fs::rename(bootable(&work.join("root/boot"))?, finished.join("vmlinuz"))
        .context("cannot move the kernel")?;
    let home = folder.join(version);
    fs::rename(&finished, &home).with_context(|| format!("cannot create {}", home.display()))?;
    step.done();
    Ok(Reference { path: home.join("vmlinuz"), version: version.to_owned() })
}

/// The name of the package that holds the newest kernel.
fn newest(apt: &Apt) -> Result<String> {
    let names = apt.dependencies(META)?;
    let found = names.into_iter().find(|name| name.starts_with("linux-image-"));
    found.with_context(|| format!("{META} depends on no kernel"))
}

/// The kernel in an unpacked package's `boot`.
fn bootable(folder: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut found =
        entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("vmlinuz-"));
    match found.next() {
        Some(entry) => Ok(entry.path()),
        None => bail!("the package holds no kernel"),
    }
}

/// Removes a folder that may be there.
fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::cached;

    #[test]
    fn only_a_finished_kernel_of_the_series_counts() {
        let folder = tempfile::tempdir().unwrap();
        for (name, file) in [("partial", "vmlinuz"), ("6.12.1-1", "vmlinuz"), ("6.1.9-1", "something")] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join(file), "").unwrap();
        }
        assert!(cached(folder.path()).unwrap().is_none());
        fs::create_dir(folder.path().join("6.1.192-2")).unwrap();
        fs::write(folder.path().join("6.1.192-2/vmlinuz"), "").unwrap();
        assert_eq!(cached(folder.path()).unwrap().unwrap().version, "6.1.192-2");
    }
}
