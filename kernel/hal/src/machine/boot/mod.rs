//! Boot protocols, and the order in which the machine comes up. A protocol gathers [`facts::Facts`] and calls [`start`].

pub(super) mod facts;
mod pvh;

use super::{
    acpi, apic, context, descriptors, early, features, fpu, frame_table, kernel_map, power, random, time,
    trap,
};
use crate::BootInfo;
use facts::Facts;

// SAFETY: the image defines the symbol, with this signature.
unsafe extern "Rust" {
    /// The kernel's main function, supplied by the image.
    safe fn serix_main(boot: &'static BootInfo) -> !;
}

/// Brings the boot processor up and runs the kernel. On the boot stack, in the protocol's page tables, which show the first
/// 4 GiB of physical memory in the direct map.
fn start(facts: Facts) -> ! {
    let facts = facts::keep(facts);
    features::init();
    descriptors::load();
    early::init(facts);
    kernel_map::init(facts);
    frame_table::init(facts);
    descriptors::use_fault_stacks();
    trap::init();
    fpu::init();
    random::init();
    let acpi = acpi::find(facts.rsdp);
    apic::init(&acpi);
    time::init();
    power::init(&acpi);
    facts::make_boot_info(facts);
    context::leave_boot_stack(run)
}

/// On a stack with a guard.
extern "C" fn run() -> ! {
    if cfg!(feature = "self-test") {
        super::self_test_or_return();
    }
    match facts::boot_info() {
        Some(boot) => serix_main(boot),
        None => power::off(),
    }
}
