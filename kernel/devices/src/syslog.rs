//! The log as all readers share it: what was read of it and what was cleared (`syslog`, `/proc/kmsg`), and waiting for more.
//!
//! The log is written to anywhere, also under locks that a wake-up needs; so it wakes nobody itself. While somebody waits, a
//! timer looks whether it has grown.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;

use abi::Errno;
use abi::poll::PollEvents;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::cred::Cap;
use chroma::poll::restart;
use chroma::synthetic::Entry;
use chroma::{Cred, FileOps, OpenFile, PollTable, Sink};
use chronos::{Events, Mutex, Timer, TimerHandler, WaitKind, WaitQueue};
use hal::{Once, log};

use crate::lock_classes;

/// How often the timer looks.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// The most that is read at once: what the log keeps.
pub const SIZE: usize = 64 * 1024;

/// Up to where [`read_new`] has read. Held while what was read is copied, so that nobody reads it twice.
static READ_TO: Mutex<u64> = Mutex::new(&lock_classes::LOG_POSITION, 0);
static CLEARED_TO: AtomicU64 = AtomicU64::new(0);
/// `dmesg_restrict`: reading the log takes a privilege, as on Debian.
static RESTRICTED: AtomicBool = AtomicBool::new(true);

/// Who waits for the log to grow.
struct Growth {
    queue: Arc<WaitQueue>,
    timer: Once<Timer>,
    seen: AtomicU64,
}

impl TimerHandler for Growth {
    fn fire(&self) {
        let end = log::range().1;
        if self.seen.swap(end, Ordering::Relaxed) != end {
            self.queue.wake_all(Events::IN | Events::RDNORM);
        }
        if !self.queue.is_empty() {
            self.look_later();
        }
    }
}

impl Growth {
    fn look_later(&self) {
        if let Some(timer) = self.timer.get() {
            timer.set(chronos::clock::now() + LOOK_AGAIN);
        }
    }
}

static GROWTH: Once<Arc<Growth>> = Once::new();

/// The queue of those who wait for the log to grow; the timer looks from now on as long as somebody is in it.
pub(crate) fn growth() -> Result<Arc<WaitQueue>, Errno> {
    if GROWTH.get().is_none() {
        let queue = Arc::new(WaitQueue::new());
        let growth = Arc::new(Growth { queue, timer: Once::new(), seen: AtomicU64::new(0) });
        // Set once, here; whoever comes second drops an unused one.
        let _ = growth.timer.set(Timer::new(growth.clone()));
        let _ = GROWTH.set(growth);
    }
    let growth = GROWTH.get().ok_or(Errno::ENOMEM)?;
    growth.look_later();
    Ok(growth.queue.clone())
}

/// Whether `cred` may read all of the log: `EPERM`.
pub fn may_read(cred: &Cred) -> Result<(), Errno> {
    if RESTRICTED.load(Ordering::Relaxed) { may_control(cred) } else { Ok(()) }
}

/// Whether `cred` may read what is new, clear, or set the console's level: `EPERM`.
pub fn may_control(cred: &Cred) -> Result<(), Errno> {
    if cred.has(Cap::SYSLOG) { Ok(()) } else { cred.require(Cap::SYS_ADMIN) }
}

/// `dmesg_restrict`.
pub fn is_restricted() -> bool {
    RESTRICTED.load(Ordering::Relaxed)
}

/// Changes `dmesg_restrict`.
pub fn restrict(on: bool) {
    RESTRICTED.store(on, Ordering::Relaxed);
}

/// How many bytes [`read_new`] would give.
pub fn unread() -> u64 {
    let (start, end) = log::range();
    end.saturating_sub((*READ_TO.lock()).max(start))
}

fn buffer(length: usize) -> Result<Vec<u8>, Errno> {
    let length = length.min(SIZE);
    let mut bytes = Vec::new();
    aegis::charge::reserve_exact(&mut bytes, length)?;
    bytes.resize(length, 0);
    Ok(bytes)
}

