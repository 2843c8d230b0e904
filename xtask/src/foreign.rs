//! Programs that nobody here built, as their publishers give them: files of Debian's packages and of PyPI's wheels.
//!
//! Each is fetched once by its package's name, in the version that the registry gives then, and kept.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use object::Endianness;
use object::elf::{FileHeader64, PT_INTERP};
use object::read::elf::{FileHeader, ProgramHeader};
use walkdir::WalkDir;

use crate::debian::{self, Apt};
use crate::exec;
use crate::packages::{self, Package};
use crate::project::Project;
use crate::ui::Ui;

/// Where a program is published.
pub enum Registry {
    /// A binary package of Debian.
    Debian,
    /// A wheel of PyPI, for musl where there is one.
    Pypi,
}

/// The kinds of wheels that may hold a static program, the best first.
const PLATFORMS: [&str; 4] =
    ["musllinux_1_2_x86_64", "musllinux_1_1_x86_64", "manylinux2014_x86_64", "manylinux_2_17_x86_64"];

const PIP: Package = Package { name: "python3-pip", proof: "/usr/lib/python3/dist-packages/pip/__init__.py" };

/// Gives the file called `program` of a package, fetching it the first time.
///
/// # Errors
/// The package cannot be fetched or unpacked, or holds no such static program.
pub fn find(
    project: &Project,
    ui: &Ui,
    registry: &Registry,
    package: &str,
    program: &str,
) -> Result<PathBuf> {
    let kept = project.cache("foreign")?.join(program);
    if kept.is_file() {
        return Ok(kept);
    }
    let _lock = project.lock("foreign")?;
    if !kept.is_file() {
        let work = tempfile::Builder::new().prefix(".unfinished-").tempdir_in(project.cache("foreign")?)?;
        let unpacked = work.path().join("unpacked");
        match registry {
            Registry::Debian => {
                let file = Apt::open(project, ui)?.binary(ui, package, work.path())?;
                debian::unpack(&file, &unpacked)?;
            }
            Registry::Pypi => wheel(project, ui, package, work.path(), &unpacked)?,
        }
        let found = named(&unpacked, program)?;
        fs::set_permissions(&found, fs::Permissions::from_mode(0o755))
            .and_then(|()| fs::rename(&found, &kept))
            .with_context(|| format!("cannot create {}", kept.display()))?;
    }
    Ok(kept)
}

/// Lets pip download a wheel, and unpacks it: a wheel is a zip archive.
fn wheel(project: &Project, ui: &Ui, package: &str, folder: &Path, unpacked: &Path) -> Result<()> {
    let mut asked = exec::command("python3");
    asked.args(["-m", "pip", "--version"]);
    if exec::output(asked).is_err() {
        packages::ensure(project, ui, &[PIP])?;
    }
    let mut pip = exec::command("python3");
    pip.args(["-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--dest"]).arg(folder);
    for platform in PLATFORMS {
        pip.args(["--platform", platform]);
    }
    pip.arg(package);
    let step = ui.step(format!("Fetching the wheel {package}"));
    exec::run(pip, &project.log("wheel")?, &step)?;
    let wheel = fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .with_context(|| format!("pip downloaded `{package}`, but left no wheel"))?;
    let mut unzip = exec::command("python3");
    unzip.args(["-m", "zipfile", "--extract"]).arg(wheel).arg(unpacked);
    exec::run(unzip, &project.log("wheel")?, &step)?;
    step.done();
    Ok(())
}

/// The static program of this name; packages have other files of that name, too.
fn named(folder: &Path, program: &str) -> Result<PathBuf> {
    for entry in WalkDir::new(folder) {
        let entry = entry.context("cannot read what was unpacked")?;
        if entry.file_type().is_file() && entry.file_name() == program && is_static(entry.path())? {
            return Ok(entry.into_path());
        }
    }
    bail!("the package holds no static program `{program}`")
}

/// Whether it is an ELF program that asks for no interpreter.
fn is_static(path: &Path) -> Result<bool> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let Ok(header) = FileHeader64::<Endianness>::parse(&*bytes) else { return Ok(false) };
    let Ok(endian) = header.endian() else { return Ok(false) };
    let parts = header.program_headers(endian, &*bytes);
    Ok(parts.is_ok_and(|parts| parts.iter().all(|part| part.p_type(endian) != PT_INTERP)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_among_files_of_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let make = |place: &str, content: &[u8]| {
            let path = folder.path().join(place);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        make("overrides/rg", b"a text");
        assert!(named(folder.path(), "rg").is_err());
        // An ELF header that says there are no program headers, hence no interpreter.
        let mut header = [0; 64];
        header[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        make("scripts/rg", &header);
        assert_eq!(named(folder.path(), "rg").unwrap(), folder.path().join("scripts/rg"));
    }
}
