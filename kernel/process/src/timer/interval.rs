//! `setitimer`, `alarm`, and `RLIMIT_CPU`.

use super::{ForProcess, State, processor_time, timer_of};
use crate::process::Process;
use crate::signal::{Info, send};
use abi::{Resource, Signal};
use alloc::sync::Arc;
use core::time::Duration;
use hal::Instant;

/// What a timer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Kind {
    /// Real time: SIGALRM.
    Real = 0,
    /// Time in the program: SIGVTALRM.
    Virtual = 1,
    /// Processor time: SIGPROF.
    Profile = 2,
}

/// A timer's setting: how long until it fires (zero: never), and how long from then on each time (zero: once).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// Until the next time.
    pub value: Duration,
    /// Between the times after that.
    pub interval: Duration,
}

/// A timer as it stands: when it fires, counted in what it counts.
#[derive(Clone, Copy)]
pub(super) struct Armed {
    at: Option<Duration>,
    interval: Duration,
}

impl Armed {
    pub const OFF: Self = Self { at: None, interval: Duration::ZERO };

    fn setting(&self, now: Duration) -> Interval {
        /// A timer that is about to fire still shows a little time (Linux: 1 µs).
        const LEAST: Duration = Duration::from_micros(1);
        let value = self.at.map_or(Duration::ZERO, |at| at.saturating_sub(now).max(LEAST));
        Interval { value, interval: self.interval }
    }

    /// Whether its time has come; if so, it is set for the next.
    fn take_due(&mut self, now: Duration) -> bool {
        let Some(at) = self.at.filter(|at| *at <= now) else { return false };
        self.at = (!self.interval.is_zero()).then(|| {
            let missed = now.saturating_sub(at).as_nanos() / self.interval.as_nanos().max(1);
            let steps = u32::try_from(missed + 1).unwrap_or(u32::MAX);
            at.saturating_add(self.interval.saturating_mul(steps))
        });
        true
    }
}

fn now_for(process: &Process, kind: Kind) -> Duration {
    match kind {
        Kind::Real => chronos::clock::now().since_boot(),
        Kind::Virtual => processor_time(process).0,
        Kind::Profile => processor_time(process).1,
    }
}

fn instant(since_boot: Duration) -> Instant {
    Instant::BOOT.saturating_add(since_boot)
}

/// `getitimer`.
pub fn get(process: &Process, kind: Kind) -> Interval {
    let now = now_for(process, kind);
    let state = process.timers.state.lock_irq();
    state.intervals.get(kind as usize).map(|armed| armed.setting(now)).unwrap_or_default()
}

/// `setitimer`; gives the old setting.
pub fn set(process: &Arc<Process>, kind: Kind, new: Interval) -> Interval {
    let now = now_for(process, kind);
    let at = (!new.value.is_zero()).then(|| now.saturating_add(new.value));
    let armed = Armed { at, interval: new.interval };
    let old = {
        let mut state = process.timers.state.lock_irq();
        let slot = state.intervals.get_mut(kind as usize);
        slot.map_or(Armed::OFF, |slot| core::mem::replace(slot, armed))
    };
    match kind {
        Kind::Real => program_real(process, None),
        Kind::Virtual | Kind::Profile => program_processor(process),
    }
    old.setting(now)
}

/// Asks to be called when the timer of real time is due, but not before `not_before`.
fn program_real(process: &Arc<Process>, mut not_before: Option<Instant>) {
    let handler = || Arc::new(ForProcess { process: Arc::downgrade(process), fire: real_fired }) as Arc<_>;
    let Some(timer) = timer_of(&process.timers.real, handler) else { return };
    let due = || {
        let [real, ..] = &process.timers.state.lock_irq().intervals;
        real.at.map(instant)
    };
    loop {
        let at = due();
        match at {
            Some(at) => timer.set(not_before.take().map_or(at, |moment| at.max(moment))),
            None => timer.cancel(),
        }
        // Whoever set it meanwhile may have asked before this did.
        if due() == at {
            return;
        }
        not_before = None;
    }
}

