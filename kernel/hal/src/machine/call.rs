//! Running a function on every processor.
//!
//! One call is under way at a time. Who calls has interrupts on, and so has who waits to call: each serves the other's
//! meanwhile. The others run the function in an interrupt.

use core::sync::atomic::{AtomicU64, Ordering};

use super::{apic, area, cpu, irq, shootdown};
use crate::cpu::CpuId;
use crate::{LockClass, SpinLock};

static CALLER: LockClass = LockClass::new("a call on every processor", 735);
static FUNCTION: LockClass = LockClass::new("the function called", 835);

/// Held by who calls, until all have done it.
static UNDER_WAY: SpinLock<()> = SpinLock::new(&CALLER, ());
static CALLED: SpinLock<Option<fn()>> = SpinLock::new(&FUNCTION, None);
/// Processors that have not done it yet.
static WAITING_FOR: AtomicU64 = AtomicU64::new(0);

/// Runs `function` on every processor with interrupts off, and returns when all have. It must not sleep, nor take a lock that is
/// ever held with interrupts on. Called with interrupts on and no lock of rank 735 or higher.
pub fn on_each(function: fn()) {
    let _under_way = UNDER_WAY.lock();
    *CALLED.lock_irq() = Some(function);
    let others = cpu::online_set() & !(1 << area::id());
    WAITING_FOR.store(others, Ordering::Release);
    for index in (0..cpu::online()).filter(|index| others >> index & 1 != 0) {
        apic::local::send(CpuId::new(index as u32), irq::CALL);
    }
    {
        let _interrupts = crate::preempt::interrupts_off();
        function();
    }
    while WAITING_FOR.load(Ordering::Acquire) != 0 {
        shootdown::serve();
        super::spin_hint();
    }
}

/// Does what was called for. In an interrupt.
pub(super) fn serve() {
    let function = *CALLED.lock_irq();
    if let Some(function) = function {
        function();
    }
    WAITING_FOR.fetch_and(!(1 << area::id()), Ordering::Release);
}
