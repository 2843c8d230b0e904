//! Controlling terminals: what terminals ask of processes, and which session has which terminal.

use crate::current;
use crate::lock_classes;
use crate::process::Process;
use crate::signal::{Info, send};
use crate::table;
use abi::{Errno, Signal};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::sync::atomic::Ordering;
use devices::{Caller, GroupId, JobControl, SessionId, Tty};
use hal::SpinLock;

/// The terminal of each session that has one.
static TERMINALS: SpinLock<BTreeMap<u32, Arc<Tty>>> =
    SpinLock::new(&lock_classes::TERMINALS, BTreeMap::new());

struct Jobs;

static JOBS: Jobs = Jobs;

/// Registers this crate with the terminals.
pub(crate) fn start() {
    devices::job::register(&JOBS);
}

/// The controlling terminal of a process.
pub fn of(process: &Process) -> Option<Arc<Tty>> {
    if process.has_left_terminal.load(Ordering::Relaxed) {
        return None;
    }
    let session = table::session_of(process.pid())?;
    TERMINALS.lock().get(&session).cloned()
}

/// `vhangup`: hangs up the caller's terminal.
pub fn hang_up(process: &Process) {
    if let Some(tty) = of(process) {
        tty.hang_up();
    }
}

/// A process ends: if it leads its session, the terminal is given up.
pub(crate) fn process_ends(process: &Process) {
    let session = table::session_of(process.pid()).filter(|session| *session == process.pid());
    if let Some(session) = session
        && let Some(tty) = of(process)
    {
        tty.leader_exits(SessionId(session));
    }
}

impl JobControl for Jobs {
    fn caller(&self) -> Option<Caller> {
        let thread = current::thread()?;
        let pid = thread.process().pid();
        table::with(|tree| {
            let node = tree.get(pid)?;
            Some(Caller {
                group: GroupId(node.group),
                session: SessionId(node.session),
                is_leader: node.session == pid,
            })
        })
    }

    fn controlling_terminal(&self) -> Option<Arc<Tty>> {
        of(current::thread()?.process())
    }

    fn set_controlling_terminal(&self, session: SessionId, terminal: Option<Arc<Tty>>) {
        let old = {
            let mut terminals = TERMINALS.lock();
            match terminal {
                Some(tty) => terminals.insert(session.0, tty),
                None => terminals.remove(&session.0),
            }
        };
        drop(old);
    }

    fn leave_terminal(&self) {
        if let Some(thread) = current::thread() {
            thread.process().has_left_terminal.store(true, Ordering::Relaxed);
        }
    }

    fn signal_group(&self, group: GroupId, signal: Signal) {
        send::to_group(group.0, Info::kernel(signal));
    }

    fn signal_leader(&self, session: SessionId, signal: Signal) {
        if let Some(process) = table::process(session.0) {
            send::to_process(&process, Info::kernel(signal));
        }
    }

    fn is_ignored(&self, signal: Signal) -> bool {
        let Some(thread) = current::thread() else { return false };
        let action = thread.process().signals.lock_irq().actions.get(signal);
        thread.blocked().contains(signal) || action.handler == abi::signal::SIG_IGN
    }

    fn is_orphaned(&self, group: GroupId) -> bool {
        table::with(|tree| tree.is_orphaned(group.0))
    }

    fn session_of(&self, group: GroupId) -> Option<SessionId> {
        table::with(|tree| tree.session_of_group(group.0)).map(SessionId)
    }

    fn group_from_number(&self, number: i32) -> Option<GroupId> {
        u32::try_from(number).ok().map(GroupId)
    }

    fn group_number(&self, group: GroupId) -> i32 {
        group.0.cast_signed()
    }

    fn session_number(&self, session: SessionId) -> i32 {
        session.0.cast_signed()
    }
}

/// `setsid`: a session and a group of its own, without a terminal.
///
/// # Errors
/// `EPERM`: the process leads a group already.
pub fn new_session(process: &Process) -> Result<u32, Errno> {
    let session = table::with(|tree| tree.set_session(process.pid()))?;
    process.has_left_terminal.store(false, Ordering::Relaxed);
    Ok(session)
}
