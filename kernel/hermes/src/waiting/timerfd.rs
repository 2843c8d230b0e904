//! `timerfd`: a timer to wait for.

use abi::fs::DescriptorFlags;
use abi::time::{Itimerspec, TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET, clock};
use abi::{Errno, OpenFlags, PollEvents};
use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use cerberus::Rights;
use chroma::file::FileOps;
use chroma::poll::restart;
use chroma::{Fd, OpenFile, PollTable, Sink};
use chronos::{Events, Timer, TimerHandler, WaitKind, WaitQueue};
use core::time::Duration;
use hal::{Instant, SpinLock};
use process::Current;
use process::timer::Clock;

use crate::argument::{In, Out};
use crate::files::descriptors::publish;
use crate::lock_classes;
use crate::row::Outcome;
use crate::support::{DONE, duration, file, known};
use chroma::anonymous;

#[derive(Default)]
struct Setting {
    at: Option<Instant>,
    interval: Duration,
    expirations: u64,
}

struct Shared {
    setting: SpinLock<Setting>,
    expired: Arc<WaitQueue>,
}

/// What the timer interrupt holds. It does not set the timer again: who reads the file does, as on Linux. Else a program could
/// keep the processor busy with interrupts only.
struct Handler(Weak<Shared>);

impl TimerHandler for Handler {
    fn fire(&self) {
        let Some(shared) = self.0.upgrade() else { return };
        shared.setting.lock_irq().expire(chronos::clock::now());
        shared.expired.wake_all(Events::IN | Events::RDNORM);
    }
}

impl Setting {
    /// Counts what has expired by `now`.
    fn expire(&mut self, now: Instant) {
        let Some(at) = self.at.filter(|at| *at <= now) else { return };
        if self.interval.is_zero() {
            self.at = None;
            self.expirations = self.expirations.saturating_add(1);
            return;
        }
        let late = now.saturating_since(at).as_nanos() / self.interval.as_nanos().max(1);
        let times = u32::try_from(late + 1).unwrap_or(u32::MAX);
        self.expirations = self.expirations.saturating_add(u64::from(times));
        self.at = Some(at.saturating_add(self.interval.saturating_mul(times)));
    }

    fn report(&self) -> Itimerspec {
        let left = |at: Instant| at.saturating_since(chronos::clock::now()).max(Duration::from_nanos(1));
        Itimerspec {
            it_interval: self.interval.into(),
            it_value: self.at.map_or(Duration::ZERO, left).into(),
        }
    }
}

struct TimerFile {
    shared: Arc<Shared>,
    timer: Timer,
    clock: Clock,
}

impl TimerFile {
    /// Sets the timer for the next time, after the last one was seen or another was chosen.
    fn go_on(&self) {
        loop {
            let Some(at) = self.shared.setting.lock_irq().at else { return };
            // This may allocate, so the lock is free meanwhile: another thread may choose another time, or see this one pass.
            self.timer.set(at);
            let setting = self.shared.setting.lock_irq();
            if setting.at == Some(at) || setting.expirations > 0 {
                return; // what has expired is to be seen before the timer is set again
            }
        }
    }
}

impl FileOps for TimerFile {
    fn seekable(&self) -> bool {
        false
    }

    fn read(&self, file: &OpenFile, _position: &mut u64, to: &mut Sink<'_>) -> Result<usize, Errno> {
        if to.remaining() < size_of::<u64>() {
            return Err(Errno::EINVAL);
        }
        let take = || {
            let mut setting = self.shared.setting.lock_irq();
            setting.expire(chronos::clock::now());
            Some(core::mem::take(&mut setting.expirations)).filter(|count| *count > 0)
        };
        let count = if file.nonblocking() {
            take().ok_or(Errno::EAGAIN)?
        } else {
            self.shared.expired.wait(WaitKind::Interruptible, None, take).map_err(restart)?
        };
        self.go_on();
        to.put(&count.to_ne_bytes())
    }

    fn poll(&self, _file: &OpenFile, table: Option<&PollTable>) -> PollEvents {
        if let Some(table) = table {
            table.watch(&self.shared.expired, PollEvents::IN);
        }
        let ready = self.shared.setting.lock_irq().expirations > 0;
        if ready { PollEvents::IN } else { PollEvents::empty() }
    }
}

/// `timerfd_create`.
pub fn timerfd_create(current: &mut Current, number: i32, flags: DescriptorFlags) -> Outcome {
    known(flags, DescriptorFlags::NONBLOCK | DescriptorFlags::CLOEXEC)?;
    let taken = [
        clock::CLOCK_REALTIME,
        clock::CLOCK_MONOTONIC,
        clock::CLOCK_BOOTTIME,
        clock::CLOCK_REALTIME_ALARM,
        clock::CLOCK_BOOTTIME_ALARM,
    ];
    if !taken.contains(&number) {
        return Err(Errno::EINVAL);
    }
    let clock = Clock::to_wait_for(current, number)?;
    let setting = SpinLock::new(&lock_classes::EVENT, Setting::default());
    let shared = Arc::new(Shared { setting, expired: Arc::new(WaitQueue::new()) });
    let timer = Timer::new(Arc::new(Handler(Arc::downgrade(&shared))));
    let ops = TimerFile { shared, timer, clock };
    let status = OpenFlags::from_bits_retain(flags.bits()) & OpenFlags::NONBLOCK;
    let file = anonymous::file("anon_inode:[timerfd]", Box::new(ops), status, &current.cred)?;
    publish(current, file, flags.contains(DescriptorFlags::CLOEXEC))
}

/// `timerfd_settime`.
pub fn timerfd_settime(
    current: &mut Current,
    fd: Fd,
    flags: u32,
    new: In<Itimerspec>,
    old: Out<Itimerspec>,
) -> Outcome {
    if flags & !(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) != 0 {
        return Err(Errno::EINVAL);
    }
    let new = new.read()?;
    let (value, interval) = (duration(new.it_value)?, duration(new.it_interval)?);
    let file = file(current, fd, Rights::empty())?;
    let ops: &TimerFile = file.ops_as().ok_or(Errno::EINVAL)?;
    let at = match value {
        Duration::ZERO => None,
        value if flags & TFD_TIMER_ABSTIME != 0 => ops.clock.instant(value),
        value => Some(chronos::clock::now().saturating_add(value)),
    };
    ops.timer.cancel();
    let before = {
        let mut setting = ops.shared.setting.lock_irq();
        let before = setting.report();
        *setting = Setting { at, interval, expirations: 0 };
        before
    };
    ops.go_on();
    old.write_optional(&before)?;
    DONE
}

/// `timerfd_gettime`.
pub fn timerfd_gettime(current: &mut Current, fd: Fd, to: Out<Itimerspec>) -> Outcome {
    let file = file(current, fd, Rights::empty())?;
    let ops: &TimerFile = file.ops_as().ok_or(Errno::EINVAL)?;
    let (report, has_expired) = {
        let mut setting = ops.shared.setting.lock_irq();
        let before = setting.expirations;
        setting.expire(chronos::clock::now());
        (setting.report(), setting.expirations != before)
    };
    if has_expired {
        // What is counted here the interrupt tells nobody any more.
        ops.shared.expired.wake_all(Events::IN | Events::RDNORM);
    }
    ops.go_on();
    to.write(&report)?;
    DONE
}
