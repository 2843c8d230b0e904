//! The types of file systems that `mount` knows.

use abi::Errno;
use abi::fs::MountFlags;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hal::SpinLock;

use crate::cred::Cred;
use crate::dentry::Dentry;
use crate::lock_classes;

/// What a mount asks of a file system type.
pub struct MountRequest<'a> {
    /// The device or name.
    pub source: &'a str,
    /// The options text.
    pub options: &'a [u8],
    /// The flags.
    pub flags: MountFlags,
    /// Who mounts.
    pub cred: &'a Cred,
}

/// A type of file system.
pub trait FileSystemType: Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Whether it needs no device (`nodev` in `/proc/filesystems`).
    fn without_device(&self) -> bool {
        true
    }

    /// Makes or finds an instance and gives its root.
    fn mount(&self, request: &MountRequest<'_>) -> Result<Arc<Dentry>, Errno>;
}

static TYPES: SpinLock<Vec<&'static dyn FileSystemType>> = SpinLock::new(&lock_classes::TYPES, Vec::new());

/// Makes a type known to `mount`.
pub fn register(kind: &'static dyn FileSystemType) {
    TYPES.lock().push(kind);
}

/// The type with this name; `ENODEV` if there is none.
pub fn find_type(name: &str) -> Result<&'static dyn FileSystemType, Errno> {
    TYPES.lock().iter().find(|kind| kind.name() == name).copied().ok_or(Errno::ENODEV)
}

/// All types, in order of registration.
pub fn file_system_types() -> Vec<&'static dyn FileSystemType> {
    TYPES.lock().clone()
}
