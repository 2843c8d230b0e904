//! Who gets the children of a process that ends.

use abi::Signal;

use super::{Index, Tree};

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

impl<P, T, I: Index<P, T>> Tree<P, T, I> {
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
        let linked = group != own_group && session == own_session && !self.is_orphaned(group);
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
        let orphaned_group = (linked && self.is_orphaned(group)).then_some(group);
        Some(Adopted { pid: child, parent: reaper, is_zombie, orphaned_group })
    }
}
