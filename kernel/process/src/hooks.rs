//! What crates above, and those beside, do when something happens here.

use crate::current::Current;
use crate::tree::ExitStatus;
use hal::Once;

/// Serves a system call: reads the registers, sets the result.
pub type Dispatch = fn(&mut Current);

static DISPATCH: Once<Dispatch> = Once::new();
static INIT_END: Once<fn(ExitStatus)> = Once::new();

/// Registers who serves system calls, once.
pub fn set_dispatch(dispatch: Dispatch) {
    let _ = DISPATCH.set(dispatch);
}

/// Registers what happens when the first process ends: the system has nothing left to do. Once.
pub fn set_init_end(hook: fn(ExitStatus)) {
    let _ = INIT_END.set(hook);
}

/// Who serves system calls: nobody does before the registration.
pub(crate) fn dispatch() -> Dispatch {
    DISPATCH.get().copied().unwrap_or(|current| {
        current.context.regs.rax = abi::Errno::ENOSYS.as_return().cast_unsigned();
    })
}

pub(crate) fn init_ended(status: ExitStatus) {
    hal::emerg!("process", "the first process has ended (wait status {:#x})", status.0);
    if let Some(hook) = INIT_END.get() {
        hook(status);
    }
}
