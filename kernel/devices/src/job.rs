//! What terminals ask of processes: who is calling, and signals to process groups. The process crate registers an
//! implementation; until it does, nobody has a controlling terminal and signals go nowhere.

use abi::Signal;
use alloc::sync::Arc;
use hal::Once;

use crate::tty::Tty;

/// A process group, by its number in the outermost pid namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupId(pub u32);

/// A session, by its number in the outermost pid namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionId(pub u32);

/// The calling process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Its process group.
    pub group: GroupId,
    /// Its session.
    pub session: SessionId,
    /// Whether it leads the session.
    pub is_leader: bool,
}

/// What terminals ask of processes. Called without any lock of a terminal held; must not wait for terminals.
pub trait JobControl: Sync {
    /// The calling process; `None` for kernel threads.
    fn caller(&self) -> Option<Caller>;

    /// The controlling terminal of the caller's session.
    fn controlling_terminal(&self) -> Option<Arc<Tty>>;

    /// Gives a session a controlling terminal, or takes it away. A process that left the terminal by itself (`TIOCNOTTY`
    /// without being the leader) is [`JobControl::leave_terminal`].
    fn set_controlling_terminal(&self, session: SessionId, terminal: Option<Arc<Tty>>);

    /// Makes the calling process alone forget its controlling terminal.
    fn leave_terminal(&self);

    /// Sends a signal to every process of a group; nothing happens if there is none.
    fn signal_group(&self, group: GroupId, signal: Signal);

    /// Sends a signal to the leader of a session.
    fn signal_leader(&self, session: SessionId, signal: Signal);

    /// Whether the calling thread blocks or ignores a signal.
    fn is_ignored(&self, signal: Signal) -> bool;

    /// Whether a process group is orphaned (POSIX): no parent of a member is in another group of the session.
    fn is_orphaned(&self, group: GroupId) -> bool;

    /// The session of a process group; `None` if there is no such group.
    fn session_of(&self, group: GroupId) -> Option<SessionId>;

    /// The group that a number given by the caller means in its pid namespace.
    fn group_from_number(&self, number: i32) -> Option<GroupId>;

    /// The number of a group in the caller's pid namespace; 0 if it has none there.
    fn group_number(&self, group: GroupId) -> i32;

    /// The number of a session in the caller's pid namespace; 0 if it has none there.
    fn session_number(&self, session: SessionId) -> i32;
}

static JOB_CONTROL: Once<&'static dyn JobControl> = Once::new();

/// Registers the processes' side; the first one stays.
pub fn register(job_control: &'static dyn JobControl) {
    let _ = JOB_CONTROL.set(job_control);
}

/// The processes' side.
pub(crate) fn control() -> Option<&'static dyn JobControl> {
    JOB_CONTROL.get().copied()
}
