//! What the scheduler registers, and the flag that asks for it.

pub use crate::arch::sched::{clear_need_resched, need_resched, send_reschedule, set_need_resched};
use crate::once::Once;

/// What the scheduler does when the machine calls.
pub trait SchedulerHooks: Sync {
    /// This processor's deadline has passed, while it ran a program or in the kernel. Called with interrupts off; must not
    /// sleep.
    fn timer(&self, in_program: bool);

    /// The current thread is to give the processor up: called when the flag is set and the preempt count has become 0, at
    /// the end of an interrupt taken in the kernel or of a critical section. Returns when the thread runs again.
    fn preempt(&self);

    /// The current context's entry has returned: never come back to it.
    fn exit(&self) -> !;
}

static HOOKS: Once<&'static dyn SchedulerHooks> = Once::new();

/// Registers the scheduler, once; a second call changes nothing.
pub fn register(hooks: &'static dyn SchedulerHooks) {
    let _ = HOOKS.set(hooks);
}

/// The registered scheduler.
#[inline]
pub(crate) fn hooks() -> Option<&'static dyn SchedulerHooks> {
    HOOKS.get().copied()
}
