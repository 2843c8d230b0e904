//! One value for each processor.

use crate::cpu::{self, CpuId};
use crate::preempt;

/// One value for each processor that there may be.
///
/// Values are shared (`&T`): another processor may look at them, so what changes in them is atomic or locked.
pub struct PerCpu<T> {
    values: [T; cpu::MAX],
}

impl<T> PerCpu<T> {
    /// Makes the values; the array usually comes from `[const { … }; hal::cpu::MAX]`.
    pub const fn new(values: [T; cpu::MAX]) -> Self {
        Self { values }
    }

    /// Gives this processor's value to `f`. Preemption is off meanwhile: `f` must not sleep.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        let _guard = preempt::disable();
        f(self.of(cpu::current()))
    }

    /// A given processor's value.
    #[inline]
    pub fn of(&self, cpu: CpuId) -> &T {
        &self.values[cpu.index() % cpu::MAX]
    }
}
