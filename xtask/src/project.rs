//! The folders of the project: where sources are, and where everything made goes.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::ui::Ui;

/// The checkout that this xtask was built from.
#[derive(Clone)]
pub struct Project {
    root: PathBuf,
    cache: PathBuf,
}

impl Project {
    /// Finds the checkout and makes its folder for built things.
    ///
    /// `SERIX_CACHE` names another folder for what is expensive to make (packages, ports, the reference kernel), so that
    /// several checkouts can share it; everything in it is found by content, so sharing is safe.
    pub fn find() -> Result<Self> {
        let root = fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
            .context("the checkout that xtask was built from is gone")?;
        let cache = match env::var_os("SERIX_CACHE") {
            Some(folder) => PathBuf::from(folder),
            None => root.join("target/serix"),
        };
        fs::create_dir_all(&cache).with_context(|| format!("cannot create {}", cache.display()))?;
        let cache = fs::canonicalize(&cache).with_context(|| format!("cannot use {}", cache.display()))?;
        Ok(Self { root, cache })
    }

    /// Another checkout, at `root`, with this one's cache.
    pub fn copy_at(&self, root: PathBuf) -> Self {
        Self { root, cache: self.cache.clone() }
    }

    /// The top folder of the checkout.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's folder for what it builds.
    pub fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// A folder below the cache, created when missing.
    pub fn cache(&self, name: &str) -> Result<PathBuf> {
        let folder = self.cache.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(folder)
    }

    /// The path of the log file of a piece of work, in this checkout; `/` and spaces in `name` become dashes.
    pub fn log(&self, name: &str) -> Result<PathBuf> {
        let folder = self.target().join("log");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(folder.join(format!("{}.log", name.replace(['/', ' '], "-"))))
    }

    /// Waits until no other xtask works on `what`, and keeps others out until the guard is dropped.
    pub fn lock(&self, what: &str) -> Result<File> {
        let (path, file) = self.lock_file(what)?;
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(file)
    }

    /// Like [`Self::lock`], for work of minutes: shows that it waits.
    pub fn lock_visibly(&self, ui: &Ui, what: &str) -> Result<File> {
        let (path, file) = self.lock_file(what)?;
        if file.try_lock().is_err() {
            let step = ui.step(format!("Waiting for another xtask that works on {what}"));
            file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
            step.done();
        }
        Ok(file)
    }

    /// Like [`Self::lock`], among those who work in this checkout: for what lies in its `target`.
    pub fn lock_target(&self, what: &str) -> Result<File> {
        let path = self.target().join(format!("{what}.lock"));
        let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(file)
    }

    fn lock_file(&self, what: &str) -> Result<(PathBuf, File)> {
        let path = self.cache("lock")?.join(what.replace(['/', ' '], "-"));
        let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok((path, file))
    }
}
