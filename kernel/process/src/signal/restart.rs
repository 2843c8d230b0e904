//! What becomes of an interrupted system call: the only place that turns the kernel's restart outcomes into what user space
//! sees (Linux's `handle_signal` and `arch_do_signal_or_restart`).

use abi::{Errno, nr};
use hal::Registers;

/// The length of the `SYSCALL` instruction: so far back lies the call that is to be made again.
const SYSCALL_LENGTH: u64 = 2;

/// Whether a call's result is one of the outcomes that this module resolves.
pub fn is_outcome(error: Errno) -> bool {
    matches!(
        error,
        Errno::RESTART_SYS | Errno::RESTART_NO_INTR | Errno::RESTART_NO_HAND | Errno::RESTART_BLOCK
    )
}

/// Who looks at the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A handler is about to run; says whether its action has `SA_RESTART`.
    Handler {
        /// The flag.
        restart: bool,
    },
    /// No handler runs: the signal was ignored, stopped the process, or went to another thread.
    NoHandler,
}

/// Sets the registers for what follows: the error `EINTR`, or the call again. `number` is the interrupted call's.
pub fn resolve(registers: &mut Registers, number: u64, outcome: Errno, cause: Cause) {
    let again = match (outcome, cause) {
        (Errno::RESTART_NO_INTR, _) | (_, Cause::NoHandler) => true,
        (Errno::RESTART_SYS, Cause::Handler { restart }) => restart,
        _ => false,
    };
    if !again {
        registers.rax = Errno::EINTR.as_return().cast_unsigned();
        return;
    }
    registers.rip = registers.rip.wrapping_sub(SYSCALL_LENGTH);
    registers.rax = if outcome == Errno::RESTART_BLOCK { nr::RESTART_SYSCALL as u64 } else { number };
}

#[cfg(test)]
mod tests {
    use super::{Cause, resolve};
    use abi::{Errno, nr};
    use hal::Registers;

    const READ: u64 = 0;
    const EINTR: u64 = -4i64 as u64;

    fn after(outcome: Errno, cause: Cause) -> (u64, u64) {
        let mut registers = Registers { rip: 0x1002, rax: 99, ..Registers::default() };
        resolve(&mut registers, READ, outcome, cause);
        (registers.rip, registers.rax)
    }

    #[test]
    fn every_outcome_meets_every_cause_as_on_linux() {
        let handler = |restart| Cause::Handler { restart };
        let again = (0x1000, READ);
        let interrupted = (0x1002, EINTR);
        let block = (0x1000, nr::RESTART_SYSCALL as u64);
        for (outcome, with_restart, without, no_handler) in [
            (Errno::RESTART_SYS, again, interrupted, again),
            (Errno::RESTART_NO_INTR, again, again, again),
            (Errno::RESTART_NO_HAND, interrupted, interrupted, again),
            (Errno::RESTART_BLOCK, interrupted, interrupted, block),
        ] {
            assert_eq!(after(outcome, handler(true)), with_restart, "{outcome:?}");
            assert_eq!(after(outcome, handler(false)), without, "{outcome:?}");
            assert_eq!(after(outcome, Cause::NoHandler), no_handler, "{outcome:?}");
        }
    }
}
