//! Who exists: process numbers, parents and children, process groups, sessions.
//!
//! The tree is one structure under one lock (`TREE` in `process`), so that every relation changes as a whole; it is pure
//! data, generic in what a process and a thread are, and tested without either. A number stays taken while a thread, a
//! process (also as a zombie), a process group or a session bears it. Who only wants to know what a number means does not need the
//! lock: the tree tells an [`Index`] of every change.

use abi::{Errno, Signal};
use alloc::collections::{BTreeMap, BTreeSet};

/// Process numbers end here (Linux's default `pid_max`).
pub const PID_MAX: u32 = 32768;
/// Where the search for a free number starts again (as on Linux: low numbers stay with the boot's processes).
const RESERVED: u32 = 300;

/// How a process ended, as `wait` encodes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitStatus(pub i32);

impl ExitStatus {
    /// By `exit`.
    pub const fn exited(code: i32) -> Self {
        Self((code & 0xff) << 8)
    }

    /// By a signal.
    pub const fn killed(signal: Signal) -> Self {
        Self(signal.as_i32())
    }

    /// The signal that ended it.
    pub fn signal(self) -> Option<Signal> {
        Signal::from_user(self.0 & 0x7f)
    }

    /// The code given to `exit`, or the signal's number: `si_status`.
    pub fn detail(self) -> i32 {
        if self.0 & 0x7f == 0 { (self.0 >> 8) & 0xff } else { self.0 & 0x7f }
    }
}

/// What a parent has not been told yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How the process ended: it is a zombie.
    pub ended: Option<ExitStatus>,
    /// The signal that stopped it.
    pub stopped: Option<Signal>,
    /// It goes on after a stop.
    pub continued: bool,
}

/// A process in the tree.
pub struct Node<P> {
    /// The process.
    pub process: P,
    /// The number of its parent; 0 for the first process.
    pub parent: u32,
    /// Which of the parent's threads made it.
    pub creator: u32,
    /// Its children, in the order in which they came: (sequence, number).
    pub children: BTreeSet<(u64, u32)>,
    /// Its process group.
    pub group: u32,
    /// Its session.
    pub session: u32,
    /// What its end sends to the parent.
    pub exit_signal: Option<Signal>,
    /// Whether it has executed a program since it was made.
    pub has_executed: bool,
    /// Whether orphans below it become its children.
    pub is_subreaper: bool,
    /// What the parent has not been told yet.
    pub report: Report,
    /// When it became its parent's child.
    sequence: u64,
}

impl<P> Node<P> {
    /// Whether it has ended and waits for its parent to ask.
    pub fn is_zombie(&self) -> bool {
        self.report.ended.is_some()
    }
}

#[derive(Default)]
struct Group {
    session: u32,
    members: BTreeSet<u32>,
}

/// Knows what numbers mean. Told under the tree's lock; `None` when a number means nothing any more.
pub trait Index<P, T> {
    /// `pid` is this process now, in this group and this session.
    fn process(&self, pid: u32, process: Option<(&P, u32, u32)>);

    /// `tid` is this thread now.
    fn thread(&self, tid: u32, thread: Option<&T>);
}

/// Nobody wants to know.
impl<P, T> Index<P, T> for () {
    fn process(&self, _: u32, _: Option<(&P, u32, u32)>) {}

    fn thread(&self, _: u32, _: Option<&T>) {}
}

/// All processes.
pub struct Tree<P, T, I = ()> {
    index: I,
    processes: BTreeMap<u32, Node<P>>,
    threads: BTreeMap<u32, T>,
    groups: BTreeMap<u32, Group>,
    /// How many groups each session has.
    sessions: BTreeMap<u32, u32>,
    last: u32,
    sequence: u64,
    /// The process that inherits orphans.
    init: u32,
}

