//! Boot protocols, and the order in which the machine comes up. A protocol gathers [`Facts`] and calls [`start`].

mod known;
mod limine;
mod pvh;
mod slide;
pub(super) mod tables;

use super::{
    acpi, apic, area, console, context, descriptors, early, features, fpu, frame_table, kernel_map, power,
    random, smp, time, trap,
};
use crate::BootInfo;
use crate::facts::Facts;

/// What the machine ends with when a boot protocol did not keep its promise (QEMU makes it 101).
const NOT_BOOTED: u8 = 0x32;

// SAFETY: the image defines the symbol, with this signature.
unsafe extern "Rust" {
    /// The kernel's main function, supplied by the image.
    safe fn serix_main(boot: &'static BootInfo) -> !;
}

/// Says over the serial line why there is no booting, and stops. Nothing is up yet that a panic needs.
fn refuse(reason: &str) -> ! {
    for part in ["Serix cannot boot: ", reason, "\n"] {
        console::write_in_panic(part.as_bytes());
    }
    power::exit(NOT_BOOTED)
}

/// Continues with what a protocol gathered. On the boot stack, in the [boot page tables](tables), where the image was linked.
fn start(facts: Facts) -> ! {
    features::init();
    // Linux has the word too; for debuggers, which know the linked addresses.
    let wanted = !facts.command_line().split_ascii_whitespace().any(|word| word == "nokaslr");
    known::keep(facts);
    // SAFETY: nothing so far has stored an address: features and facts are values.
    unsafe { slide::enter(wanted, start_in_place) }
}

/// Brings the boot processor up and runs the kernel, at the addresses where the image stays.
extern "C" fn start_in_place() -> ! {
    area::init_boot_processor();
    let facts = known::kept();
    descriptors::init();
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
    smp::prepare(facts, &acpi);
    known::make_boot_info(facts);
    context::leave_boot_stack(run)
}

/// On a stack with a guard.
extern "C" fn run() -> ! {
    if cfg!(feature = "self-test") {
        super::self_test_or_return();
    }
    match known::boot_info() {
        Some(boot) => serix_main(boot),
        None => power::off(),
    }
}
