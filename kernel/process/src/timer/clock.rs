//! Clocks by their numbers (`clock_gettime(2)`).

use super::processor_time;
use crate::current::Current;
use crate::table;
use abi::Errno;
use abi::time::clock as number;
use alloc::sync::Arc;
use chroma::cred::Cap;
use chronos::{Interrupted, WaitKind};
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
    Process(Arc<Process>, Share),
    /// The processor time of a thread.
    Thread(Arc<Thread>, Share),
}

/// Which processor time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// In the program.
    Program,
    /// All of it.
    Whole,
}

/// The lowest three bits of a negative number that means an open clock device, which there is none of.
const OF_DEVICE: i32 = 3;

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
            number::CLOCK_PROCESS_CPUTIME_ID => Ok(Self::Process(current.process.clone(), Share::Whole)),
            number::CLOCK_THREAD_CPUTIME_ID => Ok(Self::Thread(current.thread.clone(), Share::Whole)),
            _ => Err(Errno::EINVAL),
        }
    }

    /// The clock of a number, for something that waits until it shows a time.
    ///
    /// # Errors
    /// `EINVAL`: no such clock; `EOPNOTSUPP`: one that can only be read; `EPERM`: one that wakes a suspended machine, without
    /// `CAP_WAKE_ALARM`.
    pub fn to_wait_for(current: &Current, clock: i32) -> Result<Self, Errno> {
        match clock {
            number::CLOCK_MONOTONIC_RAW | number::CLOCK_REALTIME_COARSE | number::CLOCK_MONOTONIC_COARSE => {
                return Err(Errno::EOPNOTSUPP);
            }
            number::CLOCK_REALTIME_ALARM | number::CLOCK_BOOTTIME_ALARM => {
                current.cred.require(Cap::WAKE_ALARM)?;
            }
            _ if clock < 0 && clock & 7 == OF_DEVICE => return Err(Errno::EOPNOTSUPP),
            _ => {}
        }
        Self::from_number(current, clock)
    }

    fn from_negative(current: &Current, clock: i32) -> Result<Self, Errno> {
        const OF_THREAD: i32 = 4;
        let share = match clock & 3 {
            1 => Share::Program,
            0 | 2 => Share::Whole,
            _ => return Err(Errno::EINVAL),
        };
        let id = u32::try_from(!(clock >> 3)).map_err(|_| Errno::EINVAL)?;
        if clock & OF_THREAD != 0 {
            let thread = if id == 0 { Some(current.thread.clone()) } else { table::thread(id) };
            let thread = thread.filter(|thread| Arc::ptr_eq(thread.process(), &current.process));
            return thread.map(|thread| Self::Thread(thread, share)).ok_or(Errno::EINVAL);
        }
        let process = if id == 0 { Some(current.process.clone()) } else { table::process(id) };
        process.map(|process| Self::Process(process, share)).ok_or(Errno::EINVAL)
    }

    /// What it shows.
    pub fn now(&self) -> Duration {
        match self {
            Self::Real => chronos::clock::realtime(),
            Self::Monotonic => chronos::clock::now().since_boot(),
            Self::Process(process, share) => share.of_process(process),
            Self::Thread(thread, share) => share.of_thread(thread).unwrap_or(Duration::ZERO),
        }
    }

    /// When it will show `time`, if it is a clock that can be waited for.
    pub fn instant(&self, time: Duration) -> Option<hal::Instant> {
        match self {
            Self::Real => Some(chronos::clock::to_boot(time)),
            Self::Monotonic => Some(hal::Instant::BOOT.saturating_add(time)),
            Self::Process(..) | Self::Thread(..) => None,
        }
    }

    /// Sleeps until a clock of processor time shows `until`; whose time it is may be gone by then, and it never does.
    ///
    /// # Errors
    /// A signal came first.
    pub fn sleep_until_spent(&self, until: Duration) -> Result<(), Interrupted> {
        loop {
            let left = until.saturating_sub(self.now());
            if left.is_zero() {
                return Ok(());
            }
            let threads = match self {
                Self::Process(process, _) => process.thread_count(),
                _ => 1,
            };
            chronos::sleep(WaitKind::Interruptible, super::earliest(left, threads))?;
        }
    }

    /// Whether it is wall time, which can be set.
    pub fn is_real(&self) -> bool {
        matches!(self, Self::Real)
    }
}

impl Share {
    /// That of a process. Also in the timer interrupt: nothing is allocated.
    pub(super) fn of_process(self, process: &Process) -> Duration {
        let (program, whole) = processor_time(process);
        match self {
            Self::Program => program,
            Self::Whole => whole,
        }
    }

    /// That of a thread; none when it has ended.
    pub(super) fn of_thread(self, thread: &Thread) -> Option<Duration> {
        let task = thread.task()?;
        Some(match self {
            Self::Program => task.time().split().0,
            Self::Whole => task.time().total(),
        })
    }
}
