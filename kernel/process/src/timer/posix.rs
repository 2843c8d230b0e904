//! POSIX timers (`timer_create(2)`).

use super::Clock;
use crate::lock_classes;
use crate::process::Process;
use crate::signal::{Info, Room, send};
use crate::thread::Thread;
use crate::user::Charge;
use abi::{Errno, Signal};
use alloc::sync::{Arc, Weak};
use core::time::Duration;
use hal::{Instant, Once, SpinLock};

/// What a timer's expiry does.
#[derive(Clone)]
pub enum Notify {
    /// Nothing.
    Nothing,
    /// A signal to the process.
    Process(Signal),
    /// A signal to one of its threads.
    Thread(Signal, Weak<Thread>),
}

/// A setting: how long until it fires (zero: never), how long between the times after that (zero: once).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PosixSetting {
    /// Until the next time.
    pub value: Duration,
    /// Between the times after that.
    pub interval: Duration,
}

#[derive(Default)]
struct State {
    at: Option<Instant>,
    interval: Duration,
    /// The signal was sent and not yet taken: further expiries are counted instead.
    is_queued: bool,
    /// Expiries since the signal was sent.
    missed: u32,
    /// Those of the signal taken last (`timer_getoverrun`).
    overrun: u32,
}

pub(super) struct PosixTimer {
    id: i32,
    clock: Clock,
    notify: Notify,
    value: u64,
    process: Weak<Process>,
    state: SpinLock<State>,
    timer: Once<chronos::Timer>,
    /// The signal that it keeps of its user's.
    _charge: Charge,
}

/// What a timer takes of the kernel's memory.
const TIMER_BYTES: usize = 1024;

impl chronos::TimerHandler for PosixTimer {
    fn fire(&self) {
        let Some(process) = self.process.upgrade() else { return };
        let (sends, next) = {
            let mut state = self.state.lock_irq();
            let now = chronos::clock::now();
            let mut expiries = 1;
            state.at = match (state.at, state.interval) {
                (Some(at), interval) if !interval.is_zero() => {
                    let late = now.saturating_since(at).as_nanos() / interval.as_nanos().max(1);
                    expiries = u32::try_from(late + 1).unwrap_or(u32::MAX);
                    Some(at.saturating_add(interval.saturating_mul(expiries)))
                }
                _ => None,
            };
            let sends = !state.is_queued && !matches!(self.notify, Notify::Nothing);
            let counted = if sends { expiries - 1 } else { expiries };
            state.missed = state.missed.saturating_add(counted);
            state.is_queued |= sends;
            (sends, state.at)
        };
        let info = |signal| Info::timer(signal, self.id, 0, self.value);
        match &self.notify {
            Notify::Process(signal) if sends => send::from_interrupt(&process, info(*signal)),
            Notify::Thread(signal, thread) if sends => {
                if let Some(thread) = thread.upgrade() {
                    send::thread_from_interrupt(&thread, info(*signal));
                }
            }
            _ => {}
        }
        if let (Some(timer), Some(next)) = (self.timer.get(), next) {
            // Nobody sees how often it expires before the signal is taken; it is counted all the same.
            timer.set(if sends { next } else { next.max(super::unseen()) });
        }
    }
}

/// Handed to chronos: a timer must not keep itself alive.
struct Handler(Weak<PosixTimer>);

impl chronos::TimerHandler for Handler {
    fn fire(&self) {
        if let Some(timer) = self.0.upgrade() {
            timer.fire();
        }
    }
}

