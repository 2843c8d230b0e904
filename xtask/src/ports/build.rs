//! Building a port: in a clean folder, once for each content.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result};
use initramfs::Archive;
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use super::install;
use super::recipe::Recipe;
use super::scratch::Scratch;
use super::source;
use crate::exec;
use crate::musl::{self, Compiler};
use crate::packages::{self, Package};
use crate::project::Project;
use crate::ui::Ui;

/// Counted up when the same recipe gives another result because this module has changed.
const BUILDER: &str = "1";

const PACKAGES: [Package; 6] = [
    Package { name: "bzip2", proof: "/usr/bin/bzip2" },
    Package { name: "gcc", proof: "/usr/bin/gcc" },
    Package { name: "libc6-dev", proof: "/usr/include/stdio.h" },
    Package { name: "make", proof: "/usr/bin/make" },
    Package { name: "patch", proof: "/usr/bin/patch" },
    Package { name: "xz-utils", proof: "/usr/bin/xz" },
];

/// Where a step's programs are found, whatever the user's own settings.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A built port.
pub struct Built {
    /// What it installs, as it is in the guest, and what it keeps for the host.
    pub root: PathBuf,
    /// Its recipe.
    pub recipe: Recipe,
}

impl Built {
    /// Adds what the port installs to an archive.
    pub fn pack(&self, archive: &mut Archive) -> Result<()> {
        let kept = |name: &OsStr| self.recipe.keeps.iter().any(|keep| *name == *keep.name);
        initramfs::tree::add_except(archive, &self.root, "/", kept)
    }
}

/// Where the build of a recipe ends up, found from what goes into it: the recipe (but for what only describes it or tests the
/// result), the other files of its folder, the compiler.
fn destination(project: &Project, folder: &Path, recipe: &Recipe, compiler: &Compiler) -> Result<PathBuf> {
    let Recipe { name, version, summary: _, licence: _, needs, sources, patches, .. } = recipe;
    let Recipe { steps, installs, keeps, test: _, .. } = recipe;
    let mut hash = Sha256::new();
    hash.update(format!("{BUILDER} {}", compiler.version()));
    hash.update(format!(
        "{name} {version} {needs:?} {sources:?} {patches:?} {steps:?} {installs:?} {keeps:?}"
    ));
    for file in WalkDir::new(folder).sort_by_file_name() {
        let file = file.context("cannot read a port's folder")?;
        if file.file_type().is_file() && file.file_name() != "port.toml" {
            let content =
                fs::read(file.path()).with_context(|| format!("cannot read {}", file.path().display()))?;
            hash.update(file.path().strip_prefix(folder)?.as_os_str().as_encoded_bytes());
            hash.update([0]);
            hash.update(content.len().to_le_bytes());
            hash.update(content);
        }
    }
    let key = musl::hex(&hash.finalize());
    Ok(project.cache("ports")?.join(format!("{name}-{version}-{}", &key[..16])))
}

/// Builds the port in `folder`, or finds it in the cache.
pub fn build(project: &Project, ui: &Ui, folder: &Path) -> Result<Built> {
    let recipe = Recipe::read(folder)?;
    let compiler = Compiler::find(project, ui)?;
    let root = destination(project, folder, &recipe, &compiler)?;
    if !root.exists() {
        let _lock = project.lock_visibly(ui, &format!("the port {}", recipe.name))?;
        if !root.exists() {
            make(project, ui, folder, &recipe, &compiler, &root)
                .with_context(|| format!("cannot build the port `{}`", recipe.name))?;
        }
    }
    Ok(Built { root, recipe })
}

/// Builds the port in a folder of its own and moves the result to `root`.
fn make(
    project: &Project,
    ui: &Ui,
    folder: &Path,
    recipe: &Recipe,
    compiler: &Compiler,
    root: &Path,
) -> Result<()> {
    packages::ensure(project, ui, &PACKAGES)?;
    let needs: Vec<_> = recipe.needs.iter().map(|need| (&*need.package, &*need.proof)).collect();
    packages::ensure_pairs(project, ui, &needs)?;
    let (source, archive) = source::fetch(project, ui, recipe)?;

    // Its name is the same at each build, as some programs write it into what they compile.
    let work = Scratch::new(root.with_file_name(format!(".work-{}", recipe.name)))?;
    let work = work.path();
    let [unpacked, home, made] = ["source", "home", "root"].map(|name| work.join(name));
    for folder in [&unpacked, &home, &made] {
        fs::create_dir(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let log = project.log(&format!("port-{}", recipe.name))?;
    let _ = fs::remove_file(&log);
    let run = |name: &str, command| {
        let step = ui.step(format!("Building {} {}: {name}", recipe.name, recipe.version));
        exec::run(command, &log, &step).with_context(|| format!("its step `{name}` failed"))?;
        step.done();
        anyhow::Ok(())
    };

    let mut unpack = exec::command("tar");
    unpack.args(["--no-same-owner", "-xf"]).arg(&archive).arg("-C").arg(&unpacked);
    run("unpack", unpack)?;
    let sources = top(&unpacked)?.join(source.folder());
    for name in &recipe.patches {
        let mut patch = exec::command("patch");
        patch.args(["-p1", "--input"]).arg(folder.join(name)).current_dir(&sources);
        run(name, patch)?;
    }
    let processes = thread::available_parallelism().map_or(1, usize::from);
    for step in &recipe.steps {
        let script = work.join("step");
        fs::write(&script, &step.run).with_context(|| format!("cannot write {}", script.display()))?;
        let mut shell = exec::command("/bin/sh");
        shell.arg("-eux").arg(&script).current_dir(&sources).env_clear();
        shell.env("CC", compiler.words()).env("HOSTCC", "gcc").env("JOBS", processes.to_string());
        shell.env("PORT", folder).env("HOME", &home).env("PATH", PATH);
        shell.env("LC_ALL", "C").env("TZ", "UTC").env("SOURCE_DATE_EPOCH", "0");
        run(&step.name, shell)?;
    }
    install::install(recipe, &sources, &made).context("its files cannot be installed")?;
    fs::rename(&made, root).with_context(|| format!("cannot create {}", root.display()))
}

/// The folder that an archive was packed from: the one that it unpacked to, or where it was unpacked when there are several.
fn top(unpacked: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(unpacked).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let entries = entries.with_context(|| format!("cannot read {}", unpacked.display()))?;
    match &entries[..] {
        [only] if only.path().is_dir() => Ok(only.path()),
        _ => Ok(unpacked.to_owned()),
    }
}
