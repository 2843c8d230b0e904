//! Process groups and sessions.

use abi::Errno;
use alloc::collections::BTreeSet;

use super::{Index, Node, Tree};

/// A process group that has members.
#[derive(Default)]
pub(super) struct Group {
    session: u32,
    members: BTreeSet<u32>,
}

impl<P, T, I: Index<P, T>> Tree<P, T, I> {
    pub(super) fn join(&mut self, pid: u32, group: u32, session: u32) {
        let entry = self.groups.entry(group).or_insert_with(|| {
            *self.sessions.entry(session).or_insert(0) += 1;
            Group { session, members: BTreeSet::new() }
        });
        entry.members.insert(pid);
    }

    pub(super) fn leave(&mut self, pid: u32, group: u32) {
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

    /// Whether a process group is orphaned: no member that goes on has a parent in another group of the session. An empty group
    /// is not.
    pub fn is_orphaned(&self, group: u32) -> bool {
        let Some(entry) = self.groups.get(&group) else { return false };
        !entry.members.iter().any(|&pid| {
            let Some(node) = self.get(pid) else { return false };
            if node.is_leaving || node.is_zombie() || node.parent == self.init {
                return false;
            }
            self.get(node.parent)
                .is_some_and(|parent| parent.group != group && parent.session == entry.session)
        })
    }
}
