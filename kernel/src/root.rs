//! The first file system: a tmpfs, filled from the boot archive.

use alloc::sync::Arc;

use abi::fs::{MountFlags, OpenFlags};
use abi::{Errno, Mode};
use chroma::mount::UsedNamespace;
use chroma::ops::OpenRequest;
use chroma::tmpfs::{self, Options};
use chroma::{Cred, FdTable, Mount, MountNamespace, Path, View, cpio, fdtable};
use hal::BootInfo;

/// Mounts the first root, and unpacks the archive into it; the archive's memory is free afterwards.
///
/// A malformed archive is reported and left where it is malformed: what came before is there.
///
/// # Errors
/// `ENOMEM`.
pub(crate) fn mount(boot: &BootInfo) -> Result<(UsedNamespace, Path), Errno> {
    let root = tmpfs::instance("rootfs", &Options::unlimited(Mode(0o755)));
    let mount = Mount::new(root, "rootfs", MountFlags::empty())?;
    let path = Path::top_of(mount.clone());
    let namespace = MountNamespace::of(mount);
    if let Some(archive) = boot.take_initramfs() {
        let cred = Arc::new(Cred::root());
        let view = View { cred: &cred, root: path.clone(), start: path.clone() };
        match cpio::unpack(&view, archive.bytes()) {
            Ok(done) => hal::info!("initramfs", "{} entries of {} archives", done.entries, done.archives),
            Err(malformed) => hal::err!("initramfs", "{malformed}"),
        }
    } else {
        hal::err!("initramfs", "the boot loader gave no archive");
    }
    Ok((namespace, path))
}

/// The first program's descriptors: the console, three times; none, with a message, where it cannot be opened.
///
/// # Errors
/// `ENOMEM`.
pub(crate) fn open_console(root: &Path) -> Result<FdTable, Errno> {
    const LIMIT: u32 = 3;
    let files = FdTable::new();
    let cred = Arc::new(Cred::root());
    let view = View { cred: &cred, root: root.clone(), start: root.clone() };
    match view.open(b"/dev/console", &OpenRequest::existing(OpenFlags::RDWR)) {
        Ok(console) => {
            for _ in 0..LIMIT {
                files.insert(fdtable::capability(console.clone()), false, 0, LIMIT)?;
            }
        }
        Err(error) => hal::warn!("kernel", "cannot open the first console: {error}"),
    }
    Ok(files)
}
