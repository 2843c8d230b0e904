//! `open`.

use abi::Errno;
use abi::Mode;
use abi::fs::{MountFlags, OpenFlags};
use abi::inotify::InotifyMask;
use alloc::boxed::Box;
use alloc::sync::Arc;

use super::create::{Node, make};
use super::{check_access, may_change, truncate_inode};
use crate::cred::{Access, Cred};
use crate::dentry::{Dentry, Name};
use crate::file::{Admission, FileOps, OpenFile};
use crate::inode::{FileKind, Inode};
use crate::mount::{DetachedTree, Path};
use crate::walk::{Entry, Last, View, WalkFlags, Walker, entry_of, lookup_in};
use crate::{directory, node, notify, pipe, protect};

/// What `open` is asked for.
#[derive(Clone, Copy)]
pub struct OpenRequest {
    /// Access mode, status and creation flags.
    pub flags: OpenFlags,
    /// The permission bits of a file that is created.
    pub mode: Mode,
    /// Which of them the caller masks out.
    pub umask: Mode,
    /// What `openat2` forbids the walk.
    pub walk: WalkFlags,
}

impl OpenRequest {
    /// Opens something that exists.
    pub fn existing(flags: OpenFlags) -> OpenRequest {
        OpenRequest { flags, mode: Mode(0), umask: Mode(0), walk: WalkFlags::empty() }
    }

    fn has(&self, flag: OpenFlags) -> bool {
        self.flags.contains(flag)
    }

    /// The access that the file must grant.
    fn access(&self) -> Access {
        let mut access = match self.flags.bits() & OpenFlags::ACCMODE.bits() {
            0 => Access::READ,
            1 => Access::WRITE,
            _ => Access::READ | Access::WRITE,
        };
        if self.has(OpenFlags::TRUNC) {
            access |= Access::WRITE;
        }
        access
    }
}

