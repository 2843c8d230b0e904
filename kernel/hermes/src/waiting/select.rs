//! `select`.

use abi::poll::SigsetArgument;
use abi::{Errno, Personality, PollEvents, SigSet, Timespec, Timeval};
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::{Fd, PollTable};
use chronos::{WaitError, WaitKind, Waiter};
use hal::Instant;
use process::Current;

use super::poll::{deadline, with_mask, write_remaining};
use crate::argument::{Argument, In, InOut};
use crate::row::Outcome;
use crate::support::{after, any_file, count, has_passed};

/// A set of descriptors in user memory: a bit each, in words.
type Set = InOut<u64>;

/// The three sets, as words.
struct Sets {
    words: [Vec<u64>; 3],
}

const WANTED: [PollEvents; 3] = [PollEvents::SELECT_IN, PollEvents::SELECT_OUT, PollEvents::SELECT_EXCEPT];

impl Sets {
    fn read(sets: [Set; 3], words: usize) -> Result<Self, Errno> {
        let mut read = [Vec::new(), Vec::new(), Vec::new()];
        for (to, set) in read.iter_mut().zip(sets) {
            aegis::charge::reserve(to, words)?;
            to.resize(words, 0);
            if !set.is_null() {
                let bytes = zerocopy::IntoBytes::as_mut_bytes(to.as_mut_slice());
                hal::user::read_bytes(set.address(), bytes).map_err(|_| Errno::EFAULT)?;
            }
        }
        Ok(Self { words: read })
    }

    fn write(&self, sets: [Set; 3]) -> Result<(), Errno> {
        for (words, set) in self.words.iter().zip(sets) {
            if !set.is_null() {
                let bytes = zerocopy::IntoBytes::as_bytes(words.as_slice());
                hal::user::write_bytes(set.address(), bytes).map_err(|_| Errno::EFAULT)?;
            }
        }
        Ok(())
    }

    fn empty(words: usize) -> Result<Self, Errno> {
        let null = || Set::from_raw(0);
        Self::read([null(), null(), null()], words)
    }

    fn clear(&mut self) {
        self.words.iter_mut().for_each(|words| words.fill(0));
    }

    fn word(&self, set: usize, index: usize) -> u64 {
        self.words.get(set).and_then(|words| words.get(index)).copied().unwrap_or(0)
    }

    fn set(&mut self, index: usize, values: [u64; 3]) {
        for (words, value) in self.words.iter_mut().zip(values) {
            if let Some(word) = words.get_mut(index) {
                *word = value;
            }
        }
    }
}

/// What the sets with this bit ask of a descriptor.
fn wanted(words: &[u64; 3], mask: u64) -> PollEvents {
    let sets = words.iter().zip(WANTED).filter(|(word, _)| **word & mask != 0);
    sets.fold(PollEvents::empty(), |wanted, (_, events)| wanted | events)
}

/// Asks each descriptor of the sets once. Gives how many bits are set in the answer.
fn ask(
    current: &Current,
    asked: &Sets,
    answer: &mut Sets,
    number: usize,
    mut table: Option<&PollTable>,
) -> Result<usize, Errno> {
    answer.clear();
    let mut ready = 0;
    for index in 0..number.div_ceil(64) {
        let words: [u64; 3] = core::array::from_fn(|set| asked.word(set, index));
        let mut answers = [0; 3];
        let [read, write, except] = words;
        let mut left = read | write | except;
        if index == number / 64 {
            left &= !(u64::MAX << (number % 64));
        }
        while left != 0 {
            let mask = left & left.wrapping_neg();
            left ^= mask;
            let fd = index * 64 + mask.trailing_zeros() as usize;
            let file = any_file(current, Fd(i32::try_from(fd).unwrap_or(-1)))?;
            if let Some(table) = table {
                table.set_interest(wanted(&words, mask));
            }
            let events = file.ops().poll(&file, table);
            if events.is_empty() {
                continue;
            }
            for ((word, answer), meaning) in words.iter().zip(&mut answers).zip(WANTED) {
                if word & mask != 0 && events.intersects(meaning) {
                    *answer |= mask;
                    ready += 1;
                    table = None; // nobody will wait
                }
            }
        }
        answer.set(index, answers);
    }
    Ok(ready)
}

fn select_until(current: &Current, number: i32, sets: [Set; 3], deadline: Option<Instant>) -> Outcome {
    let number = usize::try_from(number).map_err(|_| Errno::EINVAL)?;
    // Beyond the table's size nothing can be open.
    let number = number.min(current.files.size().max(1));
    let words = number.div_ceil(64);
    let asked = Sets::read(sets, words)?;
    let mut answer = Sets::empty(words)?;
    let expired = has_passed(deadline);
    let waiter = Waiter::new();
    let wake: Arc<dyn chronos::Wake> = waiter.clone();
    let table = PollTable::new(wake, PollEvents::empty());
    let first = if expired { None } else { Some(&table) };
    let mut ready = ask(current, &asked, &mut answer, number, first)?;
    let _subscriptions = if ready == 0 { Some(table.complete()?) } else { None };
    while ready == 0 && !expired {
        let outcome = waiter.wait(WaitKind::Interruptible, deadline);
        ready = ask(current, &asked, &mut answer, number, None)?;
        match outcome {
            Err(WaitError::Interrupted) if ready == 0 => return Err(Errno::RESTART_NO_HAND),
            Err(WaitError::TimedOut) => break,
            _ => {}
        }
    }
    answer.write(sets)?;
    count(ready)
}

/// `select`.
pub fn select(
    current: &mut Current,
    number: i32,
    read: InOut<u64>,
    write: InOut<u64>,
    except: InOut<u64>,
    timeout: InOut<Timeval>,
) -> Outcome {
    let until = match timeout.read_optional()? {
        Some(time) => {
            // Linux takes more than a second of microseconds, and carries it over.
            let (seconds, rest) = (time.tv_usec.div_euclid(1_000_000), time.tv_usec.rem_euclid(1_000_000));
            let tv_sec = time.tv_sec.checked_add(seconds).ok_or(Errno::EINVAL)?;
            let time = Timeval { tv_sec, tv_usec: rest };
            Some(after(time.to_duration().ok_or(Errno::EINVAL)?))
        }
        None => None,
    };
    let outcome = select_until(current, number, [read, write, except], until);
    let is_kept = current.thread.personality().contains(Personality::STICKY_TIMEOUTS);
    if let Some(until) = until.filter(|_| !is_kept) {
        let left = until.saturating_since(chronos::clock::now());
        let _ = timeout.write(&left.into()); // memory that cannot be written is no error
    }
    outcome
}

/// `pselect6`: the sixth argument points at a mask and its size.
pub fn pselect6(
    current: &mut Current,
    number: i32,
    read: InOut<u64>,
    write: InOut<u64>,
    except: InOut<u64>,
    timeout: InOut<Timespec>,
    mask: In<SigsetArgument>,
) -> Outcome {
    let until = deadline(timeout)?;
    let mask = mask.read_optional()?.unwrap_or_default();
    let set: In<SigSet> = In::from_raw(mask.set);
    let size = usize::try_from(mask.size).unwrap_or(usize::MAX);
    with_mask(current, set, size, |current| {
        let outcome = select_until(current, number, [read, write, except], until);
        write_remaining(current, timeout, until);
        outcome
    })
}
