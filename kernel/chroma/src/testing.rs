//! What the tests of this crate share: a root on tmpfs, and who looks at it.

use abi::fs::{MountFlags, OpenFlags};
use abi::{Errno, Gid, Mode, Uid};
use alloc::sync::Arc;
use std::vec::Vec;

use crate::cred::{CapSet, Cred};
use crate::file::OpenFile;
use crate::io::{Sink, Source};
use crate::mount::{Mount, MountNamespace, Path, UsedNamespace};
use crate::ops::OpenRequest;
use crate::tmpfs;
use crate::walk::{View, WalkFlags};

/// A fresh world: one tmpfs.
pub(crate) struct World {
    pub(crate) namespace: UsedNamespace,
    pub(crate) root: Path,
    pub(crate) superuser: Arc<Cred>,
    pub(crate) user: Arc<Cred>,
}

/// Credentials without capabilities.
pub(crate) fn user(uid: u32) -> Cred {
    let (id, group) = (Uid(uid), Gid(uid));
    Cred {
        uid: id,
        euid: id,
        suid: id,
        fsuid: id,
        gid: group,
        egid: group,
        sgid: group,
        fsgid: group,
        effective: CapSet::EMPTY,
        permitted: CapSet::EMPTY,
        ..Cred::root()
    }
}

pub(crate) fn new_tmpfs() -> Arc<Mount> {
    let root = tmpfs::instance("tmpfs", &tmpfs::Options::unlimited(Mode(0o755)));
    Mount::new(root, "tmpfs", MountFlags::empty()).unwrap()
}

impl World {
    pub(crate) fn new() -> World {
        let mount = new_tmpfs();
        let root = Path::top_of(mount.clone());
        let namespace = MountNamespace::of(mount);
        World { namespace, root, superuser: Arc::new(Cred::root()), user: Arc::new(user(1000)) }
    }

    /// The superuser's view from the root.
    pub(crate) fn view(&self) -> View<'_> {
        View { cred: &self.superuser, root: self.root.clone(), start: self.root.clone() }
    }

    /// An ordinary user's.
    pub(crate) fn user_view(&self) -> View<'_> {
        View { cred: &self.user, root: self.root.clone(), start: self.root.clone() }
    }
}

/// Shorthand for what the tests do all the time; all take text.
impl View<'_> {
    pub(crate) fn dir(&self, name: &str) {
        self.mkdir(name.as_bytes(), Mode(0o755), Mode(0)).unwrap();
    }

    pub(crate) fn try_open(&self, name: &str, flags: OpenFlags) -> Result<Arc<OpenFile>, Errno> {
        let request = OpenRequest { flags, mode: Mode(0o644), umask: Mode(0), walk: WalkFlags::empty() };
        self.open(name.as_bytes(), &request)
    }

    pub(crate) fn write_file(&self, name: &str, content: &str) {
        let flags = OpenFlags::WRONLY | OpenFlags::CREAT | OpenFlags::TRUNC;
        let file = self.try_open(name, flags).unwrap();
        assert_eq!(file.write(&mut Source::kernel(content.as_bytes())), Ok(content.len()));
    }

    pub(crate) fn read_file(&self, name: &str) -> std::string::String {
        let file = self.try_open(name, OpenFlags::empty()).unwrap();
        std::string::String::from_utf8(read_all(&file)).unwrap()
    }

    pub(crate) fn at(&self, name: &str) -> Result<Path, Errno> {
        self.resolve(name.as_bytes(), WalkFlags::FOLLOW)
    }

    pub(crate) fn links(&self, name: &str) -> u32 {
        self.at(name).unwrap().dentry.inode().unwrap().read_attributes(|a| a.nlink)
    }
}

pub(crate) fn read_all(file: &OpenFile) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = [0; 1000];
    loop {
        let count = file.read(&mut Sink::kernel(&mut buffer)).unwrap();
        if count == 0 {
            return all;
        }
        all.extend_from_slice(&buffer[..count]);
    }
}
