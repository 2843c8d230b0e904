//! `/proc` and `/sys`: two directories that whoever owns data puts nodes into. There is one content of each; every mount
//! shows it.

use abi::stat::{PROC_SUPER_MAGIC, SYSFS_MAGIC};
use abi::{Errno, Mode};
use alloc::sync::Arc;
use hal::Once;

use crate::dentry::Dentry;
use crate::mount::{FileSystemType, Judgement, MountRequest, Value, file_system_types};
use crate::synthetic::{self, Directory, Entry, Text, from_fn};

/// The name of the type `proc`.
pub(crate) const PROC: &str = "proc";

static PROC_TOP: Once<Arc<Directory>> = Once::new();
static SYS_TOP: Once<Arc<Directory>> = Once::new();

fn get(root: &'static Once<Arc<Directory>>) -> Arc<Directory> {
    if let Some(directory) = root.get() {
        return directory.clone();
    }
    let fresh = Directory::new();
    // Whoever comes second uses the first one's.
    match root.set(fresh.clone()) {
        Ok(()) => fresh,
        Err(unused) => root.get().cloned().unwrap_or(unused),
    }
}

/// The top of `/proc`.
pub fn proc() -> Arc<Directory> {
    get(&PROC_TOP)
}

/// The top of `/sys`.
pub fn sys() -> Arc<Directory> {
    get(&SYS_TOP)
}

/// Puts in what this crate itself can tell.
pub(crate) fn start() {
    proc().add("filesystems", Entry::file(from_fn(filesystems), Mode(0o444)));
    for name in ["block", "bus", "class", "dev", "devices", "firmware", "fs", "kernel", "module", "power"] {
        sys().subdirectory(name);
    }
}

fn filesystems(text: &mut Text) {
    for kind in file_system_types() {
        let nodev = if kind.without_device() { "nodev" } else { "" };
        writeln!(text, "{nodev}\t{}", kind.name());
    }
}

/// The type `proc`.
pub struct Proc;

impl FileSystemType for Proc {
    fn name(&self) -> &'static str {
        PROC
    }

    fn judge(&self, name: &str, value: Value<'_>) -> Judgement {
        let text = if let Value::Text(text) = value { text } else { "" };
        match name {
            // Processes are hidden from nobody: who asks for that is not deceived.
            "hidepid" if matches!(text, "0" | "off") => Judgement::Idle,
            "gid" if text.parse::<u32>().is_ok() => Judgement::Idle,
            "hidepid" | "gid" | "subset" => Judgement::Bad,
            _ => Judgement::Unknown,
        }
    }

    fn mount(&self, _: &MountRequest<'_>) -> Result<Arc<Dentry>, Errno> {
        Ok(synthetic::file_system(PROC, PROC_SUPER_MAGIC, proc()))
    }
}

/// The type `sysfs`.
pub struct Sys;

impl FileSystemType for Sys {
    fn name(&self) -> &'static str {
        "sysfs"
    }

    fn mount(&self, _: &MountRequest<'_>) -> Result<Arc<Dentry>, Errno> {
        Ok(synthetic::file_system("sysfs", SYSFS_MAGIC, sys()))
    }
}
