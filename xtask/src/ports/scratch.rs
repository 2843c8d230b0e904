//! A folder for work in progress.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// An empty folder under a fixed name, which goes however the work ends.
///
/// The name is fixed, and its user holds a lock, so that the folder of an xtask that was killed is found and removed by
/// the next one.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes the folder, removing what a killed xtask left there.
    pub fn new(path: PathBuf) -> Result<Self> {
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
