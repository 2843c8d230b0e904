//! A task's files: descriptors, working directory, root, executable, mounts.

use abi::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use cerberus::Rights;
use chroma::inode::FileKind;
use chroma::mount;
use chroma::synthetic::{Dynamic, Entry, Follow, Listing, Text};
use chroma::{Cred, Fd, FdTable, OpenFile, Path};

use super::{Task, inode, number};

/// The text of a link: the path as whoever asks sees it.
fn shown(path: &Path) -> Vec<u8> {
    let root = process::thread().and_then(|thread| thread.fs()).map(|fs| fs.root());
    path.show(root.as_ref().unwrap_or(path))
}

/// `cwd`, `exe` or `root`, by its place in the list of links.
pub(super) struct Link {
    pub(super) task: Arc<Task>,
    pub(super) index: usize,
}

impl Link {
    fn target(&self) -> Result<Path, Errno> {
        let thread = self.task.thread.as_ref().ok_or(Errno::ENOENT)?;
        match self.index {
            0 => Ok(thread.fs().ok_or(Errno::ENOENT)?.cwd()),
            1 => {
                let program = thread.program().ok_or(Errno::ENOENT)?;
                Ok(program.executable.as_ref().ok_or(Errno::ENOENT)?.path().clone())
            }
            _ => Ok(thread.fs().ok_or(Errno::ENOENT)?.root()),
        }
    }
}

/// Whether `cred` may look into the task.
fn may_look(task: &Task, cred: &Cred) -> Result<(), Errno> {
    let owner = task.process.cred();
    let same = cred.fsuid == owner.uid && cred.fsuid == owner.euid && cred.fsuid == owner.suid;
    if same || cred.has(chroma::cred::Cap::SYS_PTRACE) { Ok(()) } else { Err(Errno::EACCES) }
}

impl Follow for Link {
    fn text(&self) -> Result<Vec<u8>, Errno> {
        Ok(shown(&self.target()?))
    }

    fn place(&self, cred: &Cred) -> Result<Option<Path>, Errno> {
        may_look(&self.task, cred)?;
        self.target().map(Some)
    }
}

/// `/proc/PID/fd`.
pub(super) struct Descriptors(pub(super) Arc<Task>);

impl Descriptors {
    fn table(&self) -> Result<Arc<FdTable>, Errno> {
        self.0.thread.as_ref().and_then(|thread| thread.files()).ok_or(Errno::ENOENT)
    }
}

impl Dynamic for Descriptors {
    fn lookup(&self, name: &[u8]) -> Result<Entry, Errno> {
        let fd = Fd(i32::try_from(number(name)?).map_err(|_| Errno::ENOENT)?);
        let file = self.table()?.file(fd, Rights::empty()).map_err(|_| Errno::ENOENT)?;
        let mode = 0o100 | if file.readable() { 0o400 } else { 0 } | if file.writable() { 0o200 } else { 0 };
        let mut entry = Entry::link(OpenLink { task: self.0.clone(), file });
        entry.mode = abi::Mode(mode);
        Ok(self
            .0
            .owned(entry)
            .numbered(inode(self.0.number, 1000).saturating_add(u64::from(fd.0.unsigned_abs()))))
    }

    fn list(&self, listing: &mut Listing<'_>) -> Result<(), Errno> {
        let table = self.table()?;
        loop {
            let from = u32::try_from(listing.next_key()).unwrap_or(u32::MAX);
            let Some(Fd(fd)) = table.next_open(from) else { return Ok(()) };
            let key = u64::from(fd.unsigned_abs());
            let name = alloc::format!("{fd}");
            if !listing.add(key, inode(self.0.number, 1000) + key, FileKind::Symlink, name.as_bytes()) {
                return Ok(());
            }
        }
    }
}

/// A descriptor as a link to what it is open on.
struct OpenLink {
    task: Arc<Task>,
    file: Arc<OpenFile>,
}

impl Follow for OpenLink {
    fn text(&self) -> Result<Vec<u8>, Errno> {
        Ok(shown(self.file.path()))
    }

    fn place(&self, cred: &Cred) -> Result<Option<Path>, Errno> {
        may_look(&self.task, cred)?;
        Ok(Some(self.file.path().clone()))
    }
}

fn with_mounts(task: &Task, tell: impl FnOnce(&chroma::MountNamespace, &Path)) -> Result<(), Errno> {
    let thread = task.thread.as_ref().ok_or(Errno::EINVAL)?;
    let namespace = thread.parts(|parts| parts.namespaces.mounts.clone());
    tell(&namespace, &thread.fs().ok_or(Errno::EINVAL)?.root());
    Ok(())
}

pub(super) fn mounts(task: &Task, text: &mut Text) -> Result<(), Errno> {
    with_mounts(task, |namespace, root| mount::mounts(namespace, root, text))
}

pub(super) fn mountinfo(task: &Task, text: &mut Text) -> Result<(), Errno> {
    with_mounts(task, |namespace, root| mount::mountinfo(namespace, root, text))
}
