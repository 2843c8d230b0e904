//! The ports: programs of others, each a folder below `ports/` with a recipe, its patches and its test.
//!
//! - [`recipe`] is the format of `port.toml`.
//! - [`source`] fetches the archive that the recipe names and checks it.
//! - [`build`] makes the port in a clean folder and keeps the result under a name that follows from its content.
//! - [`install`] moves what was made to the port's root.
//! - [`scratch`] is a folder for work in progress.
//! - [`test`] runs a port's own test in a guest.
//! - [`command`] is `cargo xtask port`.

mod build;
mod command;
mod install;
mod recipe;
mod scratch;
mod source;
mod test;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

pub use build::Built;
pub use command::{Command, carry_out};
pub use test::test;

use crate::project::Project;
use crate::ui::Ui;

/// Builds the port `name`, or finds it in the cache.
///
/// # Errors
/// There is no such port, its recipe is wrong, its sources cannot be had, or a step fails (its log is named).
pub fn build(project: &Project, ui: &Ui, name: &str) -> Result<Built> {
    build::build(project, ui, &existing(project, name)?)
}

/// The names of all ports, sorted.
pub fn names(project: &Project) -> Result<Vec<String>> {
    let ports = project.root().join("ports");
    let entries = fs::read_dir(&ports).with_context(|| format!("cannot read {}", ports.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", ports.display()))?;
        if entry.path().join("port.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The folder of the port `name`, whether there is one or not.
fn folder(project: &Project, name: &str) -> PathBuf {
    project.root().join("ports").join(name)
}

/// The folder of the port `name`, which there is.
fn existing(project: &Project, name: &str) -> Result<PathBuf> {
    let folder = folder(project, name);
    if !folder.join("port.toml").is_file() {
        bail!("there is no port `{name}`; there are: {}", names(project)?.join(", "));
    }
    Ok(folder)
}
