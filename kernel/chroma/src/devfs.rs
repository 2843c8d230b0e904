//! devtmpfs: the one instance of a tmpfs in which drivers put the nodes of their devices.

use abi::fs::MountFlags;
use abi::{DeviceNumber, Errno, Mode};
use alloc::sync::Arc;
use hal::Once;

use crate::cred::Cred;
use crate::dentry::Dentry;
use crate::inode::FileKind;
use crate::mount::{FileSystemType, Judgement, Mount, MountRequest, Path, Value};
use crate::ops::Node;
use crate::tmpfs;
use crate::walk::View;

static MOUNT: Once<Arc<Mount>> = Once::new();

fn mount() -> Result<&'static Arc<Mount>, Errno> {
    if MOUNT.get().is_none() {
        let root = tmpfs::instance("devtmpfs", &tmpfs::Options::unlimited(Mode(0o755)));
        // Whoever comes second uses the first one's.
        let _ = MOUNT.set(Mount::new(root, "devtmpfs", MountFlags::empty())?);
    }
    MOUNT.get().ok_or(Errno::ENOMEM)
}

/// The root of the instance, to be mounted on `/dev`.
pub fn root() -> Result<Arc<Dentry>, Errno> {
    Ok(mount()?.root().clone())
}

fn with_view<R>(work: impl FnOnce(&View<'_>) -> Result<R, Errno>) -> Result<R, Errno> {
    let root = Path::top_of(mount()?.clone());
    let cred = Arc::new(Cred::root());
    work(&View { cred: &cred, root: root.clone(), start: root })
}

/// Makes the node of a device; directories in `name` are made as needed.
pub fn add(name: &str, kind: FileKind, number: DeviceNumber, mode: Mode) -> Result<(), Errno> {
    with_view(|view| {
        for (index, _) in name.match_indices('/') {
            match view.mkdir(name.get(..index).unwrap_or_default().as_bytes(), Mode(0o755), Mode(0)) {
                Ok(()) | Err(Errno::EEXIST) => {}
                Err(error) => return Err(error),
            }
        }
        view.mknod(name.as_bytes(), &Node { rdev: number, ..Node::new(kind, mode, Mode(0)) })
    })
}

/// Makes a directory, for file systems that are to be mounted below `/dev`.
pub fn add_directory(name: &str) -> Result<(), Errno> {
    with_view(|view| view.mkdir(name.as_bytes(), Mode(0o755), Mode(0)))
}

/// Makes a symbolic link.
pub fn add_link(name: &str, target: &str) -> Result<(), Errno> {
    with_view(|view| view.symlink(target.as_bytes(), name.as_bytes()))
}

/// Removes the node of a device that is gone.
pub fn remove(name: &str) -> Result<(), Errno> {
    with_view(|view| view.unlink(name.as_bytes()))
}

/// The type `devtmpfs`.
pub struct DevTmpFs;

impl FileSystemType for DevTmpFs {
    fn name(&self) -> &'static str {
        "devtmpfs"
    }

    fn judge(&self, _: &str, _: Value<'_>) -> Judgement {
        Judgement::Later
    }

    fn mount(&self, _: &MountRequest<'_>) -> Result<Arc<Dentry>, Errno> {
        root()
    }
}
