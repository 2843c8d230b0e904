//! The options of level `SOL_SOCKET`: what every socket keeps, whatever its family.

use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;

use abi::Errno;
use abi::socket::option::{
    SO_BROADCAST, SO_DEBUG, SO_DONTROUTE, SO_KEEPALIVE, SO_NO_CHECK, SO_OOBINLINE, SO_PASSCRED, SO_PASSSEC,
    SO_REUSEADDR, SO_REUSEPORT,
};
use chroma::poll::restart;
use chronos::WaitError;
use hal::Instant;

/// What a socket may have under way at first, and the most that an unprivileged program asks for
/// (`/proc/sys/net/core/wmem_max` and its kin).
pub const DEFAULT_BUFFER: usize = 212_992;
/// The least that it may have under way.
const LEAST_SEND: usize = 4608;
/// The least that it may hold.
const LEAST_RECEIVE: usize = 2304;

/// Milliseconds to which timeouts are rounded up: Linux counts them in ticks of its timer, 250 a second.
const TICK: Duration = Duration::from_millis(4);

/// The options that are on or off, one bit each.
const SWITCHES: [i32; 10] = [
    SO_PASSCRED,
    SO_DEBUG,
    SO_REUSEADDR,
    SO_DONTROUTE,
    SO_BROADCAST,
    SO_KEEPALIVE,
    SO_OOBINLINE,
    SO_NO_CHECK,
    SO_REUSEPORT,
    SO_PASSSEC,
];

/// Stands for no timeout.
const FOREVER: u64 = u64::MAX;

/// The options of a socket.
pub struct Options {
    switches: AtomicU32,
    send_limit: AtomicUsize,
    receive_limit: AtomicUsize,
    low_water: AtomicU32,
    priority: AtomicU32,
    /// Seconds above, whether on below.
    linger: AtomicU64,
    send_timeout: AtomicU64,
    receive_timeout: AtomicU64,
}

/// When a wait ends, and what it is then.
#[derive(Clone, Copy)]
pub struct Patience {
    /// The end; `None`: never.
    pub deadline: Option<Instant>,
}

impl Patience {
    /// What a call gives whose wait ended so: with a timeout set it is not made again after a signal.
    pub fn error(self, why: WaitError) -> Errno {
        match (why, self.deadline) {
            (WaitError::Interrupted, Some(_)) => Errno::EINTR,
            (why, _) => restart(why),
        }
    }
}

impl Options {
    /// Those of a new socket.
    pub const fn new() -> Options {
        Options {
            switches: AtomicU32::new(0),
            send_limit: AtomicUsize::new(DEFAULT_BUFFER),
            receive_limit: AtomicUsize::new(DEFAULT_BUFFER),
            low_water: AtomicU32::new(1),
            priority: AtomicU32::new(0),
            linger: AtomicU64::new(0),
            send_timeout: AtomicU64::new(FOREVER),
            receive_timeout: AtomicU64::new(FOREVER),
        }
    }

    fn bit(option: i32) -> Option<u32> {
        let place = SWITCHES.iter().position(|switch| *switch == option)?;
        u32::try_from(place).ok().map(|place| 1 << place)
    }

    /// Whether an option is on; `None` if it is not one that is on or off.
    pub fn switch(&self, option: i32) -> Option<bool> {
        Self::bit(option).map(|bit| self.switches.load(Ordering::Relaxed) & bit != 0)
    }

    /// Switches an option; says whether there is such.
    pub fn set_switch(&self, option: i32, on: bool) -> bool {
        let Some(bit) = Self::bit(option) else { return false };
        if on {
            self.switches.fetch_or(bit, Ordering::Relaxed);
        } else {
            self.switches.fetch_and(!bit, Ordering::Relaxed);
        }
        true
    }

    /// Whether messages tell their senders (`SO_PASSCRED`).
    #[inline]
    pub fn passes_credentials(&self) -> bool {
        self.switches.load(Ordering::Relaxed) & 1 != 0
    }

    /// How many bytes it may have under way, with what the kernel needs for them.
    #[inline]
    pub fn send_limit(&self) -> usize {
        self.send_limit.load(Ordering::Relaxed)
    }

    /// `SO_SNDBUF`: the double of what is asked for, at most the double of the maximum unless `forced`.
    pub fn set_send_limit(&self, asked: u32, forced: bool) {
        self.send_limit.store(doubled(asked, forced).max(LEAST_SEND), Ordering::Relaxed);
    }