/// A process that lost its parent to another.
#[derive(Debug, PartialEq, Eq)]
pub struct Adopted {
    /// Its number.
    pub pid: u32,
    /// Its new parent.
    pub parent: u32,
    /// Whether it is a zombie that the new parent must be told of.
    pub is_zombie: bool,
    /// A process group that lost its last parent within the session by this.
    pub orphaned_group: Option<u32>,
}

impl<P, T, I: Index<P, T> + Default> Default for Tree<P, T, I> {
    fn default() -> Self {
        Self::new(I::default())
    }
}

impl<P, T, I: Index<P, T>> Tree<P, T, I> {
    /// Nobody exists.
    pub const fn new(index: I) -> Self {
        Self {
            index,
            processes: BTreeMap::new(),
            threads: BTreeMap::new(),
            groups: BTreeMap::new(),
            sessions: BTreeMap::new(),
            last: 0,
            sequence: 0,
            init: 1,
        }
    }

    fn is_taken(&self, number: u32) -> bool {
        self.threads.contains_key(&number)
            || self.processes.contains_key(&number)
            || self.groups.contains_key(&number)
            || self.sessions.contains_key(&number)
    }

    /// Chooses a free number, ascending, from the low end again after the highest.
    ///
    /// # Errors
    /// `EAGAIN`: all are taken.
    pub fn choose_number(&mut self) -> Result<u32, Errno> {
        let after = self.last + 1;
        let start = if after >= PID_MAX { RESERVED } else { after };
        let number = (start..PID_MAX)
            .chain(RESERVED.min(start)..start)
            .find(|&number| !self.is_taken(number))
            .ok_or(Errno::EAGAIN)?;
        self.last = number;
        Ok(number)
    }

    /// The number chosen last, for `/proc/loadavg`.
    pub fn last_number(&self) -> u32 {
        self.last
    }

    /// Adds a process. It gets its parent's group and session; without a parent, those numbered 0.
    pub fn add_process(
        &mut self,
        pid: u32,
        parent: u32,
        creator: u32,
        exit_signal: Option<Signal>,
        process: P,
    ) {
        let sequence = self.next_sequence();
        let (group, session) = match self.processes.get_mut(&parent) {
            Some(node) => {
                node.children.insert((sequence, pid));
                (node.group, node.session)
            }
            None => (0, 0), // as on Linux: the first process may become a session leader
        };
        self.join(pid, group, session);
        self.index.process(pid, Some((&process, group, session)));
        let node = Node {
            process,
            parent,
            creator,
            children: BTreeSet::new(),
            group,
            session,
            exit_signal,
            has_executed: false,
            is_subreaper: false,
            report: Report::default(),
            sequence,
        };
        self.processes.insert(pid, node);
    }

    fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    fn join(&mut self, pid: u32, group: u32, session: u32) {
        let entry = self.groups.entry(group).or_insert_with(|| {
            *self.sessions.entry(session).or_insert(0) += 1;
            Group { session, members: BTreeSet::new() }
        });
        entry.members.insert(pid);
    }

    fn leave(&mut self, pid: u32, group: u32) {
        let Some(entry) = self.groups.get_mut(&group) else { return };
        entry.members.remove(&pid);
        if !entry.members.is_empty() {
            return;
        }
        let session = entry.session;
        self.groups.remove(&group);
        if let Some(count) = self.sessions.get_mut(&session) {
            *count -= 1;
            if *count == 0 {
                self.sessions.remove(&session);
            }
        }
    }

    /// Adds a thread.
    pub fn add_thread(&mut self, tid: u32, thread: T) {
        self.index.thread(tid, Some(&thread));
        self.threads.insert(tid, thread);
    }

    /// Removes a thread; its number may be used again unless something else bears it.
    pub fn remove_thread(&mut self, tid: u32) -> Option<T> {
        self.index.thread(tid, None);
        self.threads.remove(&tid)
    }

    /// A thread by its number.
    pub fn thread(&self, tid: u32) -> Option<&T> {
        self.threads.get(&tid)
    }

