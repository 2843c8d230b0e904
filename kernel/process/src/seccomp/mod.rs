//! Filters of system calls (`seccomp(2)`): a thread gives up calls, for good, and its children have given them up too.
//!
//! A thread's state is under a lock of its own; it is changed only with the signals of its process locked, by the thread itself or by
//! another of the process (`TSYNC`). A call tests one word of it ([`Seccomp::is_watching`]) and costs nothing more where that is 0.
//! The filters that a thread runs are its own reference to them, taken anew when the word says that they changed.

mod chain;
mod log;
mod program;

pub use chain::Filter;
pub(crate) use log::{LOGGED, NAMES};
pub use program::LONGEST;

use crate::current::Current;
use crate::exit;
use crate::lock_classes;
use crate::process::Process;
use crate::signal::{Info, fault};
use crate::thread::Thread;
use crate::tree::ExitStatus;
use abi::seccomp::{ARCH, FilterFlags, SockFilter, action};
use abi::{Errno, MAX_ERRNO, Signal, nr};
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::cred::Cap;
use core::sync::atomic::{AtomicU32, Ordering};
use hal::SpinLock;
use program::{Data, Program};

/// What a thread has given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    #[default]
    Off,
    /// All calls but four.
    Strict,
    /// What its filters say.
    Filter,
}

/// The bits of the word.
const STRICT: u32 = 1;
const FILTERED: u32 = 2;
/// The thread's own reference is not to the newest filter.
const CHANGED: u32 = 4;

#[derive(Default)]
struct State {
    mode: Mode,
    newest: Option<Arc<Filter>>,
}

/// A thread's mode and filters.
pub struct Seccomp {
    word: AtomicU32,
    state: SpinLock<State>,
}

impl Seccomp {
    pub(crate) fn new() -> Self {
        let state = SpinLock::new(&lock_classes::SECCOMP, State::default());
        Self { word: AtomicU32::new(0), state }
    }

    /// Whether the thread's calls are to be looked at.
    #[inline]
    pub fn is_watching(&self) -> bool {
        self.word.load(Ordering::Relaxed) != 0
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        self.state.lock_irq().mode
    }

    /// How many filters there are.
    pub fn count(&self) -> usize {
        self.state.lock_irq().newest.as_ref().map_or(0, |newest| newest.count)
    }

    fn get(&self) -> (Mode, Option<Arc<Filter>>) {
        let state = self.state.lock_irq();
        (state.mode, state.newest.clone())
    }

    /// Sets all; gives the filters that were there.
    fn set(&self, mode: Mode, newest: Option<Arc<Filter>>) -> Option<Arc<Filter>> {
        let mut state = self.state.lock_irq();
        state.mode = mode;
        let old = core::mem::replace(&mut state.newest, newest);
        let word = match mode {
            Mode::Off => 0,
            Mode::Strict => STRICT,
            Mode::Filter => FILTERED | CHANGED,
        };
        self.word.store(word, Ordering::Release);
        old
    }
}

/// Gives a new thread what the one that makes it has given up. With the signals of that one's process locked.
pub(crate) fn inherit(from: &Thread, to: &Thread) {
    let (mode, newest) = from.seccomp.get();
    drop(to.seccomp.set(mode, newest)); // it had none
    if from.no_new_privileges.load(Ordering::Relaxed) {
        to.no_new_privileges.store(true, Ordering::Relaxed);
    }
}

/// Goes into strict mode.
///
/// # Errors
/// `EINVAL`: there are filters.
pub fn set_strict(current: &Current) -> Result<(), Errno> {
    let _signals = current.process.signals.lock_irq();
    if current.thread.seccomp.mode() == Mode::Filter {
        return Err(Errno::EINVAL);
    }
    drop(current.thread.seccomp.set(Mode::Strict, None)); // there were no filters
    Ok(())
}

/// Whether the thread may install filters at all.
///
/// # Errors
/// `EACCES`: programs it executes could get more rights than it has, and it is not privileged itself.
pub fn may_install(current: &Current) -> Result<(), Errno> {
    let may = current.has_no_new_privileges() || current.cred.has(Cap::SYS_ADMIN);
    if may { Ok(()) } else { Err(Errno::EACCES) }
}

