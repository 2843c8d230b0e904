//! The archive on top of the base file system: the command, how init treats it, and what `--add` names.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use initramfs::{Archive, Owner, tree};

use super::machine::Addition;
use super::qemu;

/// What runs besides the kernel.
#[derive(Clone, Copy)]
pub enum Task<'a> {
    /// A shell on the console, whose terminal has this size.
    Shell {
        /// Lines.
        rows: u16,
        /// Characters in a line.
        columns: u16,
    },
    /// A command, handed to `/bin/sh -c` by the agent.
    Command(&'a str),
}

/// `/etc/inittab` without a shell on the console.
const INITTAB: &str = "::once:/sbin/agent\n::shutdown:/bin/umount -a -r\n";

/// Packs what comes on top of the base.
pub fn pack(task: Task<'_>, additions: &[Addition]) -> Result<Vec<u8>> {
    let mut archive = Archive::new();
    for Addition { host, guest } in additions {
        tree::add(&mut archive, host, guest)?;
    }
    match task {
        Task::Command(text) => {
            archive.file("/etc/serix/command", 0o600, Owner::ROOT, text)?;
            archive.file("/etc/inittab", 0o644, Owner::ROOT, INITTAB)?;
        }
        Task::Shell { rows, columns } => {
            let size = format!("{rows} {columns}\n");
            archive.file("/etc/serix/window-size", 0o644, Owner::ROOT, size)?;
        }
    }
    archive.write()
}

/// The base archive with `top` behind it, as a file in memory.
pub fn stack(base: &Path, top: &[u8]) -> Result<File> {
    let mut bytes = fs::read(base).with_context(|| format!("cannot read {}", base.display()))?;
    // Archives begin at multiples of four.
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let mut file = File::from(qemu::memory("initrd")?);
    file.write_all(&bytes)
        .and_then(|()| file.write_all(top))
        .context("the host has no memory for the initial file system")?;
    Ok(file)
}