    /// All threads, by number.
    pub fn threads(&self) -> impl Iterator<Item = (u32, &T)> {
        self.threads.iter().map(|(tid, thread)| (*tid, thread))
    }

    /// How many threads there are.
    pub fn thread_count(&self) -> usize {
        self.threads.len()
    }

    /// A process by its number, also a zombie.
    pub fn get(&self, pid: u32) -> Option<&Node<P>> {
        self.processes.get(&pid)
    }

    /// As [`Tree::get`], to be changed.
    pub fn get_mut(&mut self, pid: u32) -> Option<&mut Node<P>> {
        self.processes.get_mut(&pid)
    }

    /// All processes, by number.
    pub fn processes(&self) -> impl Iterator<Item = (u32, &Node<P>)> {
        self.processes.iter().map(|(pid, node)| (*pid, node))
    }

    /// The first process with a number of at least `from`.
    pub fn next_process(&self, from: u32) -> Option<u32> {
        self.processes.range(from..).next().map(|(pid, _)| *pid)
    }

    /// The children of a process, oldest first.
    pub fn children(&self, pid: u32) -> impl Iterator<Item = (u32, &Node<P>)> {
        let children = self.processes.get(&pid).map(|node| node.children.iter());
        children.into_iter().flatten().filter_map(|(_, child)| Some((*child, self.processes.get(child)?)))
    }

    /// The child of a process that came first after the one with the sequence number `after`: (sequence, number).
    pub fn next_child(&self, pid: u32, after: u64) -> Option<(u64, u32)> {
        let children = &self.processes.get(&pid)?.children;
        children.range((after + 1, 0)..).next().copied()
    }

    /// The members of a process group.
    pub fn members(&self, group: u32) -> impl Iterator<Item = (u32, &Node<P>)> {
        let members = self.groups.get(&group).map(|group| group.members.iter());
        members.into_iter().flatten().filter_map(|pid| Some((*pid, self.processes.get(pid)?)))
    }

    /// The session of a process group that exists.
    pub fn session_of_group(&self, group: u32) -> Option<u32> {
        self.groups.get(&group).map(|group| group.session)
    }

    /// `setpgid(pid, group)` by the process `caller`; 0 stands for the caller, and for `pid`.
    ///
    /// # Errors
    /// `ESRCH`: neither the caller nor a child; `EACCES`: a child that has executed; `EPERM`: another session, a session
    /// leader, or no such group in the session. (POSIX; the order of the checks is Linux's.)
    pub fn set_group(&mut self, caller: u32, pid: u32, group: u32) -> Result<(), Errno> {
        let pid = if pid == 0 { caller } else { pid };
        let group = if group == 0 { pid } else { group };
        let own_session = self.get(caller).ok_or(Errno::ESRCH)?.session;
        let node = self.get(pid).ok_or(Errno::ESRCH)?;
        if pid != caller {
            if node.parent != caller {
                return Err(Errno::ESRCH);
            }
            if node.session != own_session {
                return Err(Errno::EPERM);
            }
            if node.has_executed {
                return Err(Errno::EACCES);
            }
        }
        if node.session == pid {
            return Err(Errno::EPERM);
        }
        if group != pid && self.session_of_group(group) != Some(own_session) {
            return Err(Errno::EPERM);
        }
        let (old, session) = (node.group, node.session);
        if old != group {
            // The new one first: leaving may end the group, and with it the session's last entry.
            self.join(pid, group, session);
            self.leave(pid, old);
            self.move_to(pid, group, session);
        }
        Ok(())
    }

    /// `setsid`: a session and a group of its own.
    ///
    /// # Errors
    /// `EPERM`: the process leads a group already (or its number is that of one).
    pub fn set_session(&mut self, pid: u32) -> Result<u32, Errno> {
        let node = self.get(pid).ok_or(Errno::ESRCH)?;
        if self.groups.contains_key(&pid) || node.session == pid {
            return Err(Errno::EPERM);
        }
        let old = node.group;
        self.join(pid, pid, pid);
        self.leave(pid, old);
        self.move_to(pid, pid, pid);
        Ok(pid)
    }

