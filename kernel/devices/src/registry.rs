//! Character devices: which driver has which numbers.

use abi::{DeviceNumber, Errno};
use alloc::boxed::Box;
use alloc::vec::Vec;
use chroma::FileOps;
use chroma::inode::FileKind;
use chroma::node::{DeviceOpen, Devices};
use hal::SpinLock;

use crate::lock_classes;

/// Opens the devices of one range of numbers.
pub trait Driver: Sync {
    /// Opens the device with this minor number; `ENXIO` if there is none.
    fn open(&self, open: &DeviceOpen<'_>) -> Result<Box<dyn FileOps>, Errno>;
}

#[derive(Clone, Copy)]
struct Range {
    name: &'static str,
    major: u16,
    first: u32,
    last: u32,
    driver: &'static dyn Driver,
}

static RANGES: SpinLock<Vec<Range>> = SpinLock::new(&lock_classes::DRIVERS, Vec::new());

/// Gives a driver the minors `first..=last` of a major.
pub fn register(name: &'static str, major: u16, first: u32, last: u32, driver: &'static dyn Driver) {
    RANGES.lock().push(Range { name, major, first, last, driver });
}

/// Majors and names, for `/proc/devices`.
pub fn character_devices() -> Vec<(u16, &'static str)> {
    let mut list: Vec<_> = RANGES.lock().iter().map(|range| (range.major, range.name)).collect();
    list.sort_unstable();
    list.dedup();
    list
}

/// What chroma calls to open a device node.
pub(crate) struct Registry;

impl Devices for Registry {
    fn open(&self, open: &DeviceOpen<'_>) -> Result<Box<dyn FileOps>, Errno> {
        if open.kind != FileKind::CharDevice {
            return Err(Errno::ENXIO);
        }
        find(open.number).ok_or(Errno::ENXIO)?.open(open)
    }
}

fn find(number: DeviceNumber) -> Option<&'static dyn Driver> {
    let ranges = RANGES.lock();
    let has = |range: &&Range| {
        range.major == number.major() && (range.first..=range.last).contains(&number.minor())
    };
    ranges.iter().find(has).map(|range| range.driver)
}
