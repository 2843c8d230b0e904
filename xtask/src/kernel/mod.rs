//! Building the kernel.

mod appendix;

pub use appendix::loadable;

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::exec;
use crate::project::Project;
use crate::toolchain::{self, TARGET, Toolchain};
use crate::ui::Ui;

/// What `build` takes.
#[derive(clap::Args)]
pub struct BuildArguments {
    /// Build with overflow checks and debug assertions
    #[arg(long)]
    debug: bool,
}

impl BuildArguments {
    /// The profile that was asked for.
    pub fn profile(&self) -> Profile {
        if self.debug { Profile::Dev } else { Profile::Release }
    }
}

/// How the kernel is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// A little optimised, with every check.
    Dev,
    /// Optimised.
    Release,
}

/// Builds the kernel and gives the path of its ELF image.
pub fn build(project: &Project, ui: &Ui, profile: Profile) -> Result<PathBuf> {
    let _lock = project.lock_target("kernel")?;
    compile(project, ui, profile, "kernel", &[])
}

/// Builds an image that tests hal in place of running the kernel, and gives its path.
pub fn build_self_test(project: &Project, ui: &Ui, profile: Profile) -> Result<PathBuf> {
    let _lock = project.lock_target("kernel")?;
    compile(project, ui, profile, "self-test", &["--features", "self-test"])
}

/// Compiles the package `image` and gives it tables of its symbols and relocations. The caller holds the lock.
fn compile(project: &Project, ui: &Ui, profile: Profile, what: &str, features: &[&str]) -> Result<PathBuf> {
    let toolchain = Toolchain::find(project, ui)?;
    let (name, folder) = match profile {
        Profile::Dev => ("dev", "debug"),
        Profile::Release => ("release", "release"),
    };
    let log = project.log(&format!("{what}-{name}"))?;
    let _ = std::fs::remove_file(&log);
    let step = ui.step(format!("Building the {what} ({name})"));
    let mut command = toolchain.cargo(project, "build");
    command.args(["--package", "image", "--profile", name]).args(features);
    exec::run(command, &log, &step).with_context(|| format!("the {what} does not build"))?;
    let folder = toolchain.target_dir(project).join(TARGET).join(folder);
    let linked = toolchain::require(folder.join("image"))?;
    // Cargo keeps what it linked; a changed copy has a name of its own.
    let finished = folder.join(what);
    appendix::append(&linked, &finished)?;
    step.done();
    Ok(finished)
}
