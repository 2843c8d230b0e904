//! Clocks by their numbers (`clock_gettime(2)`).

use super::processor_time;
use crate::current::Current;
use crate::table;
use abi::Errno;
use abi::time::clock as number;
use alloc::sync::Arc;
use core::time::Duration;

use crate::process::Process;
use crate::thread::Thread;

/// What a clock counts.
#[derive(Clone)]
pub enum Clock {
    /// Wall time.
    Real,
    /// Time since boot.
    Monotonic,
    /// The processor time of a process.
    Process(Arc<Process>),
    /// The processor time of a thread.
    Thread(Arc<Thread>),
}

impl Clock {
    /// The clock of a number. Negative ones name the processor time of a process or thread (`clock_getcpuclockid(3)`): the
    /// complement of the number's upper bits is the id, bit 2 says thread, the lower two bits must be 0, 1 or 2.
    ///
    /// # Errors
    /// `EINVAL`: no such clock.
    pub fn from_number(current: &Current, clock: i32) -> Result<Self, Errno> {
        if clock < 0 {
            return Self::from_negative(current, clock);
        }
        match clock {
            number::CLOCK_REALTIME
            | number::CLOCK_REALTIME_COARSE
            | number::CLOCK_REALTIME_ALARM
            | number::CLOCK_TAI => Ok(Self::Real),
            number::CLOCK_MONOTONIC
            | number::CLOCK_MONOTONIC_RAW
            | number::CLOCK_MONOTONIC_COARSE
            | number::CLOCK_BOOTTIME
            | number::CLOCK_BOOTTIME_ALARM => Ok(Self::Monotonic),
            number::CLOCK_PROCESS_CPUTIME_ID => Ok(Self::Process(current.process.clone())),
            number::CLOCK_THREAD_CPUTIME_ID => Ok(Self::Thread(current.thread.clone())),
            _ => Err(Errno::EINVAL),
        }
    }

    fn from_negative(current: &Current, clock: i32) -> Result<Self, Errno> {
        const OF_THREAD: i32 = 4;
        if clock & 3 == 3 {
            return Err(Errno::EINVAL);
        }
        let id = u32::try_from(!(clock >> 3)).map_err(|_| Errno::EINVAL)?;
        if clock & OF_THREAD != 0 {
            let thread = if id == 0 { Some(current.thread.clone()) } else { table::thread(id) };
            let thread = thread.filter(|thread| Arc::ptr_eq(thread.process(), &current.process));
            return thread.map(Self::Thread).ok_or(Errno::EINVAL);
        }
        let process = if id == 0 { Some(current.process.clone()) } else { table::process(id) };
        process.map(Self::Process).ok_or(Errno::EINVAL)
    }

    /// What it shows.
    pub fn now(&self) -> Duration {
        match self {
            Self::Real => chronos::clock::realtime(),
            Self::Monotonic => chronos::clock::now().since_boot(),
            Self::Process(process) => processor_time(process).1,
            Self::Thread(thread) => thread.task().map_or(Duration::ZERO, |task| task.time().total()),
        }
    }

    /// When it will show `time`, if it is a clock that can be waited for.
    pub fn instant(&self, time: Duration) -> Option<hal::Instant> {
        match self {
            Self::Real => Some(chronos::clock::to_boot(time)),
            Self::Monotonic => Some(hal::Instant::BOOT.saturating_add(time)),
            Self::Process(_) | Self::Thread(_) => None,
        }
    }

    /// Whether it is wall time, which can be set.
    pub fn is_real(&self) -> bool {
        matches!(self, Self::Real)
    }
}
