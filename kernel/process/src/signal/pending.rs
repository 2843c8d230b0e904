//! Signals that were sent and not yet taken.
//!
//! Ordinary signals (1 to 31) are kept once, real-time signals each, in order. A set says which signals are pending; the
//! queue holds what is known about them. The two can differ: where no room was left for the information (an interrupt
//! cannot allocate), only the set has the signal, and the receiver learns nothing but its number, as on Linux.
//!
//! Room is made beforehand ([`Pending::take_room`]), so that nothing is allocated under the lock that protects this.

use super::info::Info;
use crate::user::Charge;
use abi::{SigSet, Signal};
use alloc::collections::VecDeque;

/// A queued signal, with its place in the user's account.
struct Queued {
    info: Info,
    _charge: Option<Charge>,
}

/// Room for the queue, allocated outside its lock.
pub struct Room(VecDeque<Queued>);

impl Room {
    /// Allocates room for `entries`; `None` when there is no memory.
    pub fn new(entries: usize) -> Option<Self> {
        let mut room = VecDeque::new();
        aegis::charge::reserve_exact(&mut room, entries).ok()?;
        Some(Self(room))
    }
}

/// The pending signals of a thread or of a process.
#[derive(Default)]
pub struct Pending {
    set: SigSet,
    queue: VecDeque<Queued>,
}

impl Pending {
    /// None.
    pub const fn new() -> Self {
        Self { set: SigSet::EMPTY, queue: VecDeque::new() }
    }

    /// Which signals are pending.
    #[inline]
    pub fn set(&self) -> SigSet {
        self.set
    }

    /// How large a [`Room`] is needed before the next signal can be queued; 0 if there is room.
    pub fn wanted_room(&self) -> usize {
        if self.queue.len() < self.queue.capacity() { 0 } else { self.queue.len().saturating_mul(2).max(4) }
    }

    /// Moves the queue into `room` if that is larger; what is no longer needed comes back, to be dropped without the lock.
    pub fn take_room(&mut self, mut room: Room) -> Room {
        if room.0.capacity() > self.queue.capacity() {
            room.0.append(&mut self.queue);
            core::mem::swap(&mut self.queue, &mut room.0);
        }
        room
    }

    /// Adds a signal. An ordinary signal that is pending already is not added again. Says whether the information was kept.
    pub fn add(&mut self, info: Info, charge: Option<Charge>) -> bool {
        let again = self.set.contains(info.signal);
        self.set = self.set.with(info.signal);
        if again && !info.signal.is_realtime() {
            return true;
        }
        let kept = self.queue.len() < self.queue.capacity();
        if kept {
            self.queue.push_back(Queued { info, _charge: charge });
        }
        kept
    }

    /// Which of the pending signals in `wanted` is next: faults of the thread itself first, then by number (Linux's
    /// `next_signal`).
    pub fn next(&self, wanted: SigSet) -> Option<Signal> {
        const SYNCHRONOUS: SigSet = SigSet::EMPTY
            .with(Signal::SIGSEGV)
            .with(Signal::SIGBUS)
            .with(Signal::SIGILL)
            .with(Signal::SIGTRAP)
            .with(Signal::SIGFPE)
            .with(Signal::SIGSYS);
        let ready = self.set.intersection(wanted);
        ready.intersection(SYNCHRONOUS).first().or_else(|| ready.first())
    }

    /// Takes the oldest instance of `signal`.
    pub fn take(&mut self, signal: Signal) -> Option<Info> {
        if !self.set.contains(signal) {
            return None;
        }
        let mut of_signal =
            self.queue.iter().enumerate().filter(|(_, q)| q.info.signal == signal).map(|(i, _)| i);
        let (first, more) = (of_signal.next(), of_signal.next().is_some());
        if !more {
            self.set = self.set.without(signal);
        }
        let queued = first.and_then(|index| self.queue.remove(index));
        Some(queued.map_or(Info::unknown(signal), |queued| queued.info))
    }