/// Makes a timer; gives its number. `value` is what the signal carries; `None`: the timer's own number.
///
/// # Errors
/// `EOPNOTSUPP`: a clock that cannot be waited for; `EAGAIN`: the user has `RLIMIT_SIGPENDING` signals queued, of which each
/// timer keeps one, or there is no memory.
pub fn create(
    process: &Arc<Process>,
    clock: Clock,
    notify: Notify,
    value: Option<u64>,
) -> Result<i32, Errno> {
    if clock.instant(Duration::ZERO).is_none() {
        return Err(Errno::EOPNOTSUPP);
    }
    aegis::charge::admit(TIMER_BYTES).map_err(|_| Errno::EAGAIN)?;
    let charge = send::charge_for(process).ok_or(Errno::EAGAIN)?;
    // Room for the signal now: its sender is an interrupt.
    let room = Room::new(16).ok_or(Errno::EAGAIN)?;
    drop(match &notify {
        Notify::Thread(_, thread) => thread.upgrade().map(|thread| thread.pending.lock_irq().take_room(room)),
        _ => Some(process.signals.lock_irq().pending.take_room(room)),
    });
    let id = {
        let mut state = process.timers.state.lock_irq();
        let id = state.next_posix;
        state.next_posix = id.wrapping_add(1).max(0);
        id
    };
    let timer = Arc::new(PosixTimer {
        id,
        clock,
        notify,
        value: value.unwrap_or(u64::try_from(id).unwrap_or(0)),
        process: Arc::downgrade(process),
        state: SpinLock::new(&lock_classes::TIMERS_ONE, State::default()),
        timer: Once::new(),
        _charge: charge,
    });
    let handler = Arc::new(Handler(Arc::downgrade(&timer)));
    let _ = timer.timer.set(chronos::Timer::new(handler)); // the first and only time
    let replaced = process.timers.state.lock_irq().posix.insert(id, timer);
    drop(replaced);
    Ok(id)
}

fn find(process: &Process, id: i32) -> Result<Arc<PosixTimer>, Errno> {
    process.timers.state.lock_irq().posix.get(&id).cloned().ok_or(Errno::EINVAL)
}

impl PosixTimer {
    fn setting(state: &State) -> PosixSetting {
        /// As for interval timers: not zero while it is set.
        const LEAST: Duration = Duration::from_nanos(1);
        let now = chronos::clock::now();
        let value = state.at.map_or(Duration::ZERO, |at| at.saturating_since(now).max(LEAST));
        PosixSetting { value, interval: state.interval }
    }
}

/// `timer_settime`; gives the old setting. `absolute`: the value is a time of the timer's clock.
///
/// # Errors
/// `EINVAL`: no such timer.
pub fn set(process: &Process, id: i32, new: PosixSetting, absolute: bool) -> Result<PosixSetting, Errno> {
    let timer = find(process, id)?;
    let at = match new.value {
        Duration::ZERO => None,
        value if absolute => timer.clock.instant(value),
        value => Some(chronos::clock::now().saturating_add(value)),
    };
    let old = {
        let mut state = timer.state.lock_irq();
        let old = PosixTimer::setting(&state);
        *state = State { at, interval: new.interval, is_queued: false, missed: 0, overrun: 0 };
        old
    };
    match (timer.timer.get(), at) {
        (Some(inner), Some(at)) => inner.set(at),
        (Some(inner), None) => inner.cancel(),
        (None, _) => {}
    }
    Ok(old)
}

/// `timer_gettime`.
///
/// # Errors
/// `EINVAL`: no such timer.
pub fn get(process: &Process, id: i32) -> Result<PosixSetting, Errno> {
    let timer = find(process, id)?;
    let state = timer.state.lock_irq();
    Ok(PosixTimer::setting(&state))
}

/// `timer_getoverrun`: how often the timer expired again before its last signal was taken.
///
/// # Errors
/// `EINVAL`: no such timer.
pub fn overrun(process: &Process, id: i32) -> Result<u32, Errno> {
    let timer = find(process, id)?;
    let overrun = timer.state.lock_irq().overrun;
    Ok(overrun)
}

/// `timer_delete`.
///
/// # Errors
/// `EINVAL`: no such timer.
pub fn delete(process: &Process, id: i32) -> Result<(), Errno> {
    let deleted = process.timers.state.lock_irq().posix.remove(&id);
    deleted.map(drop).ok_or(Errno::EINVAL)
}

/// A timer's signal is being taken: says how often it expired meanwhile. With the process's signals locked.
pub(crate) fn signal_taken(process: &Process, id: i32) -> u32 {
    let Ok(timer) = find(process, id) else { return 0 };
    let mut state = timer.state.lock_irq();
    state.is_queued = false;
    state.overrun = core::mem::take(&mut state.missed);
    state.overrun
}
