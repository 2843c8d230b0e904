//! A queue: sending, receiving, and waiting for either.
//!
//! Who waits gets what it waits for from the other side: a message is handed to a receiver without ever being in the queue, and
//! a sender's is put into the queue by who makes room. So nobody who comes later can be faster.

use super::content::{Line, Message, Messages, Turn};
use super::registration::{Notice, Registration};
use crate::current::Current;
use crate::lock_classes;
use crate::process::Process;
use crate::user::Charge;
use abi::{Errno, PollEvents};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use chroma::PollTable;
use chronos::{Events, Policy, WaitError, WaitKind, WaitQueue, Waiter};
use hal::{Instant, SpinLock};

/// A queue.
pub struct Queue {
    shape: Shape,
    state: SpinLock<State>,
    /// Where those wait who poll.
    changed: Arc<WaitQueue>,
    /// What it takes of its user's bytes.
    _charge: Charge,
    _place: super::Place,
}

/// How many messages a queue holds, and how long they may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Messages.
    pub messages: u64,
    /// Bytes of one.
    pub bytes: u64,
}

#[derive(Default)]
struct State {
    messages: Messages,
    receivers: Line<Arc<Waiter>>,
    senders: Line<(Arc<Waiter>, Message)>,
    /// What receivers that have been served have not taken yet.
    handed: BTreeMap<Turn, Message>,
    registration: Option<Registration>,
}

/// How urgent the running thread is: as Linux counts, lower is more so.
fn rank(current: &Current) -> i32 {
    let scheduling = current.task.scheduling();
    match scheduling.policy {
        Policy::Fifo(priority) | Policy::RoundRobin(priority) => 99 - i32::from(priority),
        Policy::Fair | Policy::Batch | Policy::Idle => 120 + i32::from(scheduling.nice),
    }
}

/// Whether a call waits, and until when.
#[derive(Clone, Copy)]
pub enum Patience {
    /// Not at all (`O_NONBLOCK`).
    None,
    /// As long as it takes, or until then.
    Until(Option<Instant>),
}

impl Patience {
    fn waits(self) -> Result<(), Errno> {
        if matches!(self, Self::None) { Err(Errno::EAGAIN) } else { Ok(()) }
    }
}

impl Queue {
    pub(super) fn new(shape: Shape, charge: Charge, place: super::Place) -> Self {
        Self {
            shape,
            state: SpinLock::new(&lock_classes::IPC_QUEUE, State::default()),
            changed: Arc::new(WaitQueue::new()),
            _charge: charge,
            _place: place,
        }
    }

    /// What fits into it.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// How many messages are in it.
    pub fn count(&self) -> u64 {
        self.state.lock().messages.count()
    }

    /// Sends a message no longer than the shape says; whether it did not have to wait.
    ///
    /// # Errors
    /// `EAGAIN`, `ETIMEDOUT`: it is full; a signal's.
    pub fn send(&self, current: &Current, message: Message, patience: Patience) -> Result<bool, Errno> {
        let rank = rank(current);
        let (waiter, turn) = {
            let mut state = self.state.lock();
            if state.messages.count() < self.shape.messages {
                if let Some((turn, receiver)) = state.receivers.serve() {
                    state.handed.insert(turn, message);
                    drop(state);
                    receiver.wake_thread();
                    return Ok(true);
                }
                state.messages.add(message);
                let registration = if state.messages.count() == 1 { state.registration.take() } else { None };
                drop(state);
                registration.into_iter().for_each(|registration| registration.tell(current));
                self.changed.wake_all(Events::all());
                return Ok(true);
            }
            patience.waits()?;
            let waiter = Waiter::new();
            let turn = state.senders.enter(rank, (waiter.clone(), message));
            (waiter, turn)
        };
        self.wait(&waiter, patience, |state| state.senders.leave(turn))?;
        Ok(false)
    }

    /// Receives a message; whether it did not have to wait.
    ///
    /// # Errors
    /// `EAGAIN`, `ETIMEDOUT`: there is none; a signal's.
    pub fn receive(&self, current: &Current, patience: Patience) -> Result<(Message, bool), Errno> {
        let rank = rank(current);
        let (waiter, turn) = {
            let mut state = self.state.lock();
            if let Some(message) = state.messages.take() {
                let sender = state.senders.serve().map(|(_, (sender, next))| {
                    state.messages.add(next);
                    sender
                });
                drop(state);
                match sender {
                    Some(sender) => sender.wake_thread(),
                    // Where a sender took the room there is none for those who poll.
                    None => self.changed.wake_all(Events::all()),
                }
                return Ok((message, true));
            }
            patience.waits()?;
            let waiter = Waiter::new();
            let turn = state.receivers.enter(rank, waiter.clone());
            (waiter, turn)
        };
        self.wait(&waiter, patience, |state| state.receivers.leave(turn))?;
        let handed = self.state.lock().handed.remove(&turn);
        handed.map(|message| (message, false)).ok_or(Errno::EAGAIN)
    }

    /// Waits until the other side has served the thread; whoever has been served has been, whatever else happened.
    fn wait<T>(
        &self,
        waiter: &Waiter,
        patience: Patience,
        leave: impl Fn(&mut State) -> Option<T>,
    ) -> Result<(), Errno> {
        let until = if let Patience::Until(until) = patience { until } else { None };
        // Nobody wakes a waiter but who has served it.
        let Err(error) = waiter.wait(WaitKind::Interruptible, until) else { return Ok(()) };
        let left = leave(&mut self.state.lock());
        match (left, error) {
            (None, _) => Ok(()),
            (Some(_), WaitError::TimedOut) => Err(Errno::ETIMEDOUT),
            (Some(_), WaitError::Interrupted) => Err(Errno::RESTART_SYS),
        }
    }

    /// `mq_notify`: registers the process, or ends its registration; says whether anything changed.
    ///
    /// # Errors
    /// `EBUSY`: somebody is registered.
    pub fn notify(&self, current: &Current, notice: Option<Notice>) -> Result<bool, Errno> {
        let Some(notice) = notice else { return Ok(self.forget(&current.process)) };
        let mut state = self.state.lock();
        if state.registration.is_some() {
            return Err(Errno::EBUSY);
        }
        state.registration = Some(Registration::new(current, notice));
        Ok(true)
    }

    /// Ends the registration of a process, if it has one here.
    pub(super) fn forget(&self, process: &Arc<Process>) -> bool {
        let ended = {
            let mut state = self.state.lock();
            let is_its = state.registration.as_ref().is_some_and(|registration| registration.is_of(process));
            if is_its { state.registration.take() } else { None }
        };
        ended.is_some()
    }

    pub(super) fn poll(&self, table: Option<&PollTable>) -> PollEvents {
        let (readable, writable) =
            (PollEvents::IN | PollEvents::RDNORM, PollEvents::OUT | PollEvents::WRNORM);
        if let Some(table) = table {
            table.watch(&self.changed, readable | writable);
        }
        let count = self.count();
        let mut events = PollEvents::empty();
        events.set(readable, count > 0);
        events.set(writable, count < self.shape.messages);
        events
    }

    /// What the queue's file says.
    pub(super) fn describe(&self) -> String {
        let (bytes, shown) = {
            let state = self.state.lock();
            (state.messages.bytes(), state.registration.as_ref().map(Registration::shown))
        };
        let (kind, signal, pid) = shown.unwrap_or_default();
        alloc::format!("QSIZE:{bytes:<10} NOTIFY:{kind:<5} SIGNO:{signal:<5} NOTIFY_PID:{pid:<6}\n")
    }
}
