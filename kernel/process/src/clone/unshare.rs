//! Namespaces of one's own, and `unshare`.

use crate::current::Current;
use crate::namespaces::Namespaces;
use abi::{CloneFlags, Errno};
use alloc::sync::Arc;
use chroma::FsContext;
use chroma::cred::Cap;

/// The namespaces of a child or of a thread after `unshare`.
///
/// # Errors
/// `EPERM`: without `CAP_SYS_ADMIN`; `ENOMEM`.
pub(super) fn new_namespaces(
    current: &Current,
    flags: CloneFlags,
    fs: &FsContext,
) -> Result<Namespaces, Errno> {
    let mut namespaces = current.namespaces.clone();
    if !flags.intersects(CloneFlags::NEWNS | CloneFlags::NEWUTS) {
        return Ok(namespaces);
    }
    current.cred.require(Cap::SYS_ADMIN)?;
    if flags.contains(CloneFlags::NEWNS) {
        let (mounts, translation) = namespaces.mounts.duplicate()?;
        fs.translate(|path| Some(translation.apply(path)));
        namespaces.mounts = mounts;
    }
    if flags.contains(CloneFlags::NEWUTS) {
        namespaces.names = Arc::new(namespaces.names.duplicate());
    }
    Ok(namespaces)
}

/// `unshare`.
///
/// # Errors
/// `EINVAL`: what cannot be unshared; `EPERM`; `ENOMEM`.
pub fn unshare(current: &mut Current, flags: CloneFlags) -> Result<(), Errno> {
    const KNOWN: CloneFlags = CloneFlags::FS
        .union(CloneFlags::FILES)
        .union(CloneFlags::SYSVSEM)
        .union(CloneFlags::NEWNS)
        .union(CloneFlags::NEWUTS)
        .union(CloneFlags::THREAD)
        .union(CloneFlags::SIGHAND)
        .union(CloneFlags::VM);
    let alone = current.process.thread_count() == 1;
    let shared = CloneFlags::THREAD | CloneFlags::SIGHAND | CloneFlags::VM;
    if !KNOWN.contains(flags) || (flags.intersects(shared) && !alone) {
        return Err(Errno::EINVAL);
    }
    let fs = if flags.intersects(CloneFlags::FS | CloneFlags::NEWNS) {
        Arc::new(current.fs.duplicate())
    } else {
        current.fs.clone()
    };
    let files = if flags.contains(CloneFlags::FILES) && current.files.is_shared() {
        Some(current.files.duplicate()?)
    } else {
        None
    };
    let namespaces = new_namespaces(current, flags, &fs)?;
    current.set_fs(fs);
    current.set_namespaces(namespaces);
    if let Some(files) = files {
        current.set_files(files);
    }
    Ok(())
}
