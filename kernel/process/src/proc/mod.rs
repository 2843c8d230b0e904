//! `/proc`: processes as directories, and the kernel's own figures as files.
//!
//! The formats are those of Linux 6.1 (`proc(5)`), to the byte. What Serix does not count is 0 where the format has a field for
//! it; a file that would hold nothing but such zeroes is left out, as Linux leaves out what it was built without.
//!
//! | module | holds |
//! |---|---|
//! | `subject` | which process or thread a directory is about, and who may look into it |
//! | `pids`, `entries`, `descriptors` | the directories: `/proc`, `/proc/PID`, `task`, `fd`, `fdinfo` |
//! | `rows` | the table of what is in `/proc/PID` |
//! | `stat`, `status`, `maps`, `limits`, `oom`, `strings` | texts about processes |
//! | `system`, `meminfo`, `cpuinfo` | texts about the system |
//! | `sysctl`, `sysrq` | `/proc/sys`, `/proc/sysrq-trigger` |
//!
//! A directory does not keep its process alive: what ended in the meantime gives `ENOENT` for names and `ESRCH` for open
//! files. Formatting is apart from gathering: each text is a pure function of a struct, tested with what Linux printed.

mod cpuinfo;
mod descriptors;
mod entries;
mod limits;
mod maps;
mod meminfo;
mod mqueue;
mod oom;
mod pids;
mod processors;
mod rows;
mod seccomp_settings;
mod stat;
mod status;
mod strings;
mod subject;
mod sysctl;
mod sysrq;
mod system;
#[cfg(test)]
mod tests;

use crate::ipc;
use crate::process::Process;
use abi::Mode;
use alloc::sync::Arc;
use chroma::OpenFile;
use chroma::procfs;
use chroma::synthetic::{Directory, Entry, Fixed, Text, from_fn};
use subject::{Subject, Target};

pub use system::{RELEASE, VERSION};

/// Puts the nodes into `/proc` and `/sys`. Once, at bring-up; `command_line` is what the kernel was booted with.
pub fn start(command_line: &'static str) {
    let top = procfs::proc();
    pids::add_links(&top);
    system::add(&top, command_line);
    let settings = Directory::fixing(Fixed::ModeAndOwner);
    sysctl::add(&settings);
    top.add("sys", Entry::directory(settings, Mode(0o555)).fixed(Fixed::ModeAndOwner));
    let sysvipc = top.subdirectory("sysvipc");
    for (name, list) in [
        ("msg", ipc::messages::list as fn(&mut Text)),
        ("sem", ipc::semaphores::list),
        ("shm", ipc::shared::list),
    ] {
        sysvipc.add(name, Entry::file(from_fn(list), Mode(0o444)));
    }
    top.add("sysrq-trigger", Entry::file(sysrq::Trigger, Mode(0o200)));
    processors::add(&procfs::sys().subdirectory("devices").subdirectory("system").subdirectory("cpu"));
    top.set_dynamic(Arc::new(pids::Processes));
}

/// The process that an open directory of `/proc` is about, while it exists.
pub fn process_of_directory(file: &OpenFile) -> Option<Arc<Process>> {
    let inode = file.inode();
    let dentry = &file.path().dentry;
    let is_at_top = dentry.parent().is_some_and(|top| top.parent().is_none());
    if inode.superblock().kind != "proc" || !inode.is_directory() || !is_at_top {
        return None;
    }
    pids::spelled(dentry.name().bytes()).ok().and_then(crate::table::process)
}

/// Inode numbers: the kind of directory, whose it is, and the place in it.
fn number(space: u64, id: u32, index: u64) -> u64 {
    space << 48 | u64::from(id) << 24 | index
}

/// Ends a name that is padded with NULs.
fn trimmed(name: &[u8]) -> &[u8] {
    name.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Appends `text`, padded with blanks to `width`.
fn pad(text: &mut Text, written: usize, width: usize) {
    for _ in written..width {
        text.push(b" ");
    }
}
