//! Failures on request (`/proc/thread-self/fail-nth`), as Linux's `Documentation/fault-injection/fault-injection.rst` has them.
//!
//! A thread writes N, and the N-th [charge](aegis::charge) that it makes from then on fails, once. What it reads is 0 when that
//! has happened, else how many charges are left; reading also ends it, so that nothing is counted which is not of the trial.
//! Children do not inherit it; what `execve` runs does. A page that a touch was refused is given at the second try.
//!
//! Only with `serix.fault_injection` on the kernel's command line. `/proc/charge-points`, Serix's own, tells to the byte what the
//! kernel's heap holds, and how many other frames are used; then the places where charges counted: file and line, how many,
//! how many failed.

use crate::thread::Thread;
use abi::Errno;
use abi::Mode;
use aegis::inject;
use chroma::cred::{Cap, Cred};
use chroma::synthetic::{Entry, Text, from_fn};
use core::sync::atomic::{AtomicU32, Ordering};

/// How many charges a thread has left until one fails; 0: none does.
#[derive(Default)]
pub(crate) struct FailNth(AtomicU32);

impl FailNth {
    /// Sets the count and gives what was left.
    fn set(&self, count: u32) -> u32 {
        if count != 0 {
            inject::arm();
        }
        let left = self.0.swap(count, Ordering::Relaxed);
        if left != 0 {
            inject::disarm();
        }
        left
    }

    /// Counts a charge: `None` when nothing is counted, else whether it fails.
    fn count(&self) -> Option<bool> {
        let one_less = |left: u32| left.checked_sub(1);
        let left = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).ok()?;
        if left == 1 {
            inject::disarm();
        }
        Some(left == 1)
    }
}

impl Drop for FailNth {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// Decides about a charge of the current thread.
fn decide() -> Option<bool> {
    chronos::thread::with_current(|task| {
        let local = task?.local()?;
        local.downcast_ref::<Thread>()?.fail_nth.count()
    })
}

/// Makes failures on request possible. Once, at bring-up, after `/proc` is there.
pub fn start() {
    inject::register(decide);
    let points = from_fn(|text| {
        hal::heap::trim();
        let heap = hal::heap::stats();
        let frames = aegis::frames::managed().saturating_sub(aegis::frames::free());
        writeln!(text, "heap {}\nframes {}", heap.used, frames.saturating_sub(heap.frames));
        inject::each_point(|point| {
            let place = point.place;
            writeln!(text, "{}:{} {} {}", place.file(), place.line(), point.seen, point.failed);
        });
    });
    chroma::procfs::proc().add("charge-points", Entry::file(points, Mode(0o400)));
}

/// `/proc/PID/fail-nth`: what is left; ends the counting.
pub(crate) fn left(thread: &Thread, text: &mut Text) {
    let left = thread.fail_nth.set(0);
    writeln!(text, "{left}");
}

/// Sets the count. `EPERM` for all but the superuser, `EINVAL` for what is no number.
pub(crate) fn set(thread: &Thread, cred: &Cred, bytes: &[u8]) -> Result<(), Errno> {
    if !cred.has(Cap::SYS_RESOURCE) {
        return Err(Errno::EPERM);
    }
    let text = core::str::from_utf8(bytes).map_err(|_| Errno::EINVAL)?;
    thread.fail_nth.set(text.trim().parse().map_err(|_| Errno::EINVAL)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::FailNth;

    #[test]
    fn the_nth_charge_fails_and_no_other() {
        let nth = FailNth::default();
        assert_eq!(nth.count(), None);
        nth.set(3);
        assert_eq!([nth.count(), nth.count(), nth.count()], [Some(false), Some(false), Some(true)]);
        assert_eq!((nth.count(), nth.set(0)), (None, 0));
    }

    #[test]
    fn what_is_left_is_told() {
        let nth = FailNth::default();
        nth.set(5);
        assert_eq!(nth.count(), Some(false));
        assert_eq!(nth.set(0), 4);
        assert_eq!(nth.count(), None);
    }
}
