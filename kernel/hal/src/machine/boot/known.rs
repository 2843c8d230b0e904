//! The facts of this boot, and the kernel's view of them.

use super::super::screen;
use crate::facts::Facts;
use crate::{BootInfo, BootMemory, Once, TryLock};

static FACTS: Once<Facts> = Once::new();
static BOOT_INFO: Once<BootInfo> = Once::new();

/// Keeps the facts for good.
pub(super) fn keep(facts: Facts) {
    let _ = FACTS.set(facts);
}

/// The facts, which were kept.
pub(super) fn kept() -> &'static Facts {
    FACTS.get().unwrap_or_else(|| unreachable!("the boot protocol keeps them first"))
}

/// The kernel's view of the facts.
pub(super) fn boot_info() -> Option<&'static BootInfo> {
    BOOT_INFO.get()
}

/// Makes the kernel's view of the facts.
pub(super) fn make_boot_info(facts: &'static Facts) {
    let initramfs = facts.initramfs.map(|(start, length)| {
        let bytes = super::super::layout::direct::<u8>(start);
        // SAFETY: the direct map shows the archive; its frames are marked as the boot loader's until `BootMemory` is dropped,
        // so nobody writes to them.
        BootMemory::new(unsafe { core::slice::from_raw_parts(bytes, length as usize) })
    });
    let _ = BOOT_INFO.set(BootInfo {
        loader: facts.loader(),
        command_line: facts.command_line(),
        memory: facts.regions(),
        initramfs: TryLock::new(initramfs),
        rsdp: facts.rsdp,
        framebuffer: screen::find(facts),
    });
}
