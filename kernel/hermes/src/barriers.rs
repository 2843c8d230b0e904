//! Barriers on all processors (`membarrier(2)`).
//!
//! Whatever is asked for, every processor takes part, in an interrupt: what ran there has all memory accesses before it behind
//! it, and the interrupt's end is serialising, as changed code wants it. Programs of others are interrupted for a moment, too.

use abi::Errno;
use abi::memory::BarrierCommands as Command;
use process::Current;

use crate::row::Outcome;
use crate::support::DONE;

fn everywhere() -> Outcome {
    hal::cpu::on_each(hal::cpu::serialise);
    DONE
}

fn registered(current: &Current, wanted: Command) -> Outcome {
    if current.program.barriers().contains(wanted) { everywhere() } else { Err(Errno::EPERM) }
}

/// `membarrier`. The processor has a meaning only for restartable sequences, which there are none.
pub fn membarrier(current: &mut Current, command: Command, flags: u32, _processor: i32) -> Outcome {
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    match command {
        Command::GLOBAL | Command::GLOBAL_EXPEDITED => everywhere(),
        Command::PRIVATE_EXPEDITED => registered(current, Command::REGISTER_PRIVATE_EXPEDITED),
        Command::PRIVATE_EXPEDITED_SYNC_CORE => {
            registered(current, Command::REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)
        }
        Command::REGISTER_GLOBAL_EXPEDITED
        | Command::REGISTER_PRIVATE_EXPEDITED
        | Command::REGISTER_PRIVATE_EXPEDITED_SYNC_CORE => {
            current.program.register_barriers(command);
            DONE
        }
        query if query.is_empty() => Ok(u64::from(Command::all().bits())),
        _ => Err(Errno::EINVAL),
    }
}
