//! Device nodes: what opens them is registered by whoever has the drivers.

use abi::fs::OpenFlags;
use abi::{DeviceNumber, Errno};
use alloc::boxed::Box;
use alloc::sync::Arc;
use hal::Once;

use crate::cred::Cred;
use crate::file::FileOps;
use crate::inode::{FileKind, Inode};
use crate::mount::Path;

/// An open of a device node.
pub struct DeviceOpen<'a> {
    /// Character or block device.
    pub kind: FileKind,
    /// Which.
    pub number: DeviceNumber,
    /// The node.
    pub inode: &'a Arc<Inode>,
    /// Where the node was found.
    pub path: &'a Path,
    /// How it is opened.
    pub flags: OpenFlags,
    /// By whom.
    pub cred: &'a Cred,
}

/// Knows the drivers.
pub trait Devices: Sync {
    /// Opens a device; `ENXIO` if there is none with this number. May sleep.
    fn open(&self, open: &DeviceOpen<'_>) -> Result<Box<dyn FileOps>, Errno>;
}

static DEVICES: Once<&'static dyn Devices> = Once::new();

/// Registers who opens devices; the first one stays.
pub fn register_devices(devices: &'static dyn Devices) {
    let _ = DEVICES.set(devices);
}

pub(crate) fn open_device(
    inode: &Arc<Inode>,
    path: &Path,
    flags: OpenFlags,
    cred: &Cred,
) -> Result<Box<dyn FileOps>, Errno> {
    let number = inode.read_attributes(|a| a.rdev);
    let devices = DEVICES.get().ok_or(Errno::ENXIO)?;
    devices.open(&DeviceOpen { kind: inode.kind(), number, inode, path, flags, cred })
}
