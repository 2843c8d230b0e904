//! A guest that waits for gdb: `run --gdb`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::project::Project;

/// The socket that QEMU listens at, and the script that connects with it. Both are removed at the end.
#[derive(Debug)]
pub struct Session {
    socket: PathBuf,
    script: PathBuf,
}

impl Session {
    /// Places for both below `target`, where only users of the checkout come.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn new(project: &Project) -> Result<Self> {
        let folder = project.target().join("gdb");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        sweep(&folder);
        let own = std::process::id();
        let [socket, script] = ["socket", "gdb"].map(|kind| folder.join(format!("{own}.{kind}")));
        Ok(Self { socket, script })
    }

    /// Where QEMU listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Writes the script for a kernel and gives its path.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_script(&self, kernel: &Path) -> Result<&Path> {
        fs::write(&self.script, super::for_guest(kernel, &self.socket))
            .with_context(|| format!("cannot write {}", self.script.display()))?;
        Ok(&self.script)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for path in [&self.socket, &self.script] {
            // What is not there needs no removing.
            let _ = fs::remove_file(path);
        }
    }
}

/// Removes what an xtask that was killed has left.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let owner = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if !Path::new("/proc").join(owner).exists() {
            let _ = fs::remove_file(&path); // somebody else may be as quick
        }
    }
}
