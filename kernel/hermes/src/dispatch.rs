//! From a trap to a handler.

use abi::{Errno, nr};
use process::Current;
use process::hooks;
use process::signal::is_outcome;

use crate::row::{Call, Outcome, Row};
use crate::table::ROWS;
use crate::trace;

/// One past the highest number.
const NUMBERS: usize = 451;

static CALLS: [Call; NUMBERS] = calls();

/// The rows by number, for what is not in a hurry.
static BY_NUMBER: [Option<&'static Row>; NUMBERS] = by_number();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const fn calls() -> [Call; NUMBERS] {
    let mut calls: [Call; NUMBERS] = [unknown; NUMBERS];
    let mut index = 0;
    while index < ROWS.len() {
        calls[ROWS[index].number] = ROWS[index].call;
        index += 1;
    }
    calls
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const fn by_number() -> [Option<&'static Row>; NUMBERS] {
    let mut rows = [None; NUMBERS];
    let mut index = 0;
    while index < ROWS.len() {
        assert!(rows[ROWS[index].number].is_none(), "two rows with one number");
        rows[ROWS[index].number] = Some(&ROWS[index]);
        index += 1;
    }
    rows
}

/// The row of a number.
pub fn row(number: usize) -> Option<&'static Row> {
    BY_NUMBER.get(number).copied().flatten()
}

/// Registers this crate for system calls; each is logged, one line, if `is_traced`.
pub fn start(is_traced: bool) {
    hooks::set_dispatch(if is_traced { dispatch_traced } else { dispatch });
}

/// Serves a system call: number in `rax`, arguments in `rdi`, `rsi`, `rdx`, `r10`, `r8`, `r9`, result in `rax`.
fn dispatch(current: &mut Current) {
    if let Err(error) = filtered(current) {
        fail(current, error);
    }
}

/// Serves a call and logs it.
fn dispatch_traced(current: &mut Current) {
    if let Err(error) = trace::call(current) {
        fail(current, error);
    }
}

/// Serves a call, unless a filter of the thread is against it.
#[inline]
pub(crate) fn filtered(current: &mut Current) -> Result<(), Errno> {
    if current.thread.seccomp.is_watching() && !process::seccomp::admits(current) {
        return Err(RETURNED);
    }
    serve(current)
}

/// Serves a call. A result is in `rax` afterwards; with an error the registers are as before.
#[inline]
fn serve(current: &mut Current) -> Result<(), Errno> {
    // The register's lower half, as on Linux.
    match CALLS.get(current.context.regs.rax as u32 as usize) {
        Some(call) => call(current),
        None => unknown(current),
    }
}

#[cold]
fn fail(current: &mut Current, error: Errno) {
    if error == RETURNED {
        return;
    }
    let number = current.context.regs.rax;
    current.context.regs.rax = error.as_return().cast_unsigned();
    if is_outcome(error) {
        current.interrupted = Some((number, error));
        // The signal path resolves it, even if the signal has gone meanwhile.
        current.task.notify(chronos::Work::SIGNAL);
    }
}

/// What a handler gives that has set the registers itself (`execve`, `rt_sigreturn`): nothing is to be added. No error of
/// Linux has this number.
pub(crate) const RETURNED: Errno = Errno::SET_REGISTERS;

/// A number without a row.
fn unknown(current: &mut Current) -> Result<(), Errno> {
    let number = current.context.regs.rax;
    let name = current.thread.name();
    let name = alloc::string::String::from_utf8_lossy(&name);
    hal::info!("hermes", "{}[{}]: unknown system call {number}", name.trim_end_matches('\0'), current.pid());
    Err(Errno::ENOSYS)
}

/// `restart_syscall`: finishes what was interrupted.
///
/// # Errors
/// Those of the interrupted call; `EINTR` when there is none.
pub fn restart_syscall(current: &mut Current) -> Outcome {
    match current.restart.take() {
        Some(restart) => restart(current),
        None => Err(Errno::EINTR),
    }
}

const _: () = assert!(nr::SET_MEMPOLICY_HOME_NODE < NUMBERS);

#[cfg(test)]
mod tests {
    use super::row;
    use abi::nr;

    #[test]
    fn rows_are_found_by_number() {
        assert_eq!(row(nr::READ).map(|row| row.name), Some("read"));
        assert_eq!(row(nr::EXECVE).map(|row| row.name), Some("execve"));
        assert!(row(nr::VSERVER).is_none());
        assert!(row(100_000).is_none());
    }
}
