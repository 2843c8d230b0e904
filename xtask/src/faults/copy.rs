//! The scratch copy of the checkout: faults are put into it, never into the checkout itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::list::Fault;
use crate::exec;
use crate::project::Project;

/// Where it is, below `target`. It stays from one run to the next, with what was built in it.
const FOLDER: &str = "faults/tree";

/// How the kernel is built in the checkout, and in the copy: there it is built for each fault, and only has to do the same.
const PROFILE: [&str; 2] =
    ["lto = \"thin\"\ncodegen-units = 4\n", "lto = false\ncodegen-units = 16\nincremental = true\n"];

/// Brings the copy up to date, and gives it as a project of its own. What did not change is not touched, so that cargo
/// builds only what has to be built.
///
/// # Errors
/// Git cannot list the checkout's files, or one cannot be copied.
pub fn refresh(project: &Project) -> Result<Project> {
    let root = project.target().join(FOLDER);
    let wanted = files(project.root(), &["--cached", "--others", "--exclude-standard"])?;
    for file in &wanted {
        let from = project.root().join(file);
        let Ok(mut content) = fs::read(&from) else { continue }; // listed, and deleted in the checkout
        if file == Path::new("Cargo.toml") {
            content = in_haste(&content)?;
        }
        let to = root.join(file);
        if fs::read(&to).is_ok_and(|there| there == content) {
            continue;
        }
        let folder = to.parent().unwrap_or(&root);
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        fs::write(&to, content).with_context(|| format!("cannot write {}", to.display()))?;
        fs::set_permissions(&to, fs::metadata(&from)?.permissions())?;
    }
    remove_strays(&root, project.root(), &wanted)?;
    let target = root.join("target");
    fs::create_dir_all(&target).with_context(|| format!("cannot create {}", target.display()))?;
    Ok(project.copy_at(root))
}

/// The workspace's manifest with [`PROFILE`] changed.
fn in_haste(manifest: &[u8]) -> Result<Vec<u8>> {
    let text = std::str::from_utf8(manifest).context("Cargo.toml is no text")?;
    ensure!(text.contains(PROFILE[0]), "Cargo.toml has another release profile than is expected here");
    Ok(text.replace(PROFILE[0], PROFILE[1]).into_bytes())
}

/// Removes from the copy what is no longer in the checkout.
fn remove_strays(copy: &Path, root: &Path, wanted: &BTreeSet<PathBuf>) -> Result<()> {
    let walk = walkdir::WalkDir::new(copy).into_iter();
    for entry in walk.filter_entry(|entry| entry.path() != copy.join("target")) {
        let entry = entry.context("cannot list the copy")?;
        let Ok(file) = entry.path().strip_prefix(copy) else { continue };
        if entry.file_type().is_file() && !(wanted.contains(file) && root.join(file).exists()) {
            fs::remove_file(entry.path()).with_context(|| format!("cannot remove {}", file.display()))?;
        }
    }
    Ok(())
}

fn files(root: &Path, which: &[&str]) -> Result<BTreeSet<PathBuf>> {
    let mut command = exec::command("git");
    command.current_dir(root).arg("ls-files").args(which).arg("-z");
    let list = exec::output(command).context("cannot list the checkout's files")?;
    Ok(list.split_terminator('\0').map(PathBuf::from).collect())
}

/// A fault in the copy, as long as this lives.
pub struct Planted {
    path: PathBuf,
    original: String,
}

impl Planted {
    /// Puts the fault in.
    ///
    /// # Errors
    /// It does not fit the file, or that cannot be written.
    pub fn new(copy: &Project, fault: &Fault) -> Result<Self> {
        let path = copy.root().join(&fault.file);
        let original =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let text = fault.apply(&original)?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path, original })
    }
}

impl Drop for Planted {
    /// Takes it out; where that fails, the next [`refresh`] does.
    fn drop(&mut self) {
        let _ = fs::write(&self.path, &self.original);
    }
}