    /// Notes the group and the session that a process has joined.
    fn move_to(&mut self, pid: u32, group: u32, session: u32) {
        if let Some(node) = self.processes.get_mut(&pid) {
            node.group = group;
            node.session = session;
            self.index.process(pid, Some((&node.process, group, session)));
        }
    }

    /// Whether a process group is orphaned: no member has a parent in another group of the session. `without` is left out of the
    /// count (a process that is about to end). An empty group is not.
    pub fn is_orphaned(&self, group: u32, without: Option<u32>) -> bool {
        let Some(entry) = self.groups.get(&group) else { return false };
        !entry.members.iter().any(|&pid| {
            let Some(node) = self.get(pid) else { return false };
            if Some(pid) == without || node.is_zombie() || node.parent == self.init {
                return false;
            }
            self.get(node.parent)
                .is_some_and(|parent| parent.group != group && parent.session == entry.session)
        })
    }

    /// Who inherits the children of a process: the nearest subreaper above it, else the first process.
    fn reaper_for(&self, pid: u32) -> u32 {
        let mut at = self.get(pid).map_or(self.init, |node| node.parent);
        while let Some(node) = self.get(at) {
            if at == self.init || (node.is_subreaper && !node.is_zombie()) {
                return at;
            }
            at = node.parent;
        }
        self.init
    }

    /// Gives the oldest child of a process that ends to its reaper; `None` when there is none left. One at a time: how many there
    /// are is a program's choice.
    pub fn orphan_child(&mut self, pid: u32) -> Option<Adopted> {
        let reaper = self.reaper_for(pid);
        let parent = self.get_mut(pid)?;
        let (_, child) = parent.children.pop_first()?;
        let (own_group, own_session) = (parent.group, parent.session);
        let sequence = self.next_sequence();
        let (group, session) = self.get(child).map(|node| (node.group, node.session))?;
        let linked = group != own_group && session == own_session && !self.is_orphaned(group, None);
        let node = self.get_mut(child)?;
        node.parent = reaper;
        node.creator = reaper;
        node.sequence = sequence;
        // Whoever adopts is told by SIGCHLD, whatever the child's own parent wanted.
        node.exit_signal = Some(Signal::SIGCHLD);
        let is_zombie = node.is_zombie();
        if let Some(parent) = self.get_mut(reaper) {
            parent.children.insert((sequence, child));
        }
        let orphaned_group = (linked && self.is_orphaned(group, None)).then_some(group);
        Some(Adopted { pid: child, parent: reaper, is_zombie, orphaned_group })
    }

    /// Removes a zombie; its number is free unless a group or session bears it.
    pub fn reap(&mut self, pid: u32) -> Option<Node<P>> {
        let node = self.processes.remove(&pid)?;
        self.index.process(pid, None);
        if let Some(parent) = self.get_mut(node.parent) {
            parent.children.remove(&(node.sequence, pid));
        }
        self.leave(pid, node.group);
        Some(node)
    }
}

#[cfg(test)]
mod tests {
    use super::{ExitStatus, Tree};
    use abi::{Errno, Signal};

    /// 1 (init) ← 2 (a shell in a session of its own) ← 3, 4 in the group 3.
    fn shell_with_job() -> Tree<(), ()> {
        let mut tree = Tree::new(());
        tree.add_process(1, 0, 0, None, ());
        tree.add_process(2, 1, 1, Some(Signal::SIGCHLD), ());
        tree.set_session(2).unwrap();
        for pid in [3, 4] {
            tree.add_process(pid, 2, 2, Some(Signal::SIGCHLD), ());
            tree.set_group(2, pid, 3).unwrap();
        }
        tree
    }

