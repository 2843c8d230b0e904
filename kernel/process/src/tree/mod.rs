//! Who exists: process numbers, parents and children, process groups, sessions.
//!
//! The tree is one structure under one lock (`TREE` in `process`), so that every relation changes as a whole; it is pure
//! data, generic in what a process and a thread are, and tested without either. A number stays taken while a thread, a
//! process (also as a zombie), a process group or a session bears it. Who only wants to know what a number means does not need the
//! lock: the tree tells an [`Index`] of every change.

mod groups;
mod node;
mod orphans;
#[cfg(test)]
mod tests;

use abi::{Errno, Signal};
use alloc::collections::{BTreeMap, BTreeSet};

use groups::Group;
pub use node::{ExitStatus, Node, Report};
pub use orphans::Adopted;

/// Process numbers end here (Linux's default `pid_max`).
pub const PID_MAX: u32 = 32768;
/// Where the search for a free number starts again (as on Linux: low numbers stay with the boot's processes).
const RESERVED: u32 = 300;

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
            is_leaving: false,
            report: Report::default(),
            sequence,
        };
        self.processes.insert(pid, node);
    }

    fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
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
