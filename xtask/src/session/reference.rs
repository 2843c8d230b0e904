//! What Linux gave for the shell session, kept in the repository.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::guest::Captured;
use crate::project::Project;

/// The reference, as it was written.
pub struct Reference {
    /// Where it comes from.
    pub taken: Taken,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

/// Where a reference comes from.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// The version of the kernel that gave it.
    pub kernel: String,
    /// SHA-256 of the script.
    pub script: String,
    /// The status that the session ended with.
    pub status: u8,
}

impl Reference {
    /// What one run on Linux gave.
    pub fn new(kernel: &str, script: &str, captured: Captured) -> Self {
        let taken =
            Taken { kernel: kernel.to_owned(), script: digest(script), status: captured.end.status() };
        Self { taken, stdout: captured.stdout, stderr: captured.stderr }
    }

    /// Reads it from the checkout.
    pub fn read(project: &Project) -> Result<Self> {
        let text = read(project, "taken.toml")?;
        let taken = toml::from_slice(&text).context("the reference's taken.toml is wrong")?;
        Ok(Self { taken, stdout: read(project, "stdout")?, stderr: read(project, "stderr")? })
    }

    /// Writes it into the checkout.
    pub fn write(&self, project: &Project) -> Result<()> {
        let taken = toml::to_string(&self.taken).context("cannot write taken.toml")?;
        for (name, content) in
            [("taken.toml", taken.as_bytes()), ("stdout", &self.stdout), ("stderr", &self.stderr)]
        {
            let path = path(project, name);
            fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// Checks that it is this script's.
    pub fn check_script(&self, script: &str) -> Result<()> {
        if self.taken.script != digest(script) {
            bail!("the script has changed since; type: cargo xtask session shell --retake");
        }
        Ok(())
    }
}

fn digest(script: &str) -> String {
    Sha256::digest(script).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn path(project: &Project, name: &str) -> PathBuf {
    project.root().join("compat-tests/session/reference").join(name)
}

fn read(project: &Project, name: &str) -> Result<Vec<u8>> {
    let path = path(project, name);
    fs::read(&path).with_context(|| {
        format!("there is no reference {}; type: cargo xtask session shell --retake", path.display())
    })
}
