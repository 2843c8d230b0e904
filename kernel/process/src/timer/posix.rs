//! POSIX timers (`timer_create(2)`).

use super::clock::{Clock, Share};
use crate::lock_classes;
use crate::process::Process;
use crate::signal::Info;
use crate::signal::send::{self, Sent};
use crate::table;
use crate::thread::Thread;
use crate::user::Charge;
use abi::{Errno, Signal};
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
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
    /// When it is due, as its [`Counted`] counts.
    at: Option<Duration>,
    interval: Duration,
    /// Another one for each setting: who was at work with an earlier one sees it.
    serial: u64,
    /// The signal was sent and not yet taken: further expiries are counted instead.
    is_queued: bool,
    /// Expiries that no signal was sent for.
    missed: u32,
    /// Those of the signal taken last (`timer_getoverrun`).
    overrun: u32,
}

/// What a timer's times are counted in. It keeps nobody alive whose time it counts.
enum Counted {
    /// Time since boot; wall time is turned into it when the timer is set.
    Boot,
    Process(Weak<Process>, Share),
    Thread(Weak<Thread>, Share),
}

impl Counted {
    fn new(clock: &Clock) -> Self {
        match clock {
            Clock::Real | Clock::Monotonic => Self::Boot,
            Clock::Process(process, share) => Self::Process(Arc::downgrade(process), *share),
            Clock::Thread(thread, share) => Self::Thread(Arc::downgrade(thread), *share),
        }
    }

    /// The time; none when who spent it is gone. Also in the timer interrupt.
    fn now(&self) -> Option<Duration> {
        match self {
            Self::Boot => Some(chronos::clock::now().since_boot()),
            Self::Process(process, share) => Some(share.of_process(&*process.upgrade()?)),
            Self::Thread(thread, share) => share.of_thread(&*thread.upgrade()?),
        }
    }

    /// The time for a call: who has no number any more is gone, though the time may still be read for a while.
    fn shown(&self) -> Option<Duration> {
        match self {
            Self::Boot => {}
            Self::Process(process, _) => {
                let process = process.upgrade()?;
                table::process(process.pid()).filter(|found| Arc::ptr_eq(found, &process))?;
            }
            Self::Thread(thread, _) => {
                let thread = thread.upgrade()?;
                table::thread(thread.tid()).filter(|found| Arc::ptr_eq(found, &thread))?;
            }
        }
        self.now()
    }

    /// When `at` is there at the earliest. Processor time passes as fast as there are threads.
    fn moment(&self, at: Duration) -> Option<Instant> {
        let threads = match self {
            Self::Boot => return Some(Instant::BOOT.saturating_add(at)),
            Self::Process(process, _) => process.upgrade()?.thread_count(),
            Self::Thread(..) => 1,
        };
        Some(super::earliest(at.saturating_sub(self.now()?), threads))
    }
}

pub(super) struct PosixTimer {
    id: i32,
    counted: Counted,
    is_real: bool,
    notify: Notify,
    value: u64,
    process: Weak<Process>,
    state: SpinLock<State>,
    timer: Once<chronos::Timer>,
    /// Deleted: its place among the pending signals is no longer kept. Changed with these locked.
    is_deleted: AtomicBool,
    /// The signal that it keeps of its user's.
    _charge: Charge,
}

/// What a timer takes of the kernel's memory.
const TIMER_BYTES: usize = 1024;

impl chronos::TimerHandler for PosixTimer {
    fn fire(&self) {
        let Some(process) = self.process.upgrade() else { return };
        let Some(now) = self.counted.now() else { return };
        let fired = self.expire(now);
        // Not due: processor time passed more slowly, or it was set again at the moment when it fired.
        let Some((serial, sends, next)) = fired else { return self.program(None) };
        let is_ignored = sends && self.send(&process) == Sent::Ignored;
        {
            let mut state = self.state.lock_irq();
            if state.serial != serial {
                return;
            }
            // Not before the signal is there: who sees that the timer is not set any more finds it.
            state.at = next;
            if is_ignored {
                // It goes on by itself: the signal may be heard later.
                state.is_queued = false;
                state.missed = state.missed.saturating_add(1);
            }
        }
        // Nobody sees how often it expires before the signal is taken; it is counted all the same.
        let is_seen = sends && !is_ignored;
        self.program((!is_seen).then(super::unseen));
    }
}