/// Installs a filter; with `TSYNC` all threads of the process get what the caller has then. Gives 0, or the number of a thread that
/// has other filters: then nothing is changed.
///
/// # Errors
/// `EINVAL`: the program is flawed, or the mode strict; `ENOMEM`: no memory, or the filters are too long together; `ESRCH`:
/// instead of the number, if that was asked for.
pub fn install(current: &Current, code: Vec<SockFilter>, flags: FilterFlags) -> Result<u32, Errno> {
    let filter = Filter::new(Program::new(code)?, flags.contains(FilterFlags::LOG));
    aegis::charge::admit(size_of::<Filter>())?;
    let mut filter = Arc::new(filter);
    let signals = current.process.signals.lock_irq();
    let own = &current.thread.seccomp;
    let (mode, older) = own.get();
    if mode == Mode::Strict {
        return Err(Errno::EINVAL);
    }
    if let Some(filter) = Arc::get_mut(&mut filter) {
        filter.put_before(older.clone())?;
    }
    let others = || signals.threads.iter().filter(|thread| !Arc::ptr_eq(thread, &current.thread));
    if flags.contains(FilterFlags::TSYNC) {
        let apart = others().find(|thread| !follows(thread, older.as_ref()));
        if let Some(thread) = apart {
            let as_error = flags.contains(FilterFlags::TSYNC_ESRCH);
            let tid = thread.tid();
            drop(signals);
            return if as_error { Err(Errno::ESRCH) } else { Ok(tid) };
        }
        for thread in others() {
            // The filter keeps what is replaced: nothing is freed here.
            drop(thread.seccomp.set(Mode::Filter, Some(filter.clone())));
            if current.has_no_new_privileges() {
                thread.no_new_privileges.store(true, Ordering::Relaxed);
            }
        }
    }
    drop(own.set(Mode::Filter, Some(filter)));
    Ok(0)
}

/// Whether a thread's filters are all among these, so that it may have them.
fn follows(thread: &Thread, newest: Option<&Arc<Filter>>) -> bool {
    match thread.seccomp.get() {
        (Mode::Off, _) | (Mode::Filter, None) => true,
        (Mode::Filter, Some(its)) => its.is_in(newest),
        (Mode::Strict, _) => false,
    }
}

/// Looks at a call of a thread that [is watched](Seccomp::is_watching); says whether it is to be made. If not the registers are
/// as the program shall see them, or the thread is to end.
#[cold]
pub fn admits(current: &mut Current) -> bool {
    let word = current.thread.seccomp.word.load(Ordering::Acquire);
    let number = current.context.regs.rax as u32;
    if word & STRICT != 0 {
        const ALLOWED: [usize; 4] = [nr::READ, nr::WRITE, nr::EXIT, nr::RT_SIGRETURN];
        if ALLOWED.contains(&(number as usize)) {
            return true;
        }
        log::call(current, number, Some(Signal::SIGKILL), action::KILL_THREAD, true);
        current.finish(ExitStatus::killed(Signal::SIGKILL));
        return false;
    }
    if word & CHANGED != 0 {
        let newest = {
            let state = current.thread.seccomp.state.lock_irq();
            current.thread.seccomp.word.store(FILTERED, Ordering::Relaxed);
            state.newest.clone()
        };
        current.filters = newest;
    }
    let Some(filters) = &current.filters else { return true };
    let (result, logs) = filters.run(&data_of(current, number));
    carry_out(current, number, result, logs)
}

fn data_of(current: &Current, number: u32) -> Data {
    let mut data = [number, ARCH, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let pointer = current.context.regs.rip;
    let values = core::iter::once(pointer).chain(current.context.regs.arguments());
    let halves = values.flat_map(|value| [value as u32, (value >> 32) as u32]);
    for (to, half) in data.iter_mut().skip(2).zip(halves) {
        *to = half;
    }
    data
}

fn carry_out(current: &mut Current, number: u32, result: u32, logs: bool) -> bool {
    let data = result & action::DATA;
    let what = result & action::MASK;
    let signal = match what {
        action::ALLOW => return true,
        action::LOG | action::ERRNO | action::TRACE | action::USER_NOTIF => None,
        _ => Some(Signal::SIGSYS),
    };
    log::call(current, number, signal, what, logs);
    let answer = |current: &mut Current, error: u32| {
        current.context.regs.rax = i64::from(error).wrapping_neg().cast_unsigned();
        false
    };
    match what {
        action::LOG => true,
        action::ERRNO => answer(current, data.min(MAX_ERRNO as u32)),
        // Nobody traces, and nobody listens.
        action::TRACE | action::USER_NOTIF => answer(current, Errno::ENOSYS.as_i32().cast_unsigned()),
        action::TRAP => {
            let at = current.context.regs.rip;
            fault::force(current, Info::filtered(at, number, data.cast_signed()));
            false
        }
        action::KILL_THREAD if !is_alone(&current.process) => {
            current.finish(ExitStatus::killed(Signal::SIGSYS));
            false
        }
        _ => {
            exit::end_process(current, ExitStatus::killed(Signal::SIGSYS));
            false
        }
    }
}

fn is_alone(process: &Process) -> bool {
    process.signals.lock_irq().threads.len() == 1
}
