//! What crates above, and those beside, do when something happens here.

use crate::current::Current;
use crate::process::Process;
use crate::tree::ExitStatus;
use alloc::sync::Arc;
use hal::Once;

/// Serves a system call: reads the registers, sets the result.
pub type Dispatch = fn(&mut Current);

static DISPATCH: Once<Dispatch> = Once::new();
static PROCESS_END: Once<fn(&Arc<Process>)> = Once::new();
static INIT_END: Once<fn(ExitStatus)> = Once::new();

/// Registers who serves system calls, once.
pub fn set_dispatch(dispatch: Dispatch) {
    let _ = DISPATCH.set(dispatch);
}

/// Registers what happens when a process ends, before its parent is told (terminals are given up), once.
pub fn set_process_end(hook: fn(&Arc<Process>)) {
    let _ = PROCESS_END.set(hook);
}

/// Registers what happens when the first process ends: the system has nothing left to do. Once.
pub fn set_init_end(hook: fn(ExitStatus)) {
    let _ = INIT_END.set(hook);
}

#[inline]
pub(crate) fn dispatch() -> Option<Dispatch> {
    DISPATCH.get().copied()
}

pub(crate) fn process_ends(process: &Arc<Process>) {
    if let Some(hook) = PROCESS_END.get() {
        hook(process);
    }
}

pub(crate) fn init_ended(status: ExitStatus) {
    hal::emerg!("process", "the first process has ended (wait status {:#x})", status.0);
    if let Some(hook) = INIT_END.get() {
        hook(status);
    }
}