impl PosixTimer {
    /// Takes what is due by `now`: the setting that expired, whether a signal has to be sent, and when it is due next.
    fn expire(&self, now: Duration) -> Option<(u64, bool, Option<Duration>)> {
        let mut state = self.state.lock_irq();
        let at = state.at.filter(|at| *at <= now)?;
        let (mut expiries, mut next) = (1, None);
        if !state.interval.is_zero() {
            let late = now.saturating_sub(at).as_nanos() / state.interval.as_nanos().max(1);
            expiries = u32::try_from(late + 1).unwrap_or(u32::MAX);
            next = Some(at.saturating_add(state.interval.saturating_mul(expiries)));
        }
        let sends = !state.is_queued && !matches!(self.notify, Notify::Nothing);
        let counted = if sends { expiries - 1 } else { expiries };
        state.missed = state.missed.saturating_add(counted);
        state.is_queued |= sends;
        Some((state.serial, sends, next))
    }

    fn send(&self, process: &Arc<Process>) -> Sent {
        let exists = || !self.is_deleted.load(Ordering::Relaxed);
        let send = |signal, thread| {
            let info = Info::timer(signal, self.id, 0, self.value);
            send::of_timer(process, thread, info, self.id, exists)
        };
        match &self.notify {
            Notify::Nothing => Sent::Done,
            Notify::Process(signal) => send(*signal, None),
            Notify::Thread(signal, thread) => match thread.upgrade() {
                Some(thread) => send(*signal, Some(&thread)),
                None => Sent::Done,
            },
        }
    }

    /// Asks to be called when it is due, but not before `not_before`.
    fn program(&self, mut not_before: Option<Instant>) {
        let Some(timer) = self.timer.get() else { return };
        loop {
            let (at, serial) = {
                let state = self.state.lock_irq();
                (state.at, state.serial)
            };
            match at.and_then(|at| self.counted.moment(at)) {
                Some(at) => timer.set(not_before.take().map_or(at, |moment| at.max(moment))),
                None => timer.cancel(),
            }
            // Whoever set it meanwhile may have asked before this did.
            if self.state.lock_irq().serial == serial {
                return;
            }
            not_before = None;
        }
    }

