//! Futexes: waiting for a word in memory to change.
//!
//! A word of private memory is known by its address space and address; a word of a shared mapping by the memory object and
//! the place in it, so that two processes that map a file meet. Source: `futex(2)`.

mod queues;

pub use queues::{Check, Key, Queues, Sleeper};

use crate::current::Current;
use abi::Errno;
use abi::process::RobustListHead;
use abi::process::futex as op;
use alloc::sync::Arc;
use chronos::{WaitError, WaitKind};
use hal::{Instant, UserAddr, user};

static QUEUES: Queues = Queues::new();

/// The key of a word. `private` is the caller's promise that only its own address space uses the word.
///
/// # Errors
/// `EINVAL`: not aligned; `EFAULT`: nothing is mapped there.
#[inline]
pub fn key(current: &Current, word: UserAddr, private: bool) -> Result<Key, Errno> {
    if !word.get().is_multiple_of(4) {
        return Err(Errno::EINVAL);
    }
    if !word.is_user_range(4) {
        return Err(Errno::EFAULT);
    }
    let own = Key::Private(Arc::as_ptr(&current.program.space).addr(), word.get());
    if private {
        return Ok(own);
    }
    // The page must be there, so that it is known what is mapped.
    user::load_u32(word).map_err(|_| Errno::EFAULT)?;
    let space = &current.program.space;
    match space.shared_place(word) {
        Some((object, offset)) => Ok(Key::Shared(object, offset)),
        // What nobody can change is nothing to wait for, says Linux.
        None if space.is_constant(word) => Err(Errno::EFAULT),
        None => Ok(own),
    }
}

/// Waits until the word at `key` is woken for one of `bits`, if it still is `expected`.
///
/// # Errors
/// `EAGAIN`: it is not; `EFAULT`; `ETIMEDOUT`; [`Errno::RESTART_SYS`]: a signal came.
pub fn wait(
    key: Key,
    word: UserAddr,
    expected: u32,
    bits: u32,
    deadline: Option<Instant>,
) -> Result<(), Errno> {
    let sleeper = Sleeper::new(key);
    loop {
        // Preemption is off while the bucket is locked, so the read does not sleep.
        let look = || match user::load_u32(word) {
            Ok(value) if value == expected => Check::Same,
            Ok(_) => Check::Differs,
            Err(_) => Check::Unreadable,
        };
        match QUEUES.enter(key, bits, &sleeper, look) {
            Some(Check::Same) => break,
            Some(Check::Differs) => return Err(Errno::EAGAIN),
            Some(Check::Unreadable) => user::load_u32(word).map_err(|_| Errno::EFAULT).map(drop)?,
            None => return Err(Errno::ENOMEM),
        }
    }
    loop {
        let outcome = sleeper.waiter.wait(WaitKind::Interruptible, deadline);
        if sleeper.is_woken() {
            return Ok(());
        }
        match outcome {
            Ok(()) => {}
            // Woken at the last moment after all, if it is on no queue any more.
            Err(error) => {
                return match (QUEUES.leave(&sleeper), error) {
                    (false, _) => Ok(()),
                    (true, WaitError::TimedOut) => Err(Errno::ETIMEDOUT),
                    (true, WaitError::Interrupted) => Err(Errno::RESTART_SYS),
                };
            }
        }
    }
}

/// Wakes up to `count` threads that wait at `key`.
#[inline]
pub fn wake(key: Key, count: usize, bits: u32) -> usize {
    QUEUES.wake(key, count, bits)
}

/// `FUTEX_REQUEUE` and `FUTEX_CMP_REQUEUE`: wakes some and lets others wait elsewhere; gives the numbers of both.
///
/// # Errors
/// `EAGAIN`: the word is not `expected`; `EFAULT`; `ENOMEM`.
pub fn requeue(
    keys: (Key, Key),
    counts: (usize, usize),
    word: UserAddr,
    expected: Option<u32>,
) -> Result<(usize, usize), Errno> {
    loop {
        let look = || match expected.map(|expected| (user::load_u32(word), expected)) {
            None => Ok(()),
            Some((Ok(value), expected)) if value == expected => Ok(()),
            Some((Ok(_), _)) => Err(Errno::EAGAIN),
            Some((Err(_), _)) => Err(Errno::EFAULT),
        };
        match QUEUES.requeue(keys, counts, look) {
            Some(Err(Errno::EFAULT)) => user::load_u32(word).map_err(|_| Errno::EFAULT).map(drop)?,
            Some(outcome) => return outcome,
            None => return Err(Errno::ENOMEM),
        }
    }
}

/// What `FUTEX_WAKE_OP` does to the second word, and what it compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WakeOp {
    operation: u32,
    operand: i32,
    comparison: u32,
    compared: i32,
}

impl WakeOp {
    /// Decodes the call's sixth argument.
    ///
    /// # Errors
    /// `ENOSYS`: an unknown operation or comparison.
    pub fn decode(encoded: u32) -> Result<Self, Errno> {
        const SHIFTED: u32 = 8;
        let signed = |value: u32| ((value << 20).cast_signed()) >> 20;
        let (operation, comparison) = (encoded >> 28 & 0xf, encoded >> 24 & 0xf);
        let mut operand = signed(encoded >> 12 & 0xfff);
        if operation & SHIFTED != 0 {
            operand = 1i32.wrapping_shl(operand.cast_unsigned());
        }
        let operation = operation & !SHIFTED;
        if operation > 4 || comparison > 5 {
            return Err(Errno::ENOSYS);
        }
        Ok(Self { operation, operand, comparison, compared: signed(encoded & 0xfff) })
    }

