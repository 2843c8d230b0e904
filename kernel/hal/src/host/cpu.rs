//! The simulated processor.

/// How many processors there may be.
pub const MAX: usize = 4;

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
pub fn current() -> CpuId {
    CpuId(0)
}

/// How many processors run.
pub fn online() -> usize {
    1
}

/// The processors that run, a bit each.
#[inline]
pub fn online_set() -> u64 {
    u64::MAX >> (u64::BITS as usize - online().clamp(1, MAX))
}

/// Starts the further processors: there are none.
pub fn start_others(_main: fn() -> !) {}

/// Runs `function` on every processor: here there is one.
pub fn on_each(function: fn()) {
    function();
}

/// Lets this processor finish what comes before: here it is the only one.
pub fn serialise() {}

/// Lets a processor print where it is: here it is known.
pub fn report(_cpu: CpuId) {}

/// Counts a further processor among those that run.
pub fn come_online() {}

/// What the processor calls itself.
pub fn brand() -> String {
    "simulated".into()
}

/// Waits for the next interrupt. Called with interrupts off: one is let in, and they are off again on return.
///
/// Here the clock jumps to the deadline.
pub fn wait_for_interrupt() {
    super::time::jump_to_deadline();
}
