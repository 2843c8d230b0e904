//! Processors.

use alloc::string::String;
use core::arch::asm;
use core::sync::atomic::{AtomicUsize, Ordering, fence};

use super::features::cpuid;
use super::{area, rcu, smp};

/// How many processors there may be.
pub const MAX: usize = area::MAX;

/// A processor's number, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CpuId(u32);

impl CpuId {
    /// A processor by its number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number, for an array of [`MAX`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The processor that runs this.
#[inline]
pub fn current() -> CpuId {
    CpuId(area::id())
}

static ONLINE: AtomicUsize = AtomicUsize::new(1);

/// How many processors run: the boot processor, until further ones are started. Their numbers are those below.
#[inline]
pub fn online() -> usize {
    ONLINE.load(Ordering::Acquire)
}

/// The processors that run, a bit each.
#[inline]
pub fn online_set() -> u64 {
    u64::MAX >> (u64::BITS as usize - online().clamp(1, MAX))
}

/// Starts the further processors; each runs `main` with interrupts off, which calls [`come_online`] when it is ready to be
/// used. Returns when all of them are. Called once, on the boot processor, before there is more than one thread.
pub fn start_others(main: fn() -> !) {
    smp::start(main);
}

/// Counts this further processor among those that run. What runs on it is a context by now ([`Context::adopt_boot`](crate::Context::adopt_boot)).
pub fn come_online() {
    let own = current().index();
    // Processors start one after the other; a second call changes nothing.
    let _ = ONLINE.compare_exchange(own, own + 1, Ordering::AcqRel, Ordering::Relaxed);
}

pub use super::call::on_each;

/// Lets this processor finish what comes before, for all others to see, and forget instructions that it has fetched (Intel SDM
/// volume 3, 9.3: `CPUID` is serialising).
pub fn serialise() {
    fence(Ordering::SeqCst);
    core::hint::black_box(cpuid(0, 0));
}

/// Lets a processor print where it is, whatever it does: it may be stuck.
pub fn report(cpu: CpuId) {
    if cpu.index() < online() {
        super::panic::report(cpu);
    }
}

/// Halts this processor for good.
pub(super) fn stop() -> ! {
    loop {
        // SAFETY: nothing is served any more.
        unsafe { asm!("cli", options(nostack)) };
        // Nobody waits for it, also not after an interrupt that cannot be masked.
        rcu::begin_idle();
        // SAFETY: as above.
        unsafe { asm!("hlt", options(nostack)) };
    }
}

/// What the processor calls itself.
pub fn brand() -> String {
    let mut bytes = [0; 48];
    let registers = (0x8000_0002..=0x8000_0004).flat_map(|leaf| {
        let result = cpuid(leaf, 0);
        [result.eax, result.ebx, result.ecx, result.edx]
    });
    for (part, register) in bytes.chunks_exact_mut(4).zip(registers) {
        part.copy_from_slice(&register.to_le_bytes());
    }
    String::from_utf8_lossy(&bytes).trim_matches(['\0', ' ']).into()
}

/// Waits for the next interrupt. Called with interrupts off: one is let in, and they are off again on return.
pub fn wait_for_interrupt() {
    rcu::begin_idle();
    // SAFETY: `sti` takes effect after the next instruction, so that no interrupt is lost in between.
    unsafe { asm!("sti", "hlt", "cli", options(nostack)) };
    rcu::end_idle();
}
