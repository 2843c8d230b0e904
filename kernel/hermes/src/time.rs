//! Time.

use abi::signal::{SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD, SIGEV_THREAD_ID, Sigevent};
use abi::time::{
    ITIMER_PROF, ITIMER_REAL, ITIMER_VIRTUAL, Itimerspec, Itimerval, TIMER_ABSTIME, Timex, Timezone, Tms,
};
use abi::{Errno, Signal, Timespec, Timeval};
use alloc::boxed::Box;
use alloc::sync::Arc;
use chroma::cred::Cap;
use chronos::WaitKind;
use core::time::Duration;
use hal::Instant;
use process::timer::{Clock, Interval, Kind, Notify, PosixSetting, interval, posix};
use process::usage::ticks;
use process::{Current, table};

use crate::argument::{In, InOut, Out};
use crate::row::Outcome;
use crate::support::{DONE, after, duration};

/// `time`.
pub fn time(_current: &mut Current, to: Out<i64>) -> Outcome {
    let seconds = chronos::clock::realtime().as_secs();
    to.write_optional(&i64::try_from(seconds).unwrap_or(i64::MAX))?;
    Ok(seconds)
}

/// `gettimeofday`.
pub fn gettimeofday(_current: &mut Current, to: Out<Timeval>, zone: Out<Timezone>) -> Outcome {
    to.write_optional(&chronos::clock::realtime().into())?;
    zone.write_optional(&Timezone::default())?;
    DONE
}

/// `settimeofday`.
pub fn settimeofday(current: &mut Current, time: In<Timeval>, _zone: In<Timezone>) -> Outcome {
    let Some(time) = time.read_optional()? else { return DONE };
    let time = time.to_duration().ok_or(Errno::EINVAL)?;
    current.cred.require(Cap::SYS_TIME)?;
    chronos::clock::set_realtime(time).map_err(|_| Errno::EINVAL)?;
    DONE
}

/// `clock_gettime`.
pub fn clock_gettime(current: &mut Current, clock: i32, to: Out<Timespec>) -> Outcome {
    let now = Clock::from_number(current, clock)?.now();
    to.write(&now.into())?;
    DONE
}

/// `clock_getres`: clocks count nanoseconds.
pub fn clock_getres(current: &mut Current, clock: i32, to: Out<Timespec>) -> Outcome {
    use abi::time::clock::{CLOCK_MONOTONIC_COARSE, CLOCK_REALTIME_COARSE};
    Clock::from_number(current, clock)?;
    // Linux's coarse clocks move with its tick, and so do two of the three kinds of processor time that have negative numbers;
    // ours are the fine ones, which is finer than promised.
    let is_coarse = match clock {
        CLOCK_REALTIME_COARSE | CLOCK_MONOTONIC_COARSE => true,
        _ => clock < 0 && matches!(clock & 3, 0 | 1),
    };
    let resolution = if is_coarse { Duration::from_millis(4) } else { Duration::from_nanos(1) };
    to.write_optional(&resolution.into())?;
    DONE
}

/// `clock_settime`.
pub fn clock_settime(current: &mut Current, clock: i32, time: In<Timespec>) -> Outcome {
    if clock > 0 {
        return Err(Errno::EINVAL);
    }
    let time = time.read()?;
    if clock < 0 {
        // Processor time cannot be set by anybody.
        Clock::from_number(current, clock)?;
        return Err(Errno::EPERM);
    }
    let time = duration(time)?;
    current.cred.require(Cap::SYS_TIME)?;
    chronos::clock::set_realtime(time).map_err(|_| Errno::EINVAL)?;
    DONE
}

/// `adjtimex` and `clock_adjtime`: the clock's state; it is never slewed.
pub fn adjtimex(current: &mut Current, timex: InOut<Timex>) -> Outcome {
    const TIME_ERROR: u64 = 5;
    let mut state = timex.read()?;
    if state.modes != 0 {
        current.cred.require(Cap::SYS_TIME)?;
        return Err(Errno::EINVAL);
    }
    let time = chronos::clock::realtime();
    const UNSYNCHRONISED: i32 = 0x40;
    state = Timex {
        maxerror: 16_000_000,
        esterror: 16_000_000,
        status: UNSYNCHRONISED,
        constant: 2,
        precision: 1,
        tolerance: 32_768_000,
        time: time.into(),
        tick: 10_000,
        ..Timex::default()
    };
    timex.write(&state)?;
    Ok(TIME_ERROR)
}

