//! The Debian packages that a command needs: found, installed where that is allowed, or named in one command to type.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::exec;
use crate::project::Project;
use crate::ui::Ui;

/// A Debian package, and a file that is there once it is installed.
pub struct Package {
    /// The package's name.
    pub name: &'static str,
    /// The absolute path of a file that it installs.
    pub proof: &'static str,
}

/// QEMU for x86-64.
pub const QEMU: Package = Package { name: "qemu-system-x86", proof: "/usr/bin/qemu-system-x86_64" };

/// QEMU's windows.
pub const QEMU_WINDOW: Package =
    Package { name: "qemu-system-gui", proof: "/usr/lib/x86_64-linux-gnu/qemu/ui-gtk.so" };

/// UEFI's firmware for QEMU.
pub const OVMF: Package = Package { name: "ovmf", proof: "/usr/share/ovmf/OVMF.fd" };

/// Makes sure that every package is installed.
///
/// As root it installs what is missing; otherwise it fails with the command to type.
///
/// # Errors
/// The machine has no `apt-get`, the user may not install, or `apt-get` fails (its log's end is quoted).
pub fn ensure(project: &Project, ui: &Ui, packages: &[Package]) -> Result<()> {
    let pairs: Vec<_> = packages.iter().map(|package| (package.name, package.proof)).collect();
    ensure_pairs(project, ui, &pairs)
}

/// Like [`ensure`], for pairs of a package's name and a file of it that are known at run time only.
pub fn ensure_pairs(project: &Project, ui: &Ui, packages: &[(&str, &str)]) -> Result<()> {
    let missing = missing(packages);
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    let install = format!("apt-get install --no-install-recommends {list}");
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!(
            "this machine lacks what the Debian packages `{list}` hold, and has no apt-get to install them"
        );
    }
    if !rustix::process::geteuid().is_root() {
        bail!("packages are missing; type: sudo {install}");
    }

    let _lock = project.lock("apt")?;
    let log = project.log("apt")?;
    let step = ui.step(format!("Installing {list}"));
    refresh(&log, &step)?;
    let mut command = apt_get();
    command.args(["install", "--yes", "--no-install-recommends"]).args(&missing);
    exec::run(command, &log, &step)
        .with_context(|| format!("cannot install packages; what was tried: {install}"))?;
    step.done();
    let still = self::missing(packages);
    if !still.is_empty() {
        bail!("apt-get installed `{}`, but not the files that Serix needs of it", still.join(" "));
    }
    Ok(())
}

/// `apt-get` without questions, waiting for another one to finish.
pub fn apt_get() -> std::process::Command {
    let mut command = exec::command("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args(["-o", "DPkg::Lock::Timeout=600"]);
    command
}

/// Fetches the package lists; a machine just made has none.
fn refresh(log: &Path, step: &crate::ui::Step) -> Result<()> {
    let mut command = apt_get();
    command.arg("update");
    exec::run(command, log, step).context("cannot fetch the lists of packages")
}

fn missing<'a>(packages: &[(&'a str, &str)]) -> Vec<&'a str> {
    packages.iter().filter(|(_, proof)| !Path::new(proof).exists()).map(|(name, _)| *name).collect()
}
