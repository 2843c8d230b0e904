//! Trees of mounts that are nowhere: `open_tree` and `fsmount` make them, `move_mount` attaches them.
//!
//! Such a tree is in a namespace of its own in which nobody is. It ends with its descriptor, unless it was attached
//! meanwhile.

use alloc::sync::Arc;

use abi::Errno;

use super::copy::{Which, copy_one, copy_tree};
use super::forest::{self, Copying, Forest, Id};
use super::{Mount, MountNamespace, Path, table};

/// A tree that is nowhere. When this is dropped, and it is nowhere still, the tree is dissolved: what is used of it stays as
/// it is until it is used no longer.
pub struct DetachedTree {
    top: Arc<Mount>,
}

impl DetachedTree {
    /// A tree of one mount, which is in no namespace yet. May sleep.
    pub fn of(top: Arc<Mount>) -> DetachedTree {
        let mut forest = forest::lock();
        forest.enrol(&top);
        MountNamespace::nobodys().add(&mut forest, top.clone());
        DetachedTree { top }
    }

    /// Its top.
    pub fn top(&self) -> Path {
        Path::top_of(self.top.clone())
    }
}

impl Drop for DetachedTree {
    /// May sleep.
    fn drop(&mut self) {
        let mut forest = forest::lock();
        if !forest.namespace(self.top.id()).is_some_and(|namespace| namespace.is_nobodys()) {
            return;
        }
        let top = self.top.id();
        let mut at = forest.leaf(top);
        loop {
            let parent = forest.parent(at);
            let mount = forest.mount(at);
            if let Some(mount) = &mount {
                if let Some(namespace) = forest.namespace(at) {
                    namespace.remove(mount);
                }
                if at != top {
                    table::keep(mount);
                }
            }
            forest.unhang(at);
            forest.dismiss(at);
            match parent {
                Some(parent) if at != top => at = forest.leaf(parent),
                _ => return,
            }
        }
    }
}

impl MountNamespace {
    /// `OPEN_TREE_CLONE`: a copy of what is at `from`, with `recursive` of the mounts below as well. `EINVAL` if it is not in
    /// this namespace or unbindable, `ENOMEM`. May sleep.
    pub fn copy_detached(self: &Arc<Self>, from: &Path, recursive: bool) -> Result<DetachedTree, Errno> {
        let mut guard = forest::lock();
        let forest = &mut *guard;
        if forest.ties(from.mount.id()).unbindable || !self.contains(forest, &from.mount) {
            return Err(Errno::EINVAL);
        }
        let top = match recursive {
            true => copy_tree(forest, &from.mount, &from.dentry, Copying::Alike, Which::Bindable)?,
            false => copy_one(forest, &from.mount, &from.dentry, Copying::Alike)?,
        };
        MountNamespace::nobodys().add_tree(forest, top.id());
        Ok(DetachedTree { top })
    }

    /// Whether a mount is the caller's to change or to move: it is in this namespace, and not its root, or it is the top of a
    /// detached tree.
    pub(super) fn may_change(self: &Arc<Self>, forest: &Forest, mount: &Arc<Mount>) -> bool {
        match forest.parent(mount.id()) {
            Some(_) => self.contains(forest, mount),
            None => is_detached(forest, mount.id()),
        }
    }
}

/// Whether a mount is in a tree that is nowhere.
pub(super) fn is_detached(forest: &Forest, id: Id) -> bool {
    forest.namespace(id).is_some_and(|namespace| namespace.is_nobodys())
}