    fn end(tree: &mut Tree<(), ()>, pid: u32) {
        tree.get_mut(pid).unwrap().report.ended = Some(ExitStatus::exited(0));
    }

    #[test]
    fn numbers_ascend_and_wrap_past_those_taken() {
        let mut tree = shell_with_job();
        tree.last = 2;
        assert_eq!(tree.choose_number(), Ok(5));
        tree.last = super::PID_MAX - 1;
        assert_eq!(tree.choose_number(), Ok(super::RESERVED));
    }

    #[test]
    fn a_groups_number_stays_taken_while_it_has_members() {
        let mut tree = shell_with_job();
        end(&mut tree, 3);
        tree.reap(3);
        assert!(tree.is_taken(3));
        end(&mut tree, 4);
        tree.reap(4);
        assert!(!tree.is_taken(3));
    }

    #[test]
    fn setpgid_follows_posix() {
        let mut tree = shell_with_job();
        assert_eq!(tree.set_group(2, 0, 0), Err(Errno::EPERM), "a session leader stays");
        assert_eq!(tree.set_group(3, 4, 4), Err(Errno::ESRCH), "not a child");
        assert_eq!(tree.set_group(2, 4, 99), Err(Errno::EPERM), "no such group");
        assert_eq!(tree.set_group(2, 4, 1), Err(Errno::EPERM), "a group of another session");
        tree.get_mut(4).unwrap().has_executed = true;
        assert_eq!(tree.set_group(2, 4, 4), Err(Errno::EACCES));
        assert_eq!(tree.set_group(4, 0, 0), Ok(()));
        assert_eq!(tree.get(4).unwrap().group, 4);
    }

    #[test]
    fn setsid_is_not_for_group_leaders() {
        let mut tree = shell_with_job();
        assert_eq!(tree.set_session(3), Err(Errno::EPERM));
        assert_eq!(tree.set_session(4), Ok(4));
        assert_eq!(tree.session_of_group(4), Some(4));
    }

    #[test]
    fn a_job_is_orphaned_when_its_shell_ends() {
        let mut tree = shell_with_job();
        assert!(!tree.is_orphaned(3, None));
        let adopted: std::vec::Vec<_> = core::iter::from_fn(|| tree.orphan_child(2)).collect();
        assert_eq!(adopted.len(), 2);
        assert!(adopted.iter().all(|child| child.parent == 1 && !child.is_zombie));
        assert_eq!(adopted[1].orphaned_group, Some(3));
        assert_eq!(tree.children(1).count(), 3);
        assert!(tree.is_orphaned(3, None));
    }

    #[test]
    fn the_nearest_subreaper_adopts() {
        let mut tree = shell_with_job();
        tree.get_mut(2).unwrap().is_subreaper = true;
        tree.add_process(5, 3, 3, None, ());
        assert_eq!(tree.orphan_child(3).unwrap().parent, 2);
        assert_eq!(tree.get(5).unwrap().exit_signal, Some(Signal::SIGCHLD));
    }

    #[test]
    fn children_come_in_the_order_of_their_making() {
        let mut tree = shell_with_job();
        tree.add_process(9, 2, 2, None, ());
        tree.add_process(6, 2, 2, None, ());
        let order: std::vec::Vec<u32> = tree.children(2).map(|(pid, _)| pid).collect();
        assert_eq!(order, [3, 4, 9, 6]);
        end(&mut tree, 9);
        tree.reap(9);
        assert_eq!(tree.children(2).count(), 3);
    }

    #[test]
    fn exit_statuses_are_encoded_as_wait_expects() {
        assert_eq!(ExitStatus::exited(0x1ff).0, 0xff00);
        assert_eq!(ExitStatus::killed(Signal::SIGKILL).0, 9);
        assert_eq!(ExitStatus::exited(3).detail(), 3);
        assert_eq!(ExitStatus::killed(Signal::SIGTERM).detail(), 15);
    }
}
