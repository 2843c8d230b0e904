//! Resource limits (`getrlimit(2)`).

use crate::lock_classes;
use abi::process::RLIM_INFINITY;
use abi::{Errno, Resource, Rlimit};
use core::sync::atomic::{AtomicU64, Ordering};
use hal::SpinLock;

/// The most descriptors that any limit allows (Linux's `fs.nr_open`).
pub const NR_OPEN: u64 = 1 << 20;

/// The limits of a process.
pub struct Limits {
    limits: SpinLock<[Rlimit; Resource::COUNT]>,
    /// The values that are enforced, for who takes no lock: nearly every call asks for one. Changed under the lock.
    enforced: [AtomicU64; Resource::COUNT],
}

const fn limit(current: u64, maximum: u64) -> Rlimit {
    Rlimit { rlim_cur: current, rlim_max: maximum }
}

impl Limits {
    /// What the first process has: Linux's values; `threads` is how many threads memory allows, half of which one user gets.
    pub fn initial(threads: u64) -> Self {
        let unlimited = limit(RLIM_INFINITY, RLIM_INFINITY);
        let mut limits = [unlimited; Resource::COUNT];
        let mut set = |resource: Resource, value| {
            if let Some(slot) = limits.get_mut(resource as usize) {
                *slot = value;
            }
        };
        set(Resource::Stack, limit(8 << 20, RLIM_INFINITY));
        set(Resource::Core, limit(0, RLIM_INFINITY));
        set(Resource::Nproc, limit(threads / 2, threads / 2));
        set(Resource::Nofile, limit(1024, 4096));
        set(Resource::Memlock, limit(8 << 20, 8 << 20));
        set(Resource::Sigpending, limit(threads / 2, threads / 2));
        set(Resource::Msgqueue, limit(819_200, 819_200));
        set(Resource::Nice, limit(0, 0));
        set(Resource::Rtprio, limit(0, 0));
        Self::new(limits)
    }

    fn new(limits: [Rlimit; Resource::COUNT]) -> Self {
        let enforced = limits.map(|limit| AtomicU64::new(limit.rlim_cur));
        Self { limits: SpinLock::new(&lock_classes::LIMITS, limits), enforced }
    }

    /// The same limits, for a child.
    pub fn copy(&self) -> Self {
        let limits = *self.limits.lock_irq();
        Self::new(limits)
    }

    /// One limit.
    pub fn get(&self, resource: Resource) -> Rlimit {
        self.limits.lock_irq().get(resource as usize).copied().unwrap_or_default()
    }

    /// The value that is enforced. Takes no lock.
    #[inline]
    pub fn current(&self, resource: Resource) -> u64 {
        self.enforced.get(resource as usize).map_or(0, |value| value.load(Ordering::Relaxed))
    }

    /// Changes a limit; gives the old one. `privileged` is `CAP_SYS_RESOURCE`.
    ///
    /// # Errors
    /// `EINVAL`: the value is above its maximum; `EPERM`: the maximum may not be raised.
    pub fn set(&self, resource: Resource, new: Rlimit, privileged: bool) -> Result<Rlimit, Errno> {
        if new.rlim_cur > new.rlim_max {
            return Err(Errno::EINVAL);
        }
        if resource == Resource::Nofile && new.rlim_max > NR_OPEN {
            return Err(Errno::EPERM);
        }
        let mut limits = self.limits.lock_irq();
        let slot = limits.get_mut(resource as usize).ok_or(Errno::EINVAL)?;
        if new.rlim_max > slot.rlim_max && !privileged {
            return Err(Errno::EPERM);
        }
        if let Some(enforced) = self.enforced.get(resource as usize) {
            enforced.store(new.rlim_cur, Ordering::Relaxed);
        }
        Ok(core::mem::replace(slot, new))
    }
}

#[cfg(test)]
mod tests {
    use super::{Limits, limit};
    use abi::{Errno, Resource};

    #[test]
    fn only_the_privileged_raise_a_maximum() {
        let limits = Limits::initial(1000);
        assert_eq!(limits.set(Resource::Nofile, limit(10, 20), false), Ok(limit(1024, 4096)));
        assert_eq!(limits.set(Resource::Nofile, limit(10, 21), false), Err(Errno::EPERM));
        assert_eq!(limits.set(Resource::Nofile, limit(21, 20), true), Err(Errno::EINVAL));
        assert_eq!(limits.set(Resource::Nofile, limit(21, 21), true), Ok(limit(10, 20)));
        assert_eq!(limits.set(Resource::Nofile, limit(1, u64::MAX), true), Err(Errno::EPERM));
        assert_eq!((limits.current(Resource::Nofile), limits.copy().current(Resource::Nofile)), (21, 21));
    }
}
