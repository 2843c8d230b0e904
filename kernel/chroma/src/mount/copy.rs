//! Copies of mounts, and of trees of them. They are in no namespace, and sit nowhere, until they are grafted.

use abi::Errno;
use alloc::sync::Arc;

use super::forest::{Copying, Forest, Id};
use super::{Mount, Path, table};
use crate::dentry::Dentry;

/// Which mounts of a tree are copied.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// All.
    All,
    /// Those without what is unbindable, and without what is below that.
    Bindable,
}

/// Copies what a mount shows from `root` on, without what is mounted there. `ENOMEM`.
pub(super) fn copy_one(
    forest: &mut Forest,
    original: &Arc<Mount>,
    root: &Arc<Dentry>,
    copying: Copying,
) -> Result<Arc<Mount>, Errno> {
    let copy = Mount::new(root.clone(), original.source(), original.flags())?;
    forest.enrol(&copy);
    if let Err(error) = forest.tie_copy(copy.id(), original.id(), copying) {
        forest.dismiss(copy.id());
        return Err(error);
    }
    Ok(copy)
}

/// Copies what a mount shows from `root` on, with the mounts there. `ENOMEM`: nothing is left of the copy then.
pub(super) fn copy_tree(
    forest: &mut Forest,
    original: &Arc<Mount>,
    root: &Arc<Dentry>,
    copying: Copying,
    which: Which,
) -> Result<Arc<Mount>, Errno> {
    let top = copy_one(forest, original, root, copying)?;
    match copy_below(forest, original, &top, copying, which) {
        Ok(()) => Ok(top),
        Err(error) => {
            discard(forest, &top);
            Err(error)
        }
    }
}

fn copy_below(
    forest: &mut Forest,
    original: &Arc<Mount>,
    top: &Arc<Mount>,
    copying: Copying,
    which: Which,
) -> Result<(), Errno> {
    let limit = original.id();
    // Where the walk is, in both trees.
    let (mut at, mut at_copy) = (limit, top.id());
    let mut next = forest.first_child(limit);
    while let Some(id) = next {
        let Some((mount, on)) = forest.mount(id).and_then(|mount| mount.on().map(|on| (mount, on))) else {
            return Err(Errno::EINVAL);
        };
        let is_outside = Arc::ptr_eq(&on.mount, original) && !on.dentry.is_within(top.root());
        if is_outside || (which == Which::Bindable && forest.ties(id).unbindable) {
            next = forest.next_beside(id, limit);
            continue;
        }
        while at != on.mount.id() {
            let (Some(up), Some(up_copy)) = (forest.parent(at), forest.parent(at_copy)) else {
                return Err(Errno::EINVAL);
            };
            (at, at_copy) = (up, up_copy);
        }
        let parent = forest.mount(at_copy).ok_or(Errno::EINVAL)?;
        let copy = copy_one(forest, &mount, mount.root(), copying)?;
        forest.hang(copy.id(), at_copy, forest.covers(id) && Arc::ptr_eq(&on.dentry, parent.root()));
        table::attach(&copy, Path { mount: parent, dentry: on.dentry });
        (at, at_copy) = (id, copy.id());
        next = forest.next(id, limit);
    }
    Ok(())
}

/// Takes a tree apart that belongs to no namespace.
pub(super) fn discard(forest: &mut Forest, top: &Arc<Mount>) {
    let mut at = forest.leaf(top.id());
    loop {
        let parent = forest.parent(at);
        take_away(forest, at);
        match parent {
            Some(parent) if at != top.id() => at = forest.leaf(parent),
            _ => return,
        }
    }
}

/// Takes a mount from where it is, out of its namespace, and out of the forest. What sits in it is on its way as well.
pub(super) fn take_away(forest: &mut Forest, id: Id) {
    let mount = forest.mount(id);
    if let Some(mount) = &mount {
        drop(table::detach(mount));
        if let Some(namespace) = forest.namespace(id) {
            namespace.remove(mount);
        }
    }
    forest.unhang(id);
    forest.dismiss(id);
}
