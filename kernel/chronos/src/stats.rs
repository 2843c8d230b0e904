//! Who used the processor.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use alloc::sync::Arc;

use crate::scheduler;
use crate::timer::{Timer, TimerHandler};
use hal::{CpuId, Once, PerCpu, cpu};

/// The processor time of a thread: its sum is exact, its division into program and kernel sampled.
pub struct CpuTime {
    total_nanos: AtomicU64,
    user_samples: AtomicU64,
    system_samples: AtomicU64,
}

impl CpuTime {
    pub(crate) const fn new() -> Self {
        Self {
            total_nanos: AtomicU64::new(0),
            user_samples: AtomicU64::new(0),
            system_samples: AtomicU64::new(0),
        }
    }

    pub(crate) fn add(&self, nanos: u64) {
        self.total_nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Counts a tick that met the thread in its program, or in the kernel.
    pub(crate) fn sample(&self, tick: Duration, in_program: bool) {
        let samples = if in_program { &self.user_samples } else { &self.system_samples };
        samples.fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(tick.as_nanos()).unwrap_or(u64::MAX);
        USED.with(|used| {
            let all = if in_program { &used.user_nanos } else { &used.system_nanos };
            all.fetch_add(nanos, Ordering::Relaxed);
        });
    }

    /// The time used in all.
    pub fn total(&self) -> Duration {
        Duration::from_nanos(self.total_nanos.load(Ordering::Relaxed))
    }

    /// The time used by the program and by the kernel for it. Their sum is [`CpuTime::total`].
    pub fn split(&self) -> (Duration, Duration) {
        let total = self.total_nanos.load(Ordering::Relaxed);
        let user = self.user_samples.load(Ordering::Relaxed);
        let samples = user + self.system_samples.load(Ordering::Relaxed);
        // A thread that no tick ever met is taken to have spent its time in the program.
        let user_nanos = if samples == 0 {
            total
        } else {
            u64::try_from(u128::from(total) * u128::from(user) / u128::from(samples)).unwrap_or(total)
        };
        (Duration::from_nanos(user_nanos), Duration::from_nanos(total.saturating_sub(user_nanos)))
    }
}

/// What a processor did since boot.
struct Used {
    user_nanos: AtomicU64,
    system_nanos: AtomicU64,
    idle_nanos: AtomicU64,
    switches: AtomicU64,
}

static USED: PerCpu<Used> = PerCpu::new(
    [const {
        Used {
            user_nanos: AtomicU64::new(0),
            system_nanos: AtomicU64::new(0),
            idle_nanos: AtomicU64::new(0),
            switches: AtomicU64::new(0),
        }
    }; cpu::MAX],
);

pub(crate) fn add_idle(cpu: CpuId, nanos: u64) {
    USED.of(cpu).idle_nanos.fetch_add(nanos, Ordering::Relaxed);
}

pub(crate) fn count_switch(cpu: CpuId) {
    USED.of(cpu).switches.fetch_add(1, Ordering::Relaxed);
}

/// What processors did since boot.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemTime {
    /// In programs.
    pub user: Duration,
    /// In the kernel, for programs.
    pub system: Duration,
    /// Nothing.
    pub idle: Duration,
    /// Switches from thread to thread.
    pub switches: u64,
}

/// What one processor did.
pub fn processor_time(cpu: CpuId) -> SystemTime {
    scheduler::charge(cpu);
    let used = USED.of(cpu);
    let nanos = |value: &AtomicU64| Duration::from_nanos(value.load(Ordering::Relaxed));
    SystemTime {
        user: nanos(&used.user_nanos),
        system: nanos(&used.system_nanos),
        idle: nanos(&used.idle_nanos),
        switches: used.switches.load(Ordering::Relaxed),
    }
}

/// What all processors did together.
pub fn system_time() -> SystemTime {
    (0..cpu::online()).map(|number| processor_time(CpuId::new(number as u32))).fold(
        SystemTime::default(),
        |sum, one| SystemTime {
            user: sum.user + one.user,
            system: sum.system + one.system,
            idle: sum.idle + one.idle,
            switches: sum.switches + one.switches,
        },
    )
}

/// Fixed-point scale of the load averages.
const SCALE: u64 = 1 << 11;
/// The factors by which an average decays in five seconds, for 1, 5 and 15 minutes (`SCALE / e^(5/60)` and so on).
const DECAY: [u64; 3] = [1884, 2014, 2037];
const LOAD_INTERVAL: Duration = Duration::from_secs(5);

static LOAD: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];
static LOAD_TIMER: Once<Timer> = Once::new();

struct LoadTick;

impl TimerHandler for LoadTick {
    fn fire(&self) {
        let active = scheduler::runnable_threads() as u64 * SCALE;
        for (load, decay) in LOAD.iter().zip(DECAY) {
            let old = load.load(Ordering::Relaxed);
            load.store((old * decay + active * (SCALE - decay)) / SCALE, Ordering::Relaxed);
        }
        if let Some(timer) = LOAD_TIMER.get() {
            timer.set(hal::time::now() + LOAD_INTERVAL);
        }
    }
}

/// Begins to average the load.
pub fn start_load_averages() {
    if LOAD_TIMER.set(Timer::new(Arc::new(LoadTick))).is_ok()
        && let Some(timer) = LOAD_TIMER.get()
    {
        timer.set(hal::time::now() + LOAD_INTERVAL);
    }
}

/// The number of threads that ran or wanted to, averaged over 1, 5 and 15 minutes, in hundredths.
pub fn load_averages() -> [u64; 3] {
    LOAD.each_ref().map(|load| load.load(Ordering::Relaxed) * 100 / SCALE)
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::CpuTime;

    #[test]
    fn samples_divide_the_exact_sum() {
        let time = CpuTime::new();
        time.add(1_000);
        assert_eq!(time.split(), (Duration::from_nanos(1_000), Duration::ZERO));
        time.sample(Duration::from_millis(4), true);
        (0..3).for_each(|_| time.sample(Duration::from_millis(4), false));
        assert_eq!(time.split(), (Duration::from_nanos(250), Duration::from_nanos(750)));
    }
}
