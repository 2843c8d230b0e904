//! Times, clocks and timers.
#![expect(missing_docs, reason = "fields and bits bear the names of the man pages")]

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `struct timespec`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Timespec {
    pub tv_sec: i64,
    pub tv_nsec: i64,
}

/// `struct timeval`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Timeval {
    pub tv_sec: i64,
    pub tv_usec: i64,
}

impl Timespec {
    /// The time as a duration; `None` when the seconds are negative or the nanoseconds out of `0..10^9`.
    pub fn to_duration(self) -> Option<core::time::Duration> {
        let nanoseconds = u32::try_from(self.tv_nsec).ok().filter(|&n| n < 1_000_000_000)?;
        Some(core::time::Duration::new(u64::try_from(self.tv_sec).ok()?, nanoseconds))
    }
}

impl From<core::time::Duration> for Timespec {
    fn from(duration: core::time::Duration) -> Self {
        Self {
            tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(duration.subsec_nanos()),
        }
    }
}

impl Timeval {
    /// The time as a duration; `None` when the seconds are negative or the microseconds out of `0..10^6`.
    pub fn to_duration(self) -> Option<core::time::Duration> {
        let microseconds = u32::try_from(self.tv_usec).ok().filter(|&n| n < 1_000_000)?;
        Some(core::time::Duration::new(u64::try_from(self.tv_sec).ok()?, microseconds.saturating_mul(1000)))
    }
}

impl From<core::time::Duration> for Timeval {
    fn from(duration: core::time::Duration) -> Self {
        Self {
            tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
            tv_usec: i64::from(duration.subsec_micros()),
        }
    }
}

/// `struct timezone`; Linux keeps one, nothing uses it.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Timezone {
    pub tz_minuteswest: i32,
    pub tz_dsttime: i32,
}

/// `struct itimerval`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Itimerval {
    pub it_interval: Timeval,
    pub it_value: Timeval,
}

/// `struct itimerspec`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Itimerspec {
    pub it_interval: Timespec,
    pub it_value: Timespec,
}

/// `struct tms`, in clock ticks of [`USER_HZ`].
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Tms {
    pub tms_utime: i64,
    pub tms_stime: i64,
    pub tms_cutime: i64,
    pub tms_cstime: i64,
}

/// Clock ticks a second in `times`, `/proc/PID/stat` and `AT_CLKTCK`.
pub const USER_HZ: u64 = 100;

/// `setitimer`: real time, SIGALRM.
pub const ITIMER_REAL: i32 = 0;
/// `setitimer`: the process's user time, SIGVTALRM.
pub const ITIMER_VIRTUAL: i32 = 1;
/// `setitimer`: the process's user and system time, SIGPROF.
pub const ITIMER_PROF: i32 = 2;

/// Clock numbers.
pub mod clock {
    pub const CLOCK_REALTIME: i32 = 0;
    pub const CLOCK_MONOTONIC: i32 = 1;
    pub const CLOCK_PROCESS_CPUTIME_ID: i32 = 2;
    pub const CLOCK_THREAD_CPUTIME_ID: i32 = 3;
    pub const CLOCK_MONOTONIC_RAW: i32 = 4;
    pub const CLOCK_REALTIME_COARSE: i32 = 5;
    pub const CLOCK_MONOTONIC_COARSE: i32 = 6;
    pub const CLOCK_BOOTTIME: i32 = 7;
    pub const CLOCK_REALTIME_ALARM: i32 = 8;
    pub const CLOCK_BOOTTIME_ALARM: i32 = 9;
    pub const CLOCK_TAI: i32 = 11;
}

/// `clock_nanosleep`, `timer_settime`: the time is absolute.
pub const TIMER_ABSTIME: u32 = 1;
/// `timerfd_settime`: the time is absolute.
pub const TFD_TIMER_ABSTIME: u32 = 1;
/// `timerfd_settime`: a change of the clock cancels.
pub const TFD_TIMER_CANCEL_ON_SET: u32 = 2;

/// `struct timex` of `adjtimex`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Timex {
    pub modes: u32,
    pub pad0: u32,
    pub offset: i64,
    pub freq: i64,
    pub maxerror: i64,
    pub esterror: i64,
    pub status: i32,
    pub pad1: u32,
    pub constant: i64,
    pub precision: i64,
    pub tolerance: i64,
    pub time: Timeval,
    pub tick: i64,
    pub ppsfreq: i64,
    pub jitter: i64,
    pub shift: i32,
    pub pad2: u32,
    pub stabil: i64,
    pub jitcnt: i64,
    pub calcnt: i64,
    pub errcnt: i64,
    pub stbcnt: i64,
    pub tai: i32,
    pub reserved: [i32; 11],
}
