//! Futexes (`futex(2)`).

use abi::process::RobustListHead;
use abi::process::futex as op;
use abi::{Errno, Timespec};
use alloc::boxed::Box;
use hal::{Instant, UserAddr};
use process::Current;
use process::futex::{self, Key, WakeOp};

use crate::argument::{Argument, In, Out};
use crate::row::Outcome;
use crate::support::{DONE, count, duration};

/// The modifiers of an operation.
const MODIFIERS: u32 = op::FUTEX_PRIVATE_FLAG | op::FUTEX_CLOCK_REALTIME;

/// A number of threads: Linux takes it as signed, and wakes one for 0 or less where it wakes at all.
fn number(value: u32) -> usize {
    usize::try_from(value.cast_signed()).unwrap_or(0)
}

/// `futex`. The fourth argument is a timeout or a number, by the operation.
pub fn futex(
    current: &mut Current,
    word: UserAddr,
    operation: u32,
    value: u32,
    timeout: u64,
    second: UserAddr,
    third: u32,
) -> Outcome {
    let private = operation & op::FUTEX_PRIVATE_FLAG != 0;
    let real = operation & op::FUTEX_CLOCK_REALTIME != 0;
    let command = operation & !MODIFIERS;
    if real && !matches!(command, op::FUTEX_WAIT_BITSET | op::FUTEX_WAIT_REQUEUE_PI | op::FUTEX_LOCK_PI2) {
        return Err(Errno::ENOSYS);
    }
    let time: In<Timespec> = In::from_raw(timeout);
    let keys = |current: &Current| -> Result<(Key, Key), Errno> {
        Ok((futex::key(current, word, private)?, futex::key(current, second, private)?))
    };
    let second_count = number(timeout as u32);
    match command {
        op::FUTEX_WAIT => {
            let until = match time.read_optional()? {
                Some(time) => Some(crate::support::after(duration(time)?)),
                None => None,
            };
            wait(current, word, private, value, op::FUTEX_BITSET_MATCH_ANY, until)
        }
        op::FUTEX_WAIT_BITSET => {
            let until = match time.read_optional()? {
                Some(time) if real => Some(chronos::clock::to_boot(duration(time)?)),
                Some(time) => Some(Instant::BOOT.saturating_add(duration(time)?)),
                None => None,
            };
            wait(current, word, private, value, third, until)
        }
        op::FUTEX_WAKE | op::FUTEX_WAKE_BITSET => {
            let bits = if command == op::FUTEX_WAKE { op::FUTEX_BITSET_MATCH_ANY } else { third };
            if bits == 0 {
                return Err(Errno::EINVAL);
            }
            let key = futex::key(current, word, private)?;
            count(futex::wake(key, number(value).max(1), bits))
        }
        op::FUTEX_REQUEUE | op::FUTEX_CMP_REQUEUE => {
            if value.cast_signed() < 0 || (timeout as i32) < 0 {
                return Err(Errno::EINVAL);
            }
            let keys = keys(current)?;
            let expected = (command == op::FUTEX_CMP_REQUEUE).then_some(third);
            let (woken, moved) = futex::requeue(keys, (number(value), second_count), word, expected)?;
            count(woken + moved)
        }
        op::FUTEX_WAKE_OP => {
            let operation = WakeOp::decode(third)?;
            let keys = keys(current)?;
            let counts = (number(value).max(1), second_count.max(1));
            count(futex::wake_op(keys, second, counts, operation)?)
        }
        _ => Err(Errno::ENOSYS),
    }
}

fn wait(
    current: &mut Current,
    word: UserAddr,
    private: bool,
    expected: u32,
    bits: u32,
    until: Option<Instant>,
) -> Outcome {
    if bits == 0 {
        return Err(Errno::EINVAL);
    }
    let key = futex::key(current, word, private)?;
    match futex::wait(key, word, expected, bits, until) {
        Ok(()) => DONE,
        // With a timeout, a restart must not begin it anew.
        Err(Errno::RESTART_SYS) if until.is_some() => {
            current.restart =
                Some(Box::new(move |current| wait(current, word, private, expected, bits, until)));
            Err(Errno::RESTART_BLOCK)
        }
        Err(error) => Err(error),
    }
}

/// `set_robust_list`.
pub fn set_robust_list(current: &mut Current, head: UserAddr, size: usize) -> Outcome {
    if size != size_of::<RobustListHead>() {
        return Err(Errno::EINVAL);
    }
    current.robust_list = head;
    DONE
}

/// `get_robust_list`: of the calling thread.
pub fn get_robust_list(current: &mut Current, tid: i32, head: Out<u64>, size: Out<u64>) -> Outcome {
    if tid != 0 && tid != current.tid().cast_signed() {
        let exists = u32::try_from(tid).is_ok_and(|tid| process::table::thread(tid).is_some());
        return Err(if exists { Errno::EPERM } else { Errno::ESRCH });
    }
    size.write(&(size_of::<RobustListHead>() as u64))?;
    head.write(&current.robust_list.get())?;
    DONE
}