/// Reads what nobody has read, waiting until there is something. Sleeps.
///
/// # Errors
/// `EAGAIN`: nothing new, and `waits` is false; `EFAULT`; `ENOMEM`; [`Errno::RESTART_SYS`].
pub fn read_new(to: &mut Sink<'_>, waits: bool) -> Result<usize, Errno> {
    if to.remaining() == 0 {
        return Ok(0);
    }
    let mut bytes = buffer(to.remaining())?;
    loop {
        {
            let mut read_to =
                READ_TO.lock_interruptible(WaitKind::Interruptible).map_err(|_| Errno::RESTART_SYS)?;
            let (begin, count) = log::read(*read_to, &mut bytes);
            if count > 0 {
                let copied = to.put(bytes.get(..count).unwrap_or_default())?;
                *read_to = begin + copied as u64;
                return Ok(copied);
            }
        }
        if !waits {
            return Err(Errno::EAGAIN);
        }
        let before = log::range().1;
        let grown = || (log::range().1 != before || unread_hint() > 0).then_some(());
        growth()?.wait(WaitKind::Interruptible, None, grown).map_err(restart)?;
    }
}

/// As [`unread`], for who must not sleep; what another reader takes at this moment counts.
fn unread_hint() -> u64 {
    READ_TO.try_lock().map_or(0, |read_to| log::range().1.saturating_sub(*read_to))
}

/// Reads the last bytes since the log was cleared, from the beginning of a line. Sleeps.
///
/// # Errors
/// `EFAULT`, `ENOMEM`.
pub fn read_all(to: &mut Sink<'_>, clears: bool) -> Result<usize, Errno> {
    let mut bytes = buffer(to.remaining())?;
    let (start, end) = log::range();
    let cleared = CLEARED_TO.load(Ordering::Relaxed).max(start);
    let from = cleared.max(end.saturating_sub(bytes.len() as u64));
    let (_, count) = log::read(from, &mut bytes);
    bytes.truncate(count);
    let cut = from > cleared;
    let skipped = if cut { bytes.iter().position(|&byte| byte == b'\n').map_or(0, |at| at + 1) } else { 0 };
    let lines = bytes.get(skipped..).unwrap_or_default();
    let copied = to.put(lines)?;
    if copied < lines.len() {
        return Err(Errno::EFAULT);
    }
    if clears {
        CLEARED_TO.store(end, Ordering::Relaxed);
    }
    Ok(copied)
}

/// Makes [`read_all`] begin with what comes from now on.
pub fn clear() {
    CLEARED_TO.store(log::range().1, Ordering::Relaxed);
}

/// `/proc/kmsg`: what nobody has read.
struct ProcKmsg;

impl FileOps for ProcKmsg {
    fn seekable(&self) -> bool {
        false
    }

    fn read(&self, file: &OpenFile, _: &mut u64, to: &mut Sink<'_>) -> Result<usize, Errno> {
        read_new(to, !file.nonblocking())
    }

    fn poll(&self, _: &OpenFile, table: Option<&PollTable>) -> PollEvents {
        if let (Some(table), Ok(queue)) = (table, growth()) {
            table.watch(&queue, PollEvents::READABLE);
        }
        if unread_hint() > 0 { PollEvents::READABLE } else { PollEvents::empty() }
    }
}

/// Puts `kmsg` into `/proc`.
pub(crate) fn start() {
    let open = |_, cred: &Cred| {
        may_control(cred)?;
        Ok(Box::new(ProcKmsg) as Box<dyn FileOps>)
    };
    chroma::procfs::proc().add("kmsg", Entry::special(Arc::new(open), abi::Mode(0o400)));
}

#[cfg(test)]
mod tests {
    use super::{read_new, unread};
    use abi::Errno;
    use chroma::Sink;

    #[test]
    fn what_is_new_is_read_once() {
        hal::info!("test", "something new");
        assert!(unread() > 0);
        let mut bytes = [0; 4096];
        while read_new(&mut Sink::kernel(&mut bytes), false).is_ok() {}
        assert_eq!(read_new(&mut Sink::kernel(&mut bytes), false), Err(Errno::EAGAIN));
        assert_eq!(unread(), 0);
    }
}