    /// How many bytes it may hold.
    pub fn receive_limit(&self) -> usize {
        self.receive_limit.load(Ordering::Relaxed)
    }

    /// `SO_RCVBUF`, as [`Options::set_send_limit`].
    pub fn set_receive_limit(&self, asked: u32, forced: bool) {
        self.receive_limit.store(doubled(asked, forced).max(LEAST_RECEIVE), Ordering::Relaxed);
    }

    /// `SO_RCVLOWAT`: how many bytes a receiver waits for.
    pub fn low_water(&self) -> u32 {
        self.low_water.load(Ordering::Relaxed)
    }

    /// Changes it; at least 1.
    pub fn set_low_water(&self, bytes: u32) {
        self.low_water.store(bytes.max(1), Ordering::Relaxed);
    }

    /// `SO_PRIORITY`.
    pub fn priority(&self) -> u32 {
        self.priority.load(Ordering::Relaxed)
    }

    /// Changes it.
    pub fn set_priority(&self, priority: u32) {
        self.priority.store(priority, Ordering::Relaxed);
    }

    /// `SO_LINGER`: whether, and for how many seconds.
    pub fn linger(&self) -> (bool, u32) {
        let both = self.linger.load(Ordering::Relaxed);
        (both & 1 != 0, (both >> 32) as u32)
    }

    /// Changes it; the time stays when it is switched off.
    pub fn set_linger(&self, on: bool, seconds: u32) {
        let seconds = if on { seconds } else { self.linger().1 };
        self.linger.store(u64::from(seconds) << 32 | u64::from(on), Ordering::Relaxed);
    }

    /// `SO_RCVTIMEO` (`receiving`) or `SO_SNDTIMEO`; `None`: forever.
    pub fn timeout(&self, receiving: bool) -> Option<Duration> {
        let nanoseconds = self.timeout_of(receiving).load(Ordering::Relaxed);
        (nanoseconds != FOREVER).then(|| Duration::from_nanos(nanoseconds))
    }

    /// Changes it, rounded up as Linux does.
    pub fn set_timeout(&self, receiving: bool, timeout: Option<Duration>) {
        let nanoseconds = timeout.map_or(FOREVER, |timeout| {
            let ticks = timeout.as_nanos().div_ceil(TICK.as_nanos());
            u64::try_from(ticks.saturating_mul(TICK.as_nanos())).unwrap_or(FOREVER)
        });
        self.timeout_of(receiving).store(nanoseconds, Ordering::Relaxed);
    }

    fn timeout_of(&self, receiving: bool) -> &AtomicU64 {
        if receiving { &self.receive_timeout } else { &self.send_timeout }
    }

    /// How long a call may wait that begins now.
    pub fn patience(&self, receiving: bool) -> Patience {
        let end = |timeout| hal::time::now().saturating_add(timeout);
        Patience { deadline: self.timeout(receiving).map(end) }
    }
}

impl Default for Options {
    fn default() -> Options {
        Options::new()
    }
}

fn doubled(asked: u32, forced: bool) -> usize {
    let most = if forced { i32::MAX as usize / 2 } else { DEFAULT_BUFFER };
    usize::try_from(asked).unwrap_or(most).min(most).saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT_BUFFER, Options};
    use abi::socket::option::{SO_PASSCRED, SO_REUSEADDR, SO_TYPE};
    use core::time::Duration;

    #[test]
    fn buffers_are_doubled_within_limits() {
        let options = Options::new();
        options.set_send_limit(1, false);
        assert_eq!(options.send_limit(), 4608);
        options.set_send_limit(10_000, false);
        assert_eq!(options.send_limit(), 20_000);
        options.set_send_limit(u32::MAX, false);
        assert_eq!(options.send_limit(), 2 * DEFAULT_BUFFER);
        options.set_send_limit(1 << 20, true);
        assert_eq!(options.send_limit(), 2 << 20);
    }

    #[test]
    fn timeouts_are_rounded_up_to_ticks() {
        let options = Options::new();
        options.set_timeout(true, Some(Duration::from_millis(5)));
        assert_eq!(options.timeout(true), Some(Duration::from_millis(8)));
        assert_eq!(options.timeout(false), None);
    }

    #[test]
    fn switches_are_apart() {
        let options = Options::new();
        assert!(options.set_switch(SO_PASSCRED, true) && options.passes_credentials());
        assert_eq!((options.switch(SO_REUSEADDR), options.switch(SO_TYPE)), (Some(false), None));
    }
}
