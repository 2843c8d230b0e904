//! Signals that were sent and not yet taken.
//!
//! Ordinary signals (1 to 31) are kept once, real-time signals each, in order. A set says which signals are pending; the
//! queue holds what is known about them. The two can differ: where no room was left for the information (an interrupt
//! cannot allocate), only the set has the signal, and the receiver learns nothing but its number, as on Linux.
//!
//! Room is made beforehand ([`Pending::take_room`]), so that nothing is allocated under the lock that protects this.
//!
//! Each POSIX timer has a place of its own, [kept](Pending::keep) from its making to its end: its signal is queued whatever else is
//! pending, also an ordinary one a second time.

use super::info::Info;
use crate::user::Charge;
use abi::{SigSet, Signal};
use alloc::collections::VecDeque;

/// A queued signal, with its place in the user's account.
struct Queued {
    info: Info,
    _charge: Option<Charge>,
    /// The timer whose place this is.
    timer: Option<i32>,
}

/// A signal that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What is known about it.
    pub info: Info,
    /// The timer that sent it, and still exists.
    pub timer: Option<i32>,
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
    /// The places of timers whose signals are not queued.
    kept: usize,
}

impl Pending {
    /// None.
    pub const fn new() -> Self {
        Self { set: SigSet::EMPTY, queue: VecDeque::new(), kept: 0 }
    }

    /// Which signals are pending.
    #[inline]
    pub fn set(&self) -> SigSet {
        self.set
    }

    /// How large a [`Room`] is needed before the next signal can be queued; 0 if there is room.
    pub fn wanted_room(&self) -> usize {
        if self.has_room() { 0 } else { self.queue.len().saturating_add(self.kept).saturating_mul(2).max(4) }
    }

    fn has_room(&self) -> bool {
        self.queue.len().saturating_add(self.kept) < self.queue.capacity()
    }

    /// Keeps a place for a timer; false: there is no room.
    pub fn keep(&mut self) -> bool {
        let has_room = self.has_room();
        self.kept += usize::from(has_room);
        has_room
    }

    /// Ends the keeping of a timer's place. A signal of it that is pending stays so.
    pub fn release(&mut self, timer: i32) {
        match self.queued_of(timer) {
            Some(queued) => queued.timer = None,
            None => self.kept = self.kept.saturating_sub(1),
        }
    }

    fn queued_of(&mut self, timer: i32) -> Option<&mut Queued> {
        self.queue.iter_mut().find(|queued| queued.timer == Some(timer))
    }

    /// Adds the signal of a timer for which a place [is kept](Pending::keep). While it is queued its overrun is counted instead.
    pub fn add_of_timer(&mut self, info: Info, timer: i32) {
        if let Some(queued) = self.queued_of(timer) {
            queued.info.count_overrun(1);
            return;
        }
        self.kept = self.kept.saturating_sub(1);
        self.set = self.set.with(info.signal);
        self.queue.push_back(Queued { info, _charge: None, timer: Some(timer) });
    }

    /// Moves the queue into `room` if that is larger; what is no longer needed comes back, to be dropped without the lock.
    pub fn take_room(&mut self, mut room: Room) -> Room {
        if room.0.capacity() > self.queue.capacity() {
            room.0.append(&mut self.queue);
            core::mem::swap(&mut self.queue, &mut room.0);
        }
        room
    }