fn sleep_until(current: &mut Current, until: Instant, remaining: Out<Timespec>, absolute: bool) -> Outcome {
    match chronos::sleep(WaitKind::Interruptible, until) {
        Ok(()) => DONE,
        Err(_) if absolute => Err(Errno::RESTART_NO_HAND),
        Err(_) => {
            let left = until.saturating_since(chronos::clock::now());
            remaining.write_optional(&left.into())?;
            current.restart = Some(Box::new(move |current| sleep_until(current, until, remaining, false)));
            Err(Errno::RESTART_BLOCK)
        }
    }
}

/// `nanosleep`.
pub fn nanosleep(current: &mut Current, time: In<Timespec>, remaining: Out<Timespec>) -> Outcome {
    let until = after(duration(time.read()?)?);
    sleep_until(current, until, remaining, false)
}

/// `clock_nanosleep`.
pub fn clock_nanosleep(
    current: &mut Current,
    clock: i32,
    flags: u32,
    time: In<Timespec>,
    remaining: Out<Timespec>,
) -> Outcome {
    use abi::time::clock::CLOCK_THREAD_CPUTIME_ID;
    if clock == CLOCK_THREAD_CPUTIME_ID {
        return Err(Errno::EOPNOTSUPP);
    }
    let clock = Clock::to_wait_for(current, clock)?;
    let time = duration(time.read()?)?;
    let is_absolute = flags & TIMER_ABSTIME != 0;
    if let Clock::Thread(thread, _) = &clock
        && Arc::ptr_eq(thread, &current.thread)
    {
        return Err(Errno::EINVAL);
    }
    match clock.instant(time) {
        Some(until) if is_absolute => sleep_until(current, until, remaining, true),
        Some(_) => sleep_until(current, after(time), remaining, false),
        None if is_absolute => sleep_until_spent(current, &clock, time, remaining, true),
        None => {
            let until = clock.now().saturating_add(time);
            sleep_until_spent(current, &clock, until, remaining, false)
        }
    }
}

/// Sleeps until a clock of processor time shows `until`.
fn sleep_until_spent(
    current: &mut Current,
    clock: &Clock,
    until: Duration,
    remaining: Out<Timespec>,
    absolute: bool,
) -> Outcome {
    match clock.sleep_until_spent(until) {
        Ok(()) => DONE,
        Err(_) if absolute => Err(Errno::RESTART_NO_HAND),
        Err(_) => {
            let left = until.saturating_sub(clock.now());
            remaining.write_optional(&left.into())?;
            let clock = clock.clone();
            current.restart =
                Some(Box::new(move |current| sleep_until_spent(current, &clock, until, remaining, false)));
            Err(Errno::RESTART_BLOCK)
        }
    }
}

/// `times`: the calls's result is the time since boot.
pub fn times(current: &mut Current, to: Out<Tms>) -> Outcome {
    let (own, children) = (current.process.usage(), current.process.children_usage());
    let ticks_of = |time| i64::try_from(ticks(time)).unwrap_or(i64::MAX);
    to.write_optional(&Tms {
        tms_utime: ticks_of(own.user),
        tms_stime: ticks_of(own.system),
        tms_cutime: ticks_of(children.user),
        tms_cstime: ticks_of(children.system),
    })?;
    Ok(ticks(chronos::clock::now().since_boot()))
}

fn kind(which: i32) -> Result<Kind, Errno> {
    match which {
        ITIMER_REAL => Ok(Kind::Real),
        ITIMER_VIRTUAL => Ok(Kind::Virtual),
        ITIMER_PROF => Ok(Kind::Profile),
        _ => Err(Errno::EINVAL),
    }
}

fn itimerval(setting: Interval) -> Itimerval {
    Itimerval { it_interval: setting.interval.into(), it_value: setting.value.into() }
}

/// `getitimer`.
pub fn getitimer(current: &mut Current, which: i32, to: Out<Itimerval>) -> Outcome {
    let setting = interval::get(&current.process, kind(which)?);
    to.write(&itimerval(setting))?;
    DONE
}