    /// The new value of the word.
    pub fn apply(self, old: u32) -> u32 {
        let operand = self.operand.cast_unsigned();
        match self.operation {
            0 => operand,
            1 => old.wrapping_add(operand),
            2 => old | operand,
            3 => old & !operand,
            _ => old ^ operand,
        }
    }

    /// Whether the old value lets the second word's waiters be woken.
    pub fn holds(self, old: u32) -> bool {
        let old = old.cast_signed();
        match self.comparison {
            0 => old == self.compared,
            1 => old != self.compared,
            2 => old < self.compared,
            3 => old <= self.compared,
            4 => old > self.compared,
            _ => old >= self.compared,
        }
    }
}

/// `FUTEX_WAKE_OP`: changes the second word; wakes waiters of the first, and of the second if its old value says so.
///
/// # Errors
/// `EFAULT`.
pub fn wake_op(
    keys: (Key, Key),
    second_word: UserAddr,
    counts: (usize, usize),
    operation: WakeOp,
) -> Result<usize, Errno> {
    let old = change_word(second_word, |old| operation.apply(old)).ok_or(Errno::EFAULT)?;
    let woken = wake(keys.0, counts.0, op::FUTEX_BITSET_MATCH_ANY);
    let more = if operation.holds(old) { wake(keys.1, counts.1, op::FUTEX_BITSET_MATCH_ANY) } else { 0 };
    Ok(woken + more)
}

/// Replaces a word by what `change` makes of it, at once; gives the old value, or `None` for a bad address.
fn change_word(word: UserAddr, change: impl Fn(u32) -> u32) -> Option<u32> {
    let mut old = user::load_u32(word).ok()?;
    loop {
        let seen = user::compare_exchange_u32(word, old, change(old)).ok()?;
        if seen == old {
            return Some(old);
        }
        old = seen;
    }
}

/// Wakes one waiter of a word, wherever its memory is shared: for `clear_child_tid`.
pub(crate) fn wake_address(current: &Current, word: UserAddr) {
    if let Ok(key) = key(current, word, false) {
        wake(key, 1, op::FUTEX_BITSET_MATCH_ANY);
    }
    if let Ok(key) = key(current, word, true) {
        wake(key, 1, op::FUTEX_BITSET_MATCH_ANY);
    }
}

/// Passes on the robust futexes that a thread still holds at its end (`get_robust_list(2)`): marks each as left by a dead owner
/// and wakes a waiter. The list is the program's, so nothing in it is believed: it ends at the first bad address or after
/// [`op::ROBUST_LIST_LIMIT`] entries.
pub(crate) fn abandon_robust_list(current: &Current, head: UserAddr) {
    let Ok(list) = user::read::<RobustListHead>(head) else { return };
    // Bit 0 of an entry's address says that it is a priority-inheriting futex.
    let place = |entry: u64| UserAddr::new((entry & !1).wrapping_add_signed(list.futex_offset));
    let pending = list.list_op_pending;
    let mut entry = list.list;
    for _ in 0..op::ROBUST_LIST_LIMIT {
        if entry & !1 == head.get() {
            break;
        }
        let next = user::read::<u64>(UserAddr::new(entry & !1));
        if entry != pending && abandon(current, place(entry)).is_none() {
            return;
        }
        let Ok(next) = next else { return };
        entry = next;
    }
    if pending != 0 {
        abandon(current, place(pending));
    }
}

fn abandon(current: &Current, word: UserAddr) -> Option<()> {
    let own = current.tid();
    let value = user::load_u32(word).ok()?;
    if value & op::FUTEX_TID_MASK != own {
        return Some(());
    }
    let old = change_word(word, |old| {
        if old & op::FUTEX_TID_MASK == own { (old & op::FUTEX_WAITERS) | op::FUTEX_OWNER_DIED } else { old }
    })?;
    if old & op::FUTEX_WAITERS != 0 {
        wake_address(current, word);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::WakeOp;
    use abi::Errno;

    fn encode(operation: u32, comparison: u32, operand: i32, compared: i32) -> u32 {
        operation << 28
            | comparison << 24
            | (operand.cast_unsigned() & 0xfff) << 12
            | compared.cast_unsigned() & 0xfff
    }

    #[test]
    fn wake_operations_compute_as_the_manual_says() {
        let apply =
            |operation, operand, old| WakeOp::decode(encode(operation, 0, operand, 0)).unwrap().apply(old);
        assert_eq!(apply(0, -1, 7), u32::MAX);
        assert_eq!(apply(1, -1, 7), 6);
        assert_eq!(apply(2, 8, 7), 15);
        assert_eq!(apply(3, 5, 7), 2);
        assert_eq!(apply(4, 5, 7), 2);
        assert_eq!(apply(8, 4, 7), 16, "shifted operand");
        let holds = |comparison, compared, old| {
            WakeOp::decode(encode(0, comparison, 0, compared)).unwrap().holds(old)
        };
        assert!(holds(2, 0, u32::MAX), "signed");
        assert!(holds(0, 5, 5) && holds(1, 5, 6) && holds(3, 5, 5) && holds(4, 5, 6) && holds(5, 5, 5));
        assert_eq!(WakeOp::decode(encode(5, 0, 0, 0)), Err(Errno::ENOSYS));
        assert_eq!(WakeOp::decode(encode(0, 6, 0, 0)), Err(Errno::ENOSYS));
    }
}