    /// Adds a signal. An ordinary signal that is pending already is not added again. False: there is no room for the information,
    /// and the signal was added without; not at all if it `must_be_whole`.
    pub fn add(&mut self, info: Info, charge: Option<Charge>, must_be_whole: bool) -> bool {
        if self.set.contains(info.signal) && !info.signal.is_realtime() {
            return true;
        }
        let has_room = self.has_room();
        if has_room {
            self.queue.push_back(Queued { info, _charge: charge, timer: None });
        }
        if has_room || !must_be_whole {
            self.set = self.set.with(info.signal);
        }
        has_room
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
    pub fn take(&mut self, signal: Signal) -> Option<Taken> {
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
        let unknown = Taken { info: Info::unknown(signal), timer: None };
        let taken = queued.map_or(unknown, |queued| Taken { info: queued.info, timer: queued.timer });
        self.kept += usize::from(taken.timer.is_some());
        Some(taken)
    }

    /// Forgets all signals in `which`.
    pub fn discard(&mut self, which: SigSet) {
        if self.set.intersection(which).is_empty() {
            return;
        }
        self.set = self.set.difference(which);
        let kept = &mut self.kept;
        self.queue.retain(|queued| {
            let goes = which.contains(queued.info.signal);
            *kept += usize::from(goes && queued.timer.is_some());
            !goes
        });
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
        pending.add(Info::user(Signal::SIGUSR1, 1, Uid(0)), None, false);
        pending.add(Info::user(Signal::SIGUSR1, 2, Uid(0)), None, false);
        assert_eq!(pending.take(Signal::SIGUSR1).unwrap().info.pid(), 1);
        assert_eq!(pending.take(Signal::SIGUSR1), None);
    }

    #[test]
    fn realtime_signals_are_kept_each_in_order() {
        let mut pending = with_room();
        for pid in 1..=3 {
            pending.add(Info::user(rt(3), pid, Uid(0)), None, false);
        }
        pending.add(Info::user(rt(2), 9, Uid(0)), None, false);
        assert_eq!(pending.next(SigSet::ALL), Some(rt(2)));
        let pids: std::vec::Vec<u32> = (0..3).map(|_| pending.take(rt(3)).unwrap().info.pid()).collect();
        assert_eq!(pids, [1, 2, 3]);
        assert!(!pending.set().contains(rt(3)));
        assert!(pending.set().contains(rt(2)));
    }

    #[test]
    fn faults_come_before_lower_numbers() {
        let mut pending = with_room();
        pending.add(Info::kernel(Signal::SIGHUP), None, false);
        pending.add(Info::kernel(Signal::SIGSEGV), None, false);
        assert_eq!(pending.next(SigSet::ALL), Some(Signal::SIGSEGV));
        assert_eq!(pending.next(SigSet::ALL.without(Signal::SIGSEGV)), Some(Signal::SIGHUP));
    }

    #[test]
    fn without_room_only_the_number_is_known() {
        let mut pending = Pending::new();
        assert!(!pending.add(Info::user(Signal::SIGTERM, 5, Uid(7)), None, false));
        assert_eq!(pending.take(Signal::SIGTERM).unwrap().info, Info::unknown(Signal::SIGTERM));
        assert_eq!(pending.set(), SigSet::EMPTY);
        assert!(!pending.add(Info::user(rt(1), 5, Uid(7)), None, true));
        assert_eq!(pending.set(), SigSet::EMPTY);
    }

    #[test]
    fn a_timers_place_is_kept_for_it() {
        let mut pending = with_room();
        while pending.keep() {}
        assert!(pending.wanted_room() > 8);
        assert!(!pending.add(Info::user(rt(1), 1, Uid(0)), None, true));
        let of_timer = |timer| Info::timer(Signal::SIGALRM, timer, 0, 0);
        (0..8).for_each(|timer| pending.add_of_timer(of_timer(timer), timer));
        assert!(!pending.keep());
        pending.release(3);
        let taken: std::vec::Vec<_> = (0..4).map(|_| pending.take(Signal::SIGALRM).unwrap().timer).collect();
        assert_eq!(taken, [Some(0), Some(1), Some(2), None]);
        // The place of the timer that is gone is everybody's; those of the others are not.
        assert!(pending.add(Info::user(rt(1), 1, Uid(0)), None, true));
        assert!(!pending.add(Info::user(rt(1), 1, Uid(0)), None, true));
        pending.discard(SigSet::ALL);
        (0..8).filter(|timer| *timer != 3).for_each(|timer| pending.add_of_timer(of_timer(timer), timer));
        assert!(pending.add(Info::user(rt(1), 1, Uid(0)), None, true));
        assert!(!pending.add(Info::user(rt(1), 1, Uid(0)), None, true));
    }

    #[test]
    fn a_timer_that_is_queued_counts_overruns() {
        let mut pending = with_room();
        assert!(pending.keep());
        pending.add(Info::user(Signal::SIGALRM, 1, Uid(0)), None, false);
        for _ in 0..3 {
            pending.add_of_timer(Info::timer(Signal::SIGALRM, 5, 0, 0), 5);
        }
        pending.add(Info::user(Signal::SIGALRM, 1, Uid(0)), None, false);
        assert_eq!(pending.take(Signal::SIGALRM).unwrap().info.pid(), 1);
        assert_eq!(pending.take(Signal::SIGALRM).unwrap().info, Info::timer(Signal::SIGALRM, 5, 2, 0));
        assert_eq!(pending.take(Signal::SIGALRM), None);
    }

    #[test]
    fn places_in_the_account_come_back() {
        let account = Account::new(AtomicU64::new(0));
        let mut pending = with_room();
        pending.add(Info::kernel(rt(1)), Charge::take(&account, 2), false);
        pending.add(Info::kernel(rt(1)), Charge::take(&account, 2), false);
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
            assert!(pending.add(Info::user(rt(1), pid, Uid(0)), None, true));
        }
        assert!((0..100).all(|pid| pending.take(rt(1)).unwrap().info.pid() == pid));
    }
}