/// `setitimer`: without a new setting the timer is switched off, as Linux does.
pub fn setitimer(current: &mut Current, which: i32, new: In<Itimerval>, old: Out<Itimerval>) -> Outcome {
    let new = new.read_optional()?.unwrap_or_default();
    let time = |time: Timeval| time.to_duration().ok_or(Errno::EINVAL);
    let new = Interval { value: time(new.it_value)?, interval: time(new.it_interval)? };
    let before = interval::set(&current.process, kind(which)?, new);
    old.write_optional(&itimerval(before))?;
    DONE
}

/// `alarm`: the seconds that were left, at least 1 if there were any.
pub fn alarm(current: &mut Current, seconds: u32) -> Outcome {
    let new = Interval { value: Duration::from_secs(seconds.into()), interval: Duration::ZERO };
    let left = interval::set(&current.process, Kind::Real, new).value;
    let rounded = left.as_secs() + u64::from(left.subsec_micros() >= 500_000);
    Ok(if left.is_zero() { 0 } else { rounded.max(1) })
}

/// `timer_create`.
pub fn timer_create(current: &mut Current, clock: i32, event: In<Sigevent>, to: Out<i32>) -> Outcome {
    let clock = Clock::to_wait_for(current, clock)?;
    let (notify, value) = match event.read_optional()? {
        None => (Notify::Process(Signal::SIGALRM), None),
        Some(event) => (notify(current, &event)?, Some(event.sigev_value)),
    };
    let id = posix::create(&current.process, &clock, notify, value)?;
    if let Err(error) = to.write(&id) {
        posix::delete(&current.process, id)?;
        return Err(error);
    }
    DONE
}

fn notify(current: &Current, event: &Sigevent) -> Result<Notify, Errno> {
    let signal = || Signal::from_user(event.sigev_signo).ok_or(Errno::EINVAL);
    match event.sigev_notify {
        SIGEV_NONE => Ok(Notify::Nothing),
        SIGEV_SIGNAL | SIGEV_THREAD => Ok(Notify::Process(signal()?)),
        kind if kind & SIGEV_THREAD_ID != 0 && kind & !(SIGEV_THREAD_ID | 3) == 0 => {
            let tid = u32::try_from(event.sigev_tid).map_err(|_| Errno::EINVAL)?;
            let thread = table::thread(tid).filter(|t| Arc::ptr_eq(t.process(), &current.process));
            Ok(Notify::Thread(signal()?, Arc::downgrade(&thread.ok_or(Errno::EINVAL)?)))
        }
        _ => Err(Errno::EINVAL),
    }
}

fn itimerspec(setting: PosixSetting) -> Itimerspec {
    Itimerspec { it_interval: setting.interval.into(), it_value: setting.value.into() }
}

/// `timer_settime`.
pub fn timer_settime(
    current: &mut Current,
    id: i32,
    flags: u32,
    new: In<Itimerspec>,
    old: Out<Itimerspec>,
) -> Outcome {
    let new = new.read()?;
    let setting = PosixSetting { value: duration(new.it_value)?, interval: duration(new.it_interval)? };
    let before = posix::set(&current.process, id, setting, flags & TIMER_ABSTIME != 0)?;
    old.write_optional(&itimerspec(before))?;
    DONE
}

/// `timer_gettime`.
pub fn timer_gettime(current: &mut Current, id: i32, to: Out<Itimerspec>) -> Outcome {
    to.write(&itimerspec(posix::get(&current.process, id)?))?;
    DONE
}

/// `timer_getoverrun`.
pub fn timer_getoverrun(current: &mut Current, id: i32) -> Outcome {
    Ok(u64::from(posix::overrun(&current.process, id)?))
}

/// `timer_delete`.
pub fn timer_delete(current: &mut Current, id: i32) -> Outcome {
    posix::delete(&current.process, id)?;
    DONE
}

/// `clock_adjtime`.
pub fn clock_adjtime(current: &mut Current, clock: i32, timex: InOut<Timex>) -> Outcome {
    match clock {
        abi::time::clock::CLOCK_REALTIME => adjtimex(current, timex),
        _ if clock >= 0 && Clock::from_number(current, clock).is_err() => Err(Errno::EINVAL),
        _ => Err(Errno::EOPNOTSUPP),
    }
}