    /// Forgets all signals in `which`.
    pub fn discard(&mut self, which: SigSet) {
        if self.set.intersection(which).is_empty() {
            return;
        }
        self.set = self.set.difference(which);
        self.queue.retain(|queued| !which.contains(queued.info.signal));
    }

    /// The information of each queued signal, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Info> {
        self.queue.iter().map(|queued| &queued.info)
    }
}

#[cfg(test)]
mod tests {
    use super::{Pending, Room};
    use crate::signal::info::Info;
    use crate::user::{Account, Charge};
    use abi::{SigSet, Signal, Uid};
    use core::sync::atomic::{AtomicU64, Ordering};

    fn with_room() -> Pending {
        let mut pending = Pending::new();
        drop(pending.take_room(Room::new(8).unwrap()));
        pending
    }

    fn rt(n: u8) -> Signal {
        Signal::new(31 + n).unwrap()
    }

    #[test]
    fn an_ordinary_signal_is_kept_once() {
        let mut pending = with_room();
        pending.add(Info::user(Signal::SIGUSR1, 1, Uid(0)), None);
        pending.add(Info::user(Signal::SIGUSR1, 2, Uid(0)), None);
        assert_eq!(pending.take(Signal::SIGUSR1).unwrap().pid(), 1);
        assert_eq!(pending.take(Signal::SIGUSR1), None);
    }

    #[test]
    fn realtime_signals_are_kept_each_in_order() {
        let mut pending = with_room();
        for pid in 1..=3 {
            pending.add(Info::user(rt(3), pid, Uid(0)), None);
        }
        pending.add(Info::user(rt(2), 9, Uid(0)), None);
        assert_eq!(pending.next(SigSet::ALL), Some(rt(2)));
        let pids: std::vec::Vec<u32> = (0..3).map(|_| pending.take(rt(3)).unwrap().pid()).collect();
        assert_eq!(pids, [1, 2, 3]);
        assert!(!pending.set().contains(rt(3)));
        assert!(pending.set().contains(rt(2)));
    }

    #[test]
    fn faults_come_before_lower_numbers() {
        let mut pending = with_room();
        pending.add(Info::kernel(Signal::SIGHUP), None);
        pending.add(Info::kernel(Signal::SIGSEGV), None);
        assert_eq!(pending.next(SigSet::ALL), Some(Signal::SIGSEGV));
        assert_eq!(pending.next(SigSet::ALL.without(Signal::SIGSEGV)), Some(Signal::SIGHUP));
    }

    #[test]
    fn without_room_only_the_number_is_known() {
        let mut pending = Pending::new();
        assert!(!pending.add(Info::user(Signal::SIGTERM, 5, Uid(7)), None));
        assert_eq!(pending.take(Signal::SIGTERM), Some(Info::unknown(Signal::SIGTERM)));
        assert_eq!(pending.set(), SigSet::EMPTY);
    }

    #[test]
    fn places_in_the_account_come_back() {
        let account = Account::new(AtomicU64::new(0));
        let mut pending = with_room();
        pending.add(Info::kernel(rt(1)), Charge::take(&account, 2));
        pending.add(Info::kernel(rt(1)), Charge::take(&account, 2));
        assert!(Charge::take(&account, 2).is_none());
        pending.take(rt(1));
        assert_eq!(account.load(Ordering::Relaxed), 1);
        pending.discard(SigSet::ALL);
        assert_eq!(account.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn growing_keeps_what_is_queued() {
        let mut pending = Pending::new();
        for pid in 0..100 {
            let wanted = pending.wanted_room();
            if wanted > 0 {
                drop(pending.take_room(Room::new(wanted).unwrap()));
            }
            assert!(pending.add(Info::user(rt(1), pid, Uid(0)), None));
        }
        assert!((0..100).all(|pid| pending.take(rt(1)).unwrap().pid() == pid));
    }
}
