//! The table of what is in `/proc/PID` and `/proc/PID/task/TID`.

use super::descriptors::{Descriptors, Info};
use super::pids::Tasks;
use super::{Subject, Target, limits, maps, oom, stat, status, strings, system};
use crate::fail_nth;
use crate::thread::Parts;
use abi::Errno;
use alloc::sync::Arc;
use chroma::cred::Cred;
use chroma::mount::{self, Path};
use chroma::synthetic::{Directory, Text};
use chroma::{FileKind, MountNamespace};

/// Makes a text; for the opener.
pub(super) type Read = fn(&Target, &Cred, &mut Text) -> Result<(), Errno>;
/// Takes what was written.
pub(super) type Write = fn(&Target, &Cred, &[u8]) -> Result<(), Errno>;

/// What a name means.
pub(super) enum Kind {
    /// A text for everybody.
    Text(Read),
    /// A text for those who may look into the process; others can't open it.
    Private(Read),
    /// A text that can be written.
    Writable(Read, Write),
    /// A link to a place.
    Place(fn(&Target) -> Result<Path, Errno>),
    /// A directory.
    Directory(fn(Subject) -> Arc<Directory>),
}

/// A name in the directory.
pub(super) struct Row {
    pub name: &'static str,
    pub mode: u32,
    pub kind: Kind,
}

impl Row {
    pub fn file_kind(&self) -> FileKind {
        match self.kind {
            Kind::Directory(_) => FileKind::Directory,
            Kind::Place(_) => FileKind::Symlink,
            _ => FileKind::Regular,
        }
    }
}

const fn row(name: &'static str, mode: u32, kind: Kind) -> Row {
    Row { name, mode, kind }
}

/// What is in `/proc/PID`.
pub(super) fn process() -> &'static [Row] {
    match ALL.split_last() {
        Some((_, without_failures)) if !aegis::inject::is_possible() => without_failures,
        _ => ALL,
    }
}

/// What is in `/proc/PID/task/TID`: the same but for `task`.
pub(super) fn task() -> &'static [Row] {
    process().split_first().map_or(&[], |(_, rest)| rest)
}

static ALL: &[Row] = &[
    row("task", 0o555, Kind::Directory(|subject| Directory::dynamic(Arc::new(Tasks(subject))))),
    row("fd", 0o500, Kind::Directory(fd)),
    row("fdinfo", 0o555, Kind::Directory(fdinfo)),
    row("net", 0o555, Kind::Directory(|_| system::net())),
    row("environ", 0o400, Kind::Private(strings::environ)),
    row("auxv", 0o400, Kind::Private(strings::auxv)),
    row("status", 0o444, Kind::Text(status::read)),
    row("personality", 0o400, Kind::Private(personality)),
    row("limits", 0o444, Kind::Text(limits::read)),
    row("comm", 0o644, Kind::Writable(strings::comm, strings::set_comm)),
    row("cmdline", 0o444, Kind::Text(strings::cmdline)),
    row("stat", 0o444, Kind::Text(stat::read)),
    row("statm", 0o444, Kind::Text(status::statm)),
    row("maps", 0o444, Kind::Private(maps::read)),
    row("cwd", 0o777, Kind::Place(cwd)),
    row("root", 0o777, Kind::Place(root)),
    row("exe", 0o777, Kind::Place(exe)),
    row("mounts", 0o444, Kind::Text(mounts)),
    row("mountinfo", 0o444, Kind::Text(mountinfo)),
    row("smaps", 0o444, Kind::Private(maps::smaps)),
    row("wchan", 0o444, Kind::Text(wchan)),
    row("oom_score", 0o444, Kind::Text(oom::score)),
    row("oom_adj", 0o644, Kind::Writable(oom::old_adjustment, oom::set_old_adjustment)),
    row("oom_score_adj", 0o644, Kind::Writable(oom::adjustment, oom::set_adjustment)),
    row("fail-nth", 0o644, Kind::Writable(left_to_fail, set_left_to_fail)),
];

fn fd(subject: Subject) -> Arc<Directory> {
    Directory::dynamic(Arc::new(Descriptors(subject)))
}

fn fdinfo(subject: Subject) -> Arc<Directory> {
    Directory::dynamic(Arc::new(Info(subject)))
}

fn cwd(target: &Target) -> Result<Path, Errno> {
    let fs = target.thread.as_ref().and_then(|thread| thread.fs()).ok_or(Errno::ENOENT)?;
    Ok(fs.cwd())
}

fn root(target: &Target) -> Result<Path, Errno> {
    let fs = target.thread.as_ref().and_then(|thread| thread.fs()).ok_or(Errno::ENOENT)?;
    Ok(fs.root())
}

fn exe(target: &Target) -> Result<Path, Errno> {
    let program = target.thread.as_ref().and_then(|thread| thread.program()).ok_or(Errno::ENOENT)?;
    Ok(program.executable.as_ref().ok_or(Errno::ENOENT)?.file.path().clone())
}

/// What is mounted for a process, and its root; a zombie sees nothing (`EINVAL`, as on Linux).
fn mounted(target: &Target) -> Result<(Arc<MountNamespace>, Path), Errno> {
    let thread = target.thread.as_ref().ok_or(Errno::EINVAL)?;
    let fs = thread.fs().ok_or(Errno::EINVAL)?;
    let mounts =
        |parts: &Parts| parts.namespaces.as_ref().map(|namespaces| namespaces.mounts.namespace().clone());
    Ok((thread.parts(mounts).ok_or(Errno::EINVAL)?, fs.root()))
}

fn mounts(target: &Target, _: &Cred, text: &mut Text) -> Result<(), Errno> {
    let (namespace, root) = mounted(target)?;
    mount::mounts(&namespace, &root, text);
    Ok(())
}

fn mountinfo(target: &Target, _: &Cred, text: &mut Text) -> Result<(), Errno> {
    let (namespace, root) = mounted(target)?;
    mount::mountinfo(&namespace, &root, text);
    Ok(())
}

fn left_to_fail(target: &Target, _: &Cred, text: &mut Text) -> Result<(), Errno> {
    fail_nth::left(target.thread.as_ref().ok_or(Errno::ESRCH)?, text);
    Ok(())
}

fn set_left_to_fail(target: &Target, cred: &Cred, bytes: &[u8]) -> Result<(), Errno> {
    fail_nth::set(target.thread.as_ref().ok_or(Errno::ESRCH)?, cred, bytes)
}

fn personality(target: &Target, _: &Cred, text: &mut Text) -> Result<(), Errno> {
    let thread = target.thread.as_ref().ok_or(Errno::ESRCH)?;
    writeln!(text, "{:08x}", thread.personality().bits());
    Ok(())
}

/// Where it waits, by the name of a function: a kernel that keeps no such names answers 0.
fn wchan(_: &Target, _: &Cred, text: &mut Text) -> Result<(), Errno> {
    text.push(b"0");
    Ok(())
}