    /// Gives up what is kept for its signal.
    fn delete(&self, process: &Process) {
        let release = |thread| {
            send::release_place(process, thread, self.id, || self.is_deleted.store(true, Ordering::Relaxed));
        };
        match &self.notify {
            Notify::Nothing => {}
            Notify::Process(_) => release(None),
            Notify::Thread(_, thread) => {
                if let Some(thread) = thread.upgrade() {
                    release(Some(&thread));
                }
            }
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
/// `EAGAIN`: the user has `RLIMIT_SIGPENDING` signals queued, of which each
/// timer keeps one, or there is no memory.
pub fn create(
    process: &Arc<Process>,
    clock: &Clock,
    notify: Notify,
    value: Option<u64>,
) -> Result<i32, Errno> {
    aegis::charge::admit(TIMER_BYTES).map_err(|_| Errno::EAGAIN)?;
    let charge = send::charge_for(process).ok_or(Errno::EAGAIN)?;
    // A place for the signal now: its sender is an interrupt.
    let has_place = match &notify {
        Notify::Nothing => true,
        Notify::Process(_) => send::keep_place(process, None),
        Notify::Thread(_, thread) => {
            thread.upgrade().is_none_or(|thread| send::keep_place(process, Some(&thread)))
        }
    };
    if !has_place {
        return Err(Errno::EAGAIN);
    }
    let id = process.timers.state.lock_irq().posix.take_number();
    let mut timer = Arc::new(PosixTimer {
        id,
        counted: Counted::new(clock),
        is_real: clock.is_real(),
        notify,
        value: value.unwrap_or(u64::try_from(id).unwrap_or(0)),
        process: Arc::downgrade(process),
        state: SpinLock::new(&lock_classes::TIMERS_ONE, State::default()),
        timer: Once::new(),
        is_deleted: AtomicBool::new(false),
        _charge: charge,
    });
    let handler = Arc::new(Handler(Arc::downgrade(&timer)));
    let _ = timer.timer.set(chronos::Timer::new(handler)); // the first and only time
    loop {
        let added = process.timers.state.lock_irq().posix.add(id, timer);
        let Err(refused) = added else { return Ok(id) };
        // Another thread may be faster, and take the room.
        if let Err(error) = make_room(process) {
            refused.delete(process);
            return Err(error);
        }
        timer = refused;
    }
}

/// Makes room for one more timer. `EAGAIN`: there is no memory.
fn make_room(process: &Process) -> Result<(), Errno> {
    let wanted = process.timers.state.lock_irq().posix.wanted_room();
    let mut room = Vec::new();
    aegis::charge::reserve_exact(&mut room, wanted).map_err(|_| Errno::EAGAIN)?;
    process.timers.state.lock_irq().posix.take_room(&mut room);
    Ok(())
}

fn find(process: &Process, id: i32) -> Result<Arc<PosixTimer>, Errno> {
    process.timers.state.lock_irq().posix.get(id).cloned().ok_or(Errno::EINVAL)
}

impl PosixTimer {
    fn setting(&self, state: &State, now: Duration) -> PosixSetting {
        /// As for interval timers: not zero while it is set.
        const LEAST: Duration = Duration::from_nanos(1);
        let value = state.at.map_or(Duration::ZERO, |at| at.saturating_sub(now).max(LEAST));
        PosixSetting { value, interval: state.interval }
    }
}

/// `timer_settime`; gives the old setting. `absolute`: the value is a time of the timer's clock.
///
/// # Errors
/// `EINVAL`: no such timer; `ESRCH`: it counts the processor time of somebody who is gone.
pub fn set(process: &Process, id: i32, new: PosixSetting, absolute: bool) -> Result<PosixSetting, Errno> {
    let timer = find(process, id)?;
    let now = timer.counted.shown().ok_or(Errno::ESRCH)?;
    let at = match new.value {
        Duration::ZERO => None,
        value if absolute && timer.is_real => Some(chronos::clock::to_boot(value).since_boot()),
        value if absolute => Some(value),
        value => Some(now.saturating_add(value)),
    };
    let old = {
        let mut state = timer.state.lock_irq();
        let old = timer.setting(&state, now);
        let serial = state.serial + 1;
        *state = State { at, interval: new.interval, serial, ..State::default() };
        old
    };
    timer.program(None);
    Ok(old)
}

/// `timer_gettime`.
///
/// # Errors
/// `EINVAL`: no such timer.
pub fn get(process: &Process, id: i32) -> Result<PosixSetting, Errno> {
    let timer = find(process, id)?;
    let now = timer.counted.shown();
    let state = timer.state.lock_irq();
    Ok(match now {
        Some(now) => timer.setting(&state, now),
        // Whose processor time has ended never gets there.
        None => PosixSetting { value: Duration::ZERO, interval: state.interval },
    })
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
    let deleted = process.timers.state.lock_irq().posix.remove(id).ok_or(Errno::EINVAL)?;
    deleted.delete(process);
    Ok(())
}

/// Deletes all timers of a process.
pub(crate) fn delete_all(process: &Process) {
    let deleted = process.timers.state.lock_irq().posix.take_all();
    deleted.for_each(|timer| timer.delete(process));
}

/// A timer's signal is being taken: says in it how often the timer expired meanwhile. With the process's signals locked.
pub(crate) fn signal_taken(process: &Process, id: i32, info: &mut Info) {
    let Ok(timer) = find(process, id) else { return };
    let mut state = timer.state.lock_irq();
    // Not so: the signal is one of an earlier setting.
    if core::mem::take(&mut state.is_queued) && !state.interval.is_zero() {
        info.count_overrun(core::mem::take(&mut state.missed));
        state.overrun = info.overrun();
    }
}
