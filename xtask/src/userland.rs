//! The first file system: what every boot starts from, on Serix and on Linux alike.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use initramfs::{Archive, Owner, manifest};
use sha2::{Digest, Sha256};

use crate::musl::{self, Compiler, Program};
use crate::ports;
use crate::project::Project;
use crate::ui::Ui;

/// Gives the path of the base archive (an uncompressed cpio), made when its content is new.
///
/// It holds BusyBox, the agent and the root of the crate `initramfs`. Everything in it is either a file of the checkout or
/// found in the cache by content, so the archive is put together each time, which takes milliseconds, and its own hash
/// says whether it is there already.
pub fn image(project: &Project, ui: &Ui) -> Result<PathBuf> {
    let folder = project.root().join("initramfs");
    let mut archive = Archive::new();
    ports::build(project, ui, "busybox")?.pack(&mut archive)?;
    let agent = agent(project, ui, &folder.join("agent"))?;
    let agent = fs::read(&agent).with_context(|| format!("cannot read {}", agent.display()))?;
    archive.file("/sbin/agent", 0o755, Owner::ROOT, agent)?;
    manifest::add(&mut archive, &folder).context("cannot pack the first file system")?;

    let bytes = archive.write()?;
    let key = musl::hex(&Sha256::digest(&bytes));
    let store = project.cache("initramfs")?;
    let path = store.join(format!("{}.cpio", &key[..16]));
    if !path.exists() {
        let readable = fs::Permissions::from_mode(0o644);
        let file = tempfile::Builder::new().permissions(readable).tempfile_in(&store);
        let mut file = file.context("cannot create the first archive")?;
        file.write_all(&bytes).context("cannot write the first archive")?;
        file.persist(&path).with_context(|| format!("cannot create {}", path.display()))?;
    }
    Ok(path)
}

/// Compiles the program that runs a command in the guest.
fn agent(project: &Project, ui: &Ui, folder: &Path) -> Result<PathBuf> {
    let program = Program {
        name: "agent",
        sources: &[&folder.join("agent.c"), &folder.join("line.c")],
        depends: &[&folder.join("line.h")],
        flags: &["-std=gnu11", "-Os", "-Wall", "-Wextra", "-Werror", "-s"],
    };
    Compiler::find(project, ui)?.cc(project, ui, &program)
}