fn real_fired(process: &Arc<Process>) {
    let now = chronos::clock::now().since_boot();
    let due = {
        let [real, ..] = &mut process.timers.state.lock_irq().intervals;
        real.take_due(now)
    };
    let seen = !process.signals.lock_irq().pending.set().contains(Signal::SIGALRM);
    if due {
        send::from_interrupt(process, Info::kernel(Signal::SIGALRM));
    }
    program_real(process, (!seen).then(super::unseen));
}

/// After a change of `RLIMIT_CPU`: the first signal is due when the limit is reached.
pub fn limit_changed(process: &Arc<Process>) {
    let seconds = process.limits.current(Resource::Cpu);
    let limit = (seconds != abi::process::RLIM_INFINITY).then(|| Duration::from_secs(seconds));
    process.timers.state.lock_irq().limit = limit;
    program_processor(process);
}

/// Sets the timer for when the first timer of processor time could be reached.
fn program_processor(process: &Arc<Process>) {
    let handler =
        || Arc::new(ForProcess { process: Arc::downgrade(process), fire: processor_fired }) as Arc<_>;
    loop {
        let due = of_processor_time(&process.timers.state.lock_irq());
        let first = first_due(process, due);
        if first.is_none() && process.timers.processor.get().is_none() {
            return;
        }
        let Some(timer) = timer_of(&process.timers.processor, handler) else { return };
        match first {
            Some(moment) => timer.set(moment),
            None => timer.cancel(),
        }
        // As for real time.
        if of_processor_time(&process.timers.state.lock_irq()) == due {
            return;
        }
    }
}

/// When the timers of processor time are due: of time in the program, of all time, and the limit.
fn of_processor_time(state: &State) -> [Option<Duration>; 3] {
    let [_, in_program, all] = &state.intervals;
    [in_program.at, all.at, state.limit]
}

/// When a timer of processor time can fire at the earliest.
fn first_due(process: &Process, [in_program, all, limit]: [Option<Duration>; 3]) -> Option<Instant> {
    let (user, total) = processor_time(process);
    let waits = [
        in_program.map(|at| at.saturating_sub(user)),
        all.map(|at| at.saturating_sub(total)),
        limit.map(|at| at.saturating_sub(total)),
    ];
    waits.into_iter().flatten().min().map(|wait| super::earliest(wait, process.thread_count()))
}

fn processor_fired(process: &Arc<Process>) {
    let (user, total) = processor_time(process);
    let limits = process.limits.get(Resource::Cpu);
    let (virtual_due, profile_due, limit_signal) = {
        let mut state = process.timers.state.lock_irq();
        let limit_signal = match state.limit {
            Some(at) if at <= total => {
                let over = total >= Duration::from_secs(limits.rlim_max);
                // From the limit on once a second, at the maximum the end (getrlimit(2)).
                state.limit = Some(at.saturating_add(Duration::from_secs(1)));
                Some(if over { Signal::SIGKILL } else { Signal::SIGXCPU })
            }
            _ => None,
        };
        let [_, in_program, all] = &mut state.intervals;
        (in_program.take_due(user), all.take_due(total), limit_signal)
    };
    let due =
        [virtual_due.then_some(Signal::SIGVTALRM), profile_due.then_some(Signal::SIGPROF), limit_signal];
    for signal in due.into_iter().flatten() {
        send::from_interrupt(process, Info::kernel(signal));
    }
    program_processor(process);
}

#[cfg(test)]
mod tests {
    use super::{Armed, Interval};
    use core::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_periodic_timer_keeps_its_rhythm_when_it_is_late() {
        let mut armed = Armed { at: Some(2 * SECOND), interval: SECOND };
        assert!(!armed.take_due(SECOND));
        assert!(armed.take_due(4 * SECOND + SECOND / 2));
        assert_eq!(armed.at, Some(5 * SECOND));
    }

    #[test]
    fn a_single_timer_fires_once() {
        let mut armed = Armed { at: Some(SECOND), interval: Duration::ZERO };
        assert!(armed.take_due(SECOND));
        assert_eq!(armed.setting(SECOND), Interval::default());
        assert!(!armed.take_due(2 * SECOND));
    }
}
