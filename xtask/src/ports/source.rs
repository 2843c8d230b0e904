//! Fetching a port's sources: from the first place that has them, checked, kept by checksum.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::recipe::{Recipe, Source};
use super::scratch::Scratch;
use crate::debian::Apt;
use crate::exec;
use crate::musl::hex;
use crate::packages::{self, Package};
use crate::project::Project;
use crate::ui::Ui;

/// Gives the archive of the first source that can be had, and that source. The caller holds the port's lock.
///
/// # Errors
/// None can be had: the message has a line for each.
pub fn fetch<'a>(project: &Project, ui: &Ui, recipe: &'a Recipe) -> Result<(&'a Source, PathBuf)> {
    let mut failures = Vec::new();
    for source in &recipe.sources {
        match fetch_one(project, ui, recipe, source) {
            Ok(path) => return Ok((source, path)),
            Err(error) => failures.push(format!("{source}: {error:#}")),
        }
    }
    bail!("none of its sources can be had:\n{}", failures.join("\n"))
}

fn fetch_one(project: &Project, ui: &Ui, recipe: &Recipe, source: &Source) -> Result<PathBuf> {
    let store = project.cache("sources")?;
    let kept = store.join(source.sha256());
    if kept.exists() {
        return Ok(kept);
    }
    let folder = Scratch::new(store.join(format!(".fetch-{}", recipe.name)))?;
    let file = match source {
        Source::Debian { package, file, .. } => debian(project, ui, package, file, folder.path())?,
        Source::Crate { name, version, .. } => registry(project, ui, name, version, folder.path())?,
        Source::Url { url, .. } => upstream(project, ui, recipe, url, folder.path())?,
    };
    check(&file, source.sha256())?;
    fs::rename(&file, &kept).with_context(|| format!("cannot create {}", kept.display()))?;
    Ok(kept)
}

fn debian(project: &Project, ui: &Ui, package: &str, file: &str, folder: &Path) -> Result<PathBuf> {
    Apt::open(project, ui)?.source(ui, package, folder)?;
    let path = folder.join(file);
    if !path.is_file() {
        let mut names: Vec<_> = fs::read_dir(folder)?.flatten().map(|e| e.file_name()).collect();
        names.sort();
        let names: Vec<_> = names.iter().map(|name| name.to_string_lossy()).collect();
        bail!("this machine's archive has another version of it: {}", names.join(", "));
    }
    Ok(path)
}

/// Lets cargo download a crate, and copies the file out of cargo's own cache.
fn registry(project: &Project, ui: &Ui, name: &str, version: &str, folder: &Path) -> Result<PathBuf> {
    let manifest = folder.join("Cargo.toml");
    let text = format!(
        "[package]\nname = \"fetch\"\nedition = \"2021\"\n[lib]\npath = \"lib.rs\"\n[workspace]\n\
         [dependencies]\n{name} = {{ version = \"={version}\", default-features = false }}\n"
    );
    fs::write(&manifest, text).with_context(|| format!("cannot write {}", manifest.display()))?;
    File::create(folder.join("lib.rs"))?;
    let mut command = exec::command("cargo");
    command.arg("fetch").arg("--manifest-path").arg(&manifest).current_dir(folder);
    let log = project.log(&format!("crate-{name}"))?;
    let step = ui.step(format!("Fetching the crate {name}"));
    exec::run(command, &log, &step)?;
    step.done();

    let home = match (env::var_os("CARGO_HOME"), env::var_os("HOME")) {
        (Some(home), _) => PathBuf::from(home),
        (None, Some(home)) => PathBuf::from(home).join(".cargo"),
        (None, None) => bail!("neither CARGO_HOME nor HOME says where cargo keeps crates"),
    };
    let caches = home.join("registry/cache");
    let wanted = format!("{name}-{version}.crate");
    for registry in fs::read_dir(&caches).with_context(|| format!("cannot read {}", caches.display()))? {
        let found = registry?.path().join(&wanted);
        if found.is_file() {
            let copy = folder.join(&wanted);
            fs::copy(&found, &copy).with_context(|| format!("cannot copy {}", found.display()))?;
            return Ok(copy);
        }
    }
    bail!("cargo fetched the crate, but {wanted} is not below {}", caches.display())
}

fn upstream(project: &Project, ui: &Ui, recipe: &Recipe, url: &str, folder: &Path) -> Result<PathBuf> {
    let needed = [
        Package { name: "curl", proof: "/usr/bin/curl" },
        Package { name: "ca-certificates", proof: "/etc/ssl/certs/ca-certificates.crt" },
    ];
    packages::ensure(project, ui, &needed)?;
    let file = folder.join("download");
    let mut command = exec::command("curl");
    command.args(["--fail", "--location", "--silent", "--show-error", "--connect-timeout", "20"]);
    command.arg("--output").arg(&file).arg(url);
    let step = ui.step(format!("Fetching {url}"));
    exec::run(command, &project.log(&format!("fetch-{}", recipe.name))?, &step)?;
    step.done();
    Ok(file)
}

/// Fails unless the file has this checksum.
fn check(file: &Path, expected: &str) -> Result<()> {
    let content = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let found = hex(&Sha256::digest(content));
    if found != expected {
        bail!("the checksum is wrong: the recipe says {expected}, the file has {found}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn only_the_right_checksum_passes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        // FIPS 180-2, appendix B.1.
        let right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        check(file.path(), right).unwrap();
        let wrong = right.replace("ba78", "ba79");
        let error = check(file.path(), &wrong).unwrap_err().to_string();
        assert!(error.contains(right) && error.contains(&wrong), "{error}");
    }
}
