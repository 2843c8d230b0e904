//! Lines in the log about calls that a filter did not simply allow, and which actions get one.

use crate::current::Current;
use crate::thread::shown;
use abi::Signal;
use abi::seccomp::action;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The actions by their names in `/proc/sys/kernel/seccomp`; a bit each in [`LOGGED`].
pub(crate) const NAMES: [(&str, u32); 8] = [
    ("kill_process", action::KILL_PROCESS),
    ("kill_thread", action::KILL_THREAD),
    ("trap", action::TRAP),
    ("errno", action::ERRNO),
    ("user_notif", action::USER_NOTIF),
    ("trace", action::TRACE),
    ("log", action::LOG),
    ("allow", action::ALLOW),
];
/// Which actions are logged: all but `allow`.
pub(crate) static LOGGED: AtomicU32 = AtomicU32::new(0x7f);

/// No more than so many lines in so many nanoseconds: a program must not fill the log.
const LINES: u32 = 10;
const SPAN: u64 = 5_000_000_000;
static BEGIN: AtomicU64 = AtomicU64::new(0);
static WRITTEN: AtomicU32 = AtomicU32::new(0);

fn is_too_much() -> bool {
    let now = u64::try_from(chronos::clock::now().since_boot().as_nanos()).unwrap_or(u64::MAX);
    if now.saturating_sub(BEGIN.load(Ordering::Relaxed)) > SPAN {
        BEGIN.store(now, Ordering::Relaxed);
        WRITTEN.store(0, Ordering::Relaxed);
    }
    WRITTEN.fetch_add(1, Ordering::Relaxed) >= LINES
}

/// Logs a call, if its action is logged: killing and `log` always are then, others when their filter asks for it.
pub(super) fn call(current: &Current, number: u32, signal: Option<Signal>, what: u32, is_asked: bool) {
    let known = NAMES.iter().position(|(_, action)| *action == what).unwrap_or(0); // what is not known kills
    let by_itself = !matches!(what, action::TRAP | action::ERRNO | action::USER_NOTIF | action::TRACE);
    if LOGGED.load(Ordering::Relaxed) >> known & 1 == 0 || !(by_itself || is_asked) || is_too_much() {
        return;
    }
    let name = shown(&current.thread.name());
    let at = current.context.regs.rip;
    let signal = signal.map_or(0, Signal::as_i32);
    hal::info!(
        "seccomp",
        "{name}[{}]: call {number} at {at:#x}: code {what:#x}, signal {signal}",
        current.tid()
    );
}