impl View<'_> {
    /// `openat`: walks `name`, creates the file if asked to, checks permissions, and opens it. May sleep, in FIFOs for as
    /// long as there is no other end.
    pub fn open(&self, name: &[u8], request: &OpenRequest) -> Result<Arc<OpenFile>, Errno> {
        let file = self.open_quietly(name, request)?;
        notify::file(&file, InotifyMask::OPEN);
        Ok(file)
    }

    fn open_quietly(&self, name: &[u8], request: &OpenRequest) -> Result<Arc<OpenFile>, Errno> {
        if request.has(OpenFlags::TMPFILE) {
            return self.open_unnamed(name, request);
        }
        if !request.has(OpenFlags::CREAT) {
            return self.open_existing(name, request);
        }
        let exclusive = request.has(OpenFlags::EXCL);
        let follow = !exclusive && !request.has(OpenFlags::NOFOLLOW);
        let mut walker = Walker::new(self, name, request.walk)?;
        loop {
            let range = match walker.walk_to_last()? {
                Last::Name(range) => range,
                special => {
                    walker.step_special(&special)?;
                    // A magic link may have led to something that is no directory.
                    if exclusive {
                        return Err(Errno::EEXIST);
                    }
                    return self.open_found(&walker.at, request, Some(&walker.at.dentry.clone()));
                }
            };
            if walker.trailing_slash() {
                return Err(Errno::EISDIR);
            }
            let mut dentry = lookup_in(&walker.at.dentry, walker.name(&range))?;
            if dentry.is_negative() {
                let admission = Admission::new(self.cred)?; // a file that was made stays
                match self.create(&walker.at, walker.name(&range), request)? {
                    Ok(path) => {
                        let directory = walker.at.dentry.inode()?;
                        notify::name(directory, InotifyMask::CREATE, walker.name(&range), false);
                        return self.open_created(path, request, admission);
                    }
                    // Somebody was faster.
                    Err(other) => dentry = other,
                }
            }
            if exclusive {
                return Err(Errno::EEXIST);
            }
            let directory = walker.at.dentry.clone();
            if walker.enter(dentry, follow)? {
                continue;
            }
            return self.open_found(&walker.at, request, Some(&directory));
        }
    }

    fn open_existing(&self, name: &[u8], request: &OpenRequest) -> Result<Arc<OpenFile>, Errno> {
        let mut flags = request.walk;
        flags.set(WalkFlags::FOLLOW, !request.has(OpenFlags::NOFOLLOW));
        flags.set(WalkFlags::DIRECTORY, request.has(OpenFlags::DIRECTORY));
        let path = self.resolve(name, flags)?;
        if request.has(OpenFlags::PATH) {
            return open_path_file(path, request.flags, self.cred.clone());
        }
        self.open_found(&path, request, None)
    }

    /// Creates the file, or gives what has the name meanwhile.
    fn create(
        &self,
        directory: &Path,
        name: &[u8],
        request: &OpenRequest,
    ) -> Result<Result<Path, Arc<Dentry>>, Errno> {
        let _tree = directory.mount.superblock().tree.write();
        if let Entry::Taken(dentry, _) = entry_of(&directory.dentry, name)? {
            return Ok(Err(dentry));
        }
        directory.mount.check_writable()?;
        may_change(self.cred, directory)?;
        let node = Node::new(FileKind::Regular, request.mode, request.umask);
        let (dentry, _) = make(self.cred, directory, name, &node)?;
        Ok(Ok(Path { mount: directory.mount.clone(), dentry }))
    }

    /// Opens what was just created: its mode doesn't matter.
    fn open_created(
        &self,
        path: Path,
        request: &OpenRequest,
        admission: Admission,
    ) -> Result<Arc<OpenFile>, Errno> {
        let inode = path.dentry.inode()?;
        let ops = inode.ops().open(inode, request.flags, self.cred)?;
        OpenFile::new_admitted(admission, ops, path, request.flags, self.cred.clone())
    }

    /// Opens what is there; `creating` is the directory in which `O_CREAT` found it.
    fn open_found(
        &self,
        path: &Path,
        request: &OpenRequest,
        creating: Option<&Dentry>,
    ) -> Result<Arc<OpenFile>, Errno> {
        let inode = path.dentry.inode()?;
        let access = request.access();
        let kind = inode.kind();
        if let Some(directory) = creating {
            if kind == FileKind::Directory {
                return Err(Errno::EISDIR);
            }
            protect::may_open_existing(self.cred, directory.inode()?, inode)?;
        }
        if request.has(OpenFlags::DIRECTORY) && kind != FileKind::Directory {
            return Err(Errno::ENOTDIR);
        }
        match kind {
            FileKind::Symlink => return Err(Errno::ELOOP),
            FileKind::Directory if access.contains(Access::WRITE) => return Err(Errno::EISDIR),
            FileKind::CharDevice | FileKind::BlockDevice
                if path.mount.flags().contains(MountFlags::NODEV) =>
            {
                return Err(Errno::EACCES);
            }
            _ => {}
        }
        check_access(self.cred, &path.mount, inode, access)?;
        if request.has(OpenFlags::NOATIME) && !self.cred.owns(inode.read_attributes(|a| a.uid)) {
            return Err(Errno::EPERM);
        }
        let ops = self.open_inode(inode, path, request.flags)?;
        let file = OpenFile::new(ops, path.clone(), request.flags, self.cred.clone())?;
        if request.has(OpenFlags::TRUNC) && kind == FileKind::Regular {
            truncate_inode(self.cred, inode, 0)?;
            notify::file(&file, InotifyMask::MODIFY);
        }
        Ok(file)
    }

    fn open_inode(
        &self,
        inode: &Arc<Inode>,
        path: &Path,
        flags: OpenFlags,
    ) -> Result<Box<dyn FileOps>, Errno> {
        match inode.kind() {
            FileKind::Regular => inode.ops().open(inode, flags, self.cred),
            FileKind::Directory => Ok(Box::new(directory::OpenDirectory::default())),
            FileKind::Fifo => pipe::open_fifo(inode, flags),
            FileKind::CharDevice | FileKind::BlockDevice => {
                // A file system's own devices (devpts) open themselves.
                match inode.ops().open(inode, flags, self.cred) {
                    Err(Errno::ENXIO) => node::open_device(inode, path, flags, self.cred),
                    answer => answer,
                }
            }
            FileKind::Socket => Err(Errno::ENXIO),
            FileKind::Symlink => Err(Errno::ELOOP),
        }
    }

    /// `O_TMPFILE`: a file without a name in the directory `name`.
    fn open_unnamed(&self, name: &[u8], request: &OpenRequest) -> Result<Arc<OpenFile>, Errno> {
        if !request.flags.access().write {
            return Err(Errno::EINVAL);
        }
        let mut flags = request.walk | WalkFlags::DIRECTORY;
        flags.set(WalkFlags::FOLLOW, !request.has(OpenFlags::NOFOLLOW));
        let directory = self.resolve(name, flags)?;
        directory.mount.check_writable()?;
        let parent = directory.dentry.inode()?;
        parent.permission(self.cred, Access::WRITE | Access::EXECUTE)?;
        let node = Node::new(FileKind::Regular, request.mode, request.umask);
        let inode = parent.ops().create_unnamed(parent, &node.in_directory(self.cred, parent))?;
        let ops = inode.ops().open(&inode, request.flags, self.cred)?;
        let label = alloc::format!("#{}", inode.number());
        let dentry = Dentry::child(&directory.dentry, Name::new(label.as_bytes()), Some(inode));
        dentry.set_gone();
        let path = Path { mount: directory.mount, dentry };
        OpenFile::new(ops, path, request.flags.difference(OpenFlags::TMPFILE), self.cred.clone())
    }
}

/// An `O_PATH` description: it stands for a place and can do nothing else.
pub fn open_path_file(path: Path, flags: OpenFlags, cred: Arc<Cred>) -> Result<Arc<OpenFile>, Errno> {
    let kept = OpenFlags::DIRECTORY | OpenFlags::NOFOLLOW | OpenFlags::PATH;
    OpenFile::new(Box::new(PathOnly { _tree: None }), path, flags & kept, cred)
}

/// An `O_PATH` description of the top of a detached tree, which ends with it; `admission` is the description's.
pub fn open_detached(
    tree: DetachedTree,
    admission: Admission,
    cred: Arc<Cred>,
) -> Result<Arc<OpenFile>, Errno> {
    let path = tree.top();
    let ops = Box::new(PathOnly { _tree: Some(tree) });
    OpenFile::new_admitted(admission, ops, path, OpenFlags::PATH, cred)
}

/// What is behind an `O_PATH` description; its capability lacks the rights to reach these methods.
struct PathOnly {
    _tree: Option<DetachedTree>,
}

impl FileOps for PathOnly {
    fn seek(&self, _: &OpenFile, _: u64, _: i64, _: crate::file::Whence) -> Result<u64, Errno> {
        Err(Errno::EBADF)
    }

    fn poll(&self, _: &OpenFile, _: Option<&crate::PollTable>) -> abi::poll::PollEvents {
        abi::poll::PollEvents::NVAL
    }
}
