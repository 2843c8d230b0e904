//! `poll`.

use abi::poll::Pollfd;
use abi::{Errno, Personality, PollEvents, Resource, SigSet, Timespec};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::{Fd, PollTable};
use chronos::{WaitError, WaitKind, Waiter};
use core::time::Duration;
use hal::Instant;
use process::Current;

use crate::argument::{In, InOut};
use crate::row::Outcome;
use crate::support::{after, any_file, count, duration, has_passed};

/// Asks each descriptor once; with a table, so that its changes wake the caller. Gives how many have something to tell.
fn ask(current: &Current, list: &mut [Pollfd], mut table: Option<&PollTable>) -> usize {
    let mut ready = 0;
    for entry in list {
        entry.revents = 0;
        if entry.fd < 0 {
            continue;
        }
        let wanted = PollEvents::from_bits_retain(u32::from(entry.events)) | PollEvents::ALWAYS;
        let events = match any_file(current, Fd(entry.fd)) {
            Ok(file) if !file.flags().contains(abi::OpenFlags::PATH) => {
                if let Some(table) = table {
                    table.set_interest(wanted);
                }
                file.ops().poll(&file, table) & wanted
            }
            _ => PollEvents::NVAL,
        };
        if !events.is_empty() {
            entry.revents = events.bits() as u16;
            ready += 1;
            // Nobody will wait, and no further file need wake the caller.
            table = None;
        }
    }
    ready
}

/// Waits until a descriptor of the list has something to tell.
///
/// # Errors
/// [`Errno::RESTART_NO_HAND`] when a signal came; `ENOMEM`.
fn wait_for(current: &Current, list: &mut [Pollfd], deadline: Option<Instant>) -> Result<usize, Errno> {
    let expired = has_passed(deadline);
    if expired {
        return Ok(ask(current, list, None));
    }
    let waiter = Waiter::new();
    let wake: Arc<dyn chronos::Wake> = waiter.clone();
    let table = PollTable::new(wake, PollEvents::empty());
    let mut ready = ask(current, list, Some(&table));
    let _subscriptions = if ready == 0 { Some(table.complete()?) } else { None };
    while ready == 0 {
        match waiter.wait(WaitKind::Interruptible, deadline) {
            Ok(()) => ready = ask(current, list, None),
            Err(WaitError::TimedOut) => return Ok(ask(current, list, None)),
            Err(WaitError::Interrupted) => {
                ready = ask(current, list, None);
                if ready == 0 {
                    return Err(Errno::RESTART_NO_HAND);
                }
            }
        }
    }
    Ok(ready)
}

fn read_list(current: &Current, list: InOut<Pollfd>, number: u32) -> Result<Vec<Pollfd>, Errno> {
    if u64::from(number) > current.process.limits.current(Resource::Nofile) {
        return Err(Errno::EINVAL);
    }
    let number = number as usize;
    let mut entries: Vec<Pollfd> = Vec::new();
    aegis::charge::reserve(&mut entries, number)?;
    entries.resize(number, Pollfd::default());
    let bytes = zerocopy::IntoBytes::as_mut_bytes(entries.as_mut_slice());
    hal::user::read_bytes(list.address(), bytes).map_err(|_| Errno::EFAULT)?;
    Ok(entries)
}

/// Only the answers are written: what was asked may lie in memory that another thread changes.
fn write_answers(list: InOut<Pollfd>, entries: &[Pollfd]) -> Result<(), Errno> {
    let bytes = zerocopy::IntoBytes::as_bytes(entries);
    hal::user::write_bytes(list.address(), bytes).map_err(|_| Errno::EFAULT)
}

fn poll_until(current: &Current, list: InOut<Pollfd>, number: u32, deadline: Option<Instant>) -> Outcome {
    let mut entries = read_list(current, list, number)?;
    let outcome = wait_for(current, &mut entries, deadline);
    write_answers(list, &entries)?;
    count(outcome?)
}

/// `poll`: the timeout is in milliseconds, a negative one is none.
pub fn poll(current: &mut Current, list: InOut<Pollfd>, number: u32, timeout: i32) -> Outcome {
    let deadline = u64::try_from(timeout).ok().map(|ms| after(Duration::from_millis(ms)));
    match poll_until(current, list, number, deadline) {
        Err(Errno::RESTART_NO_HAND) => {
            current.restart = Some(Box::new(move |current| restarted(current, list, number, deadline)));
            Err(Errno::RESTART_BLOCK)
        }
        outcome => outcome,
    }
}

fn restarted(current: &mut Current, list: InOut<Pollfd>, number: u32, deadline: Option<Instant>) -> Outcome {
    match poll_until(current, list, number, deadline) {
        Err(Errno::RESTART_NO_HAND) => {
            current.restart = Some(Box::new(move |current| restarted(current, list, number, deadline)));
            Err(Errno::RESTART_BLOCK)
        }
        outcome => outcome,
    }
}

/// Runs `wait` with another signal mask; a handler that ends it returns to the present one.
///
/// # Errors
/// `EINVAL`: a set of another size; `EFAULT`.
pub(super) fn with_mask(
    current: &mut Current,
    mask: In<SigSet>,
    size: usize,
    wait: impl FnOnce(&mut Current) -> Outcome,
) -> Outcome {
    if mask.is_null() {
        return wait(current);
    }
    if size != size_of::<SigSet>() {
        return Err(Errno::EINVAL);
    }
    let mask = mask.read()?;
    let saved = current.thread.blocked();
    current.set_blocked(mask);
    let outcome = wait(current);
    if matches!(outcome, Err(Errno::RESTART_NO_HAND | Errno::EINTR)) {
        current.saved_mask = Some(saved); // the signal path restores it
        current.task.notify(chronos::Work::SIGNAL);
    } else {
        current.set_blocked(saved);
    }
    outcome
}

/// The deadline of a `timespec` timeout; none for the null pointer.
///
/// # Errors
/// `EINVAL`, `EFAULT`.
pub(super) fn deadline(timeout: InOut<Timespec>) -> Result<Option<Instant>, Errno> {
    match timeout.read_optional()? {
        Some(time) => Ok(Some(after(duration(time)?))),
        None => Ok(None),
    }
}

/// Writes the time left, as Linux does; a bad address or read-only memory is no error.
pub(super) fn write_remaining(current: &Current, timeout: InOut<Timespec>, deadline: Option<Instant>) {
    let is_kept = current.thread.personality().contains(Personality::STICKY_TIMEOUTS);
    if let Some(deadline) = deadline.filter(|_| !is_kept) {
        let left = deadline.saturating_since(chronos::clock::now());
        let _ = timeout.write(&left.into());
    }
}

/// `ppoll`.
pub fn ppoll(
    current: &mut Current,
    list: InOut<Pollfd>,
    number: u32,
    timeout: InOut<Timespec>,
    mask: In<SigSet>,
    size: usize,
) -> Outcome {
    let until = deadline(timeout)?;
    with_mask(current, mask, size, |current| {
        let outcome = poll_until(current, list, number, until);
        write_remaining(current, timeout, until);
        outcome
    })
}
