//! A thread's life: its program runs until something happens, that is dealt with, and so on.

use crate::current::Current;
use crate::exit;
use crate::hooks;
use crate::memory;
use crate::signal::{Info, deliver, fault};
use abi::Signal;
use abi::signal::code;
use aegis::FaultError;
use chronos::Work;
use hal::{FaultAccess, Trap, UserAddr};

/// The error code of a page fault as the processor gives it (Intel SDM volume 3, 4.7): present, write, user, instruction,
/// protection key.
fn fault_error(access: FaultAccess) -> u64 {
    let FaultAccess { present, write, execute, by_key } = access;
    u64::from(present) | u64::from(write) << 1 | 1 << 2 | u64::from(execute) << 4 | u64::from(by_key) << 5
}

/// Runs the thread's program until the thread ends.
pub fn user_thread_main(mut current: Current) {
    let task = current.task.clone();
    let dispatch = hooks::dispatch();
    loop {
        match current.context.run(task.work_word()) {
            Trap::Syscall => dispatch(&mut current),
            Trap::Interrupt => {
                drop(hal::preempt::disable()); // who waits for the processor gets it here
                if task.work().contains(Work::RECLAIM) {
                    task.clear_work(Work::RECLAIM);
                    chronos::carry_out();
                }
                if task.work().is_empty() {
                    continue;
                }
                deliver::see_to_work(&mut current);
                if let Some(status) = current.end {
                    exit::end_thread(current, status);
                    return;
                }
            }
            Trap::PageFault { address, access } => page_fault(&mut current, address, access),
            Trap::Exception { vector, error } => fault::exception(&mut current, vector, error),
        }
    }
}

#[cold]
fn refused(current: &mut Current, address: UserAddr, access: FaultAccess, error: FaultError) {
    let at = address.get();
    let info = match error {
        FaultError::NotMapped => Info::fault(Signal::SIGSEGV, code::SEGV_MAPERR, at),
        FaultError::NotAllowed => Info::fault(Signal::SIGSEGV, code::SEGV_ACCERR, at),
        FaultError::Key(key) => Info::key_fault(at, key),
        FaultError::NoPage => Info::fault(Signal::SIGBUS, code::BUS_ADRERR, at),
        FaultError::NoMemory => {
            if memory::make_room() {
                return; // the program tries again
            }
            Info::fault(Signal::SIGKILL, code::SI_KERNEL, at)
        }
    };
    fault::page_fault(current, address, fault_error(access), info);
}

#[inline]
fn page_fault(current: &mut Current, address: UserAddr, access: FaultAccess) {
    if let Err(error) = current.program.space.fault(address, access) {
        refused(current, address, access, error);
    }
}
