//! Interrupt controllers: the local APIC of each processor, and the I/O APIC between devices and processors.

pub(super) mod io;
mod legacy;
pub(super) mod local;

use super::acpi::Tables;
use crate::warn;

/// Brings the controllers up as ACPI describes them.
pub(super) fn init(tables: &Tables) {
    legacy::mask_all();
    if local::init(tables.local_apic).is_err() {
        warn!("apic", "the local APIC cannot be mapped: there will be no timer");
        return;
    }
    if io::init(tables).is_err() {
        warn!("apic", "there is no usable I/O APIC: devices cannot interrupt");
    }
}
