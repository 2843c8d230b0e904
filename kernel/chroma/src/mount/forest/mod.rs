//! How mounts hang together: what sits in what, and who is whose peer or slave (Linux's
//! `Documentation/filesystems/sharedsubtree.rst`).
//!
//! One structure holds all of it, by the mounts' numbers, behind the lock that every change takes. Walks need none of it:
//! they ask the [table](super::table). A mount is in the forest from before it is attached until it is detached; what
//! has no namespace yet is part of a change that is being prepared. Nodes refer to their mounts weakly: who counts
//! references to find out whether a mount is used need not know of the forest.

mod groups;
mod peers;
mod receivers;
#[cfg(test)]
mod tests;
mod tree;

use abi::Errno;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use chronos::{Mutex, MutexGuard};

use super::{Mount, MountNamespace};
use crate::lock_classes;

use groups::Groups;
pub use peers::Kind;
pub(super) use peers::{Copying, Ties};

/// The number of a mount.
pub(super) type Id = u64;

static FOREST: Mutex<Forest> = Mutex::new(&lock_classes::MOUNT_CHANGE, Forest::new());

/// Keeps all mounts as they are, but for the caller's changes. May sleep.
#[cfg(not(test))]
pub(super) fn lock() -> MutexGuard<'static, Forest> {
    FOREST.lock()
}

/// Tests run beside one another in threads that cannot sleep: the scheduler does not know them.
#[cfg(test)]
pub(super) fn lock() -> MutexGuard<'static, Forest> {
    loop {
        if let Some(forest) = FOREST.try_lock() {
            return forest;
        }
        std::thread::yield_now();
    }
}

/// All mounts, and their ties.
pub(super) struct Forest {
    nodes: BTreeMap<Id, Node>,
    /// What sits in a mount, in the order of attaching: by the mount and a number that grows.
    children: BTreeMap<(Id, u64), Id>,
    /// The number that the next child gets.
    next_place: u64,
    groups: Groups,
}

/// What `umount` has found out about a mount so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Mark {
    /// Nothing.
    #[default]
    None,
    /// It goes.
    Going,
    /// It goes, and so it is known what gets that from it.
    GoingKnown,
    /// It would go if nothing were below it.
    Candidate,
    /// Something is below it.
    Kept,
}

struct Node {
    mount: Weak<Mount>,
    /// The address of the dentry that it shows at its top.
    root: usize,
    namespace: Option<Arc<MountNamespace>>,
    place: Option<Place>,
    ties: Ties,
    mark: Mark,
}

/// Where a mount sits.
#[derive(Clone, Copy)]
struct Place {
    parent: Id,
    number: u64,
    /// It covers all of its parent.
    covers: bool,
}

impl Forest {
    const fn new() -> Forest {
        Forest { nodes: BTreeMap::new(), children: BTreeMap::new(), next_place: 0, groups: Groups::new() }
    }

    /// Takes a mount in: private, nowhere, in no namespace. What that takes is part of the mount's own charge.
    pub(super) fn enrol(&mut self, mount: &Arc<Mount>) {
        self.add(mount.id(), Arc::downgrade(mount), Arc::as_ptr(mount.root()).addr());
    }

    fn add(&mut self, id: Id, mount: Weak<Mount>, root: usize) {
        let ties = Ties::alone(id);
        self.nodes.insert(id, Node { mount, root, namespace: None, place: None, ties, mark: Mark::None });
    }

    /// Lets a mount go, that sits nowhere any more: it leaves its group, and its slaves get another master.
    pub(super) fn dismiss(&mut self, id: Id) {
        self.make(id, Kind::Private);
        self.nodes.remove(&id);
    }

    /// The mount with this number.
    pub(super) fn mount(&self, id: Id) -> Option<Arc<Mount>> {
        self.nodes.get(&id)?.mount.upgrade()
    }

    /// The namespace that a mount belongs to.
    pub(super) fn namespace(&self, id: Id) -> Option<&Arc<MountNamespace>> {
        self.nodes.get(&id)?.namespace.as_ref()
    }

    /// Makes it belong to a namespace.
    pub(super) fn set_namespace(&mut self, id: Id, namespace: Arc<MountNamespace>) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.namespace = Some(namespace);
        }
    }

    /// What is noted about a mount.
    pub(super) fn mark(&self, id: Id) -> Mark {
        self.nodes.get(&id).map(|node| node.mark).unwrap_or_default()
    }

    /// Notes something about a mount.
    pub(super) fn set_mark(&mut self, id: Id, mark: Mark) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.mark = mark;
        }
    }

    /// Gives the mounts of a tree that have no group a number for one; they are not shared by that yet. `ENOMEM`: none
    /// has one then.
    pub(super) fn invent_groups(&mut self, top: Id) -> Result<(), Errno> {
        let mut next = Some(top);
        while let Some(id) = next {
            if let Err(error) = self.invent_group(id) {
                self.forget_groups(top);
                return Err(error);
            }
            next = self.next(id, top);
        }
        Ok(())
    }

    /// Takes back what [`Forest::invent_groups`] gave.
    pub(super) fn forget_groups(&mut self, top: Id) {
        let mut next = Some(top);
        while let Some(id) = next {
            self.forget_group(id);
            next = self.next(id, top);
        }
    }
}
