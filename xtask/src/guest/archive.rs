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
    /// A shell on the kernel's console: the screen, where there is one.
    Console,
    /// A command, handed to `/bin/sh -c` by the agent.
    Command(&'a str),
}

/// `/etc/inittab` without a shell on the console.
const INITTAB: &str = "::once:/sbin/agent\n::shutdown:/bin/umount -a -r\n";

/// `/etc/inittab` with a shell on the kernel's console, whichever it is, and nobody at its other end.
const INITTAB_CONSOLE: &str =
    "::respawn:/bin/cttyhack /bin/su -l root\n::ctrlaltdel:/sbin/reboot\n::shutdown:/bin/umount -a -r\n";

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
        Task::Console => archive.file("/etc/inittab", 0o644, Owner::ROOT, INITTAB_CONSOLE)?,
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read, Seek};

    use super::{Task, pack, stack};
    use crate::guest::machine::Addition;

    fn holds(archive: &[u8], text: &str) -> bool {
        archive.windows(text.len()).any(|window| window == text.as_bytes())
    }

    #[test]
    fn a_command_takes_the_place_of_the_shell() {
        let archive = pack(Task::Command("echo it"), &[]).unwrap();
        assert!(holds(&archive, "etc/serix/command\0") && holds(&archive, "echo it"));
        assert!(holds(&archive, "etc/inittab\0") && !holds(&archive, "respawn"));
        let archive = pack(Task::Shell { rows: 24, columns: 80 }, &[]).unwrap();
        assert!(holds(&archive, "24 80\n") && !holds(&archive, "etc/inittab\0"));
    }

    #[test]
    fn an_added_file_that_is_missing_is_named() {
        let missing = Addition::new("/no/such/file", "/x").unwrap();
        let error = pack(Task::Command("true"), &[missing]).unwrap_err();
        assert!(format!("{error:#}").contains("/no/such/file"), "{error:#}");
    }

    #[test]
    fn the_second_archive_begins_at_a_multiple_of_four() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().join("base");
        fs::write(&base, "12345").unwrap();
        let mut stacked = stack(&base, b"top").unwrap();
        let mut text = String::new();
        stacked.rewind().unwrap();
        stacked.read_to_string(&mut text).unwrap();
        assert_eq!(text, "12345\0\0\0top");
    }
}
