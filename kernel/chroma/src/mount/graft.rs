//! Attaching a tree of mounts somewhere, and copies of it wherever that propagates to: all of them, or none.

use abi::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::copy::{Which, copy_tree, discard};
use super::detached::is_detached;
use super::forest::{Copying, Forest, Kind};
use super::{Mount, Path, table};

/// Where a tree to be grafted is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Nowhere, or in a tree that is.
    New,
    /// In a namespace, from where it is moved.
    Moved,
}

/// Copies that are ready to be attached.
struct Copies {
    /// Each with its place, in the order in which they were made.
    ready: Vec<(Arc<Mount>, Path)>,
}

/// A group of receivers.
struct Group {
    /// The group that it gets from.
    from: usize,
    /// The last copy that was made for it.
    copy: Option<Arc<Mount>>,
}

/// Attaches the tree `source` at `at`, which is in a namespace and bare. `ENOSPC`: a namespace would have too many mounts;
/// `ENOMEM`. Nothing has changed then.
pub(super) fn graft(forest: &mut Forest, source: &Arc<Mount>, at: Path, origin: Origin) -> Result<(), Errno> {
    let namespace = forest.namespace(at.mount.id()).cloned().ok_or(Errno::EINVAL)?;
    let mut copies = Copies { ready: Vec::new() };
    let prepared = prepare(forest, source, &at, origin, &mut copies);
    namespace.settle();
    for (_, place) in &copies.ready {
        if let Some(namespace) = forest.namespace(place.mount.id()) {
            namespace.settle();
        }
    }
    if let Err(error) = prepared {
        for (copy, _) in copies.ready.iter().rev() {
            discard(forest, copy);
        }
        forest.forget_groups(source.id());
        return Err(error);
    }
    // From here on nothing fails.
    let (parent, covers) = (at.mount.id(), at.is_mount_root());
    if origin == Origin::Moved {
        forest.unhang(source.id());
        table::move_to(source, at);
        forest.hang(source.id(), parent, covers);
    } else {
        table::attach(source, at);
        forest.hang(source.id(), parent, covers);
        namespace.add_tree(forest, source.id());
    }
    for (copy, place) in copies.ready.into_iter().rev() {
        attach_copy(forest, &copy, place);
    }
    Ok(())
}

fn prepare(
    forest: &mut Forest,
    source: &Arc<Mount>,
    at: &Path,
    origin: Origin,
    copies: &mut Copies,
) -> Result<(), Errno> {
    if origin == Origin::New
        && let Some(namespace) = forest.namespace(at.mount.id())
    {
        namespace.anticipate(forest.tree(source.id()).count())?;
    }
    if !forest.ties(at.mount.id()).shared {
        return Ok(());
    }
    forest.invent_groups(source.id())?;
    copy_for_receivers(forest, source, at, copies)?;
    let mut next = Some(source.id());
    while let Some(id) = next {
        forest.make(id, Kind::Shared);
        next = forest.next(id, source.id());
    }
    Ok(())
}

/// A copy for each receiver that shows the place: peers of one another as the receivers are, and slaves of the copies of the
/// nearest group up that has some.
fn copy_for_receivers(
    forest: &mut Forest,
    source: &Arc<Mount>,
    at: &Path,
    copies: &mut Copies,
) -> Result<(), Errno> {
    let receivers = forest.receivers(at.mount.id())?;
    let mut groups = Vec::new();
    aegis::charge::reserve_exact(&mut groups, receivers.last().map_or(0, |last| last.group) + 1)?;
    groups.push(Group { from: 0, copy: Some(source.clone()) });
    for receiver in receivers {
        while groups.len() <= receiver.group {
            groups.push(Group { from: receiver.from, copy: None });
        }
        let Some(mount) = forest.mount(receiver.mount) else { continue };
        if !at.dentry.is_within(mount.root()) || is_detached(forest, receiver.mount) {
            continue;
        }
        let mut group = receiver.group;
        let original = loop {
            let above = groups.get(group).ok_or(Errno::EINVAL)?;
            match &above.copy {
                Some(copy) => break copy.clone(),
                None => group = above.from,
            }
        };
        let copying = match group == receiver.group {
            true => Copying::Peer,
            false => Copying::Slave { shared: forest.ties(receiver.mount).shared },
        };
        aegis::charge::reserve(&mut copies.ready, 1)?;
        let copy = copy_tree(forest, &original, original.root(), copying, Which::All)?;
        let size = forest.tree(copy.id()).count();
        copies.ready.push((copy.clone(), Path { mount, dentry: at.dentry.clone() }));
        if let Some(namespace) = forest.namespace(receiver.mount) {
            namespace.anticipate(size)?;
        }
        if let Some(group) = groups.get_mut(receiver.group) {
            group.copy = Some(copy);
        }
    }
    Ok(())
}

/// Attaches a copy. What its receiver has mounted in the same place stays on top.
fn attach_copy(forest: &mut Forest, copy: &Arc<Mount>, place: Path) {
    let (parent, covers) = (place.mount.id(), place.is_mount_root());
    let namespace = forest.namespace(parent).cloned();
    let mut top = Path::top_of(copy.clone());
    table::cross(&mut top);
    let cover = top.mount.id();
    let covering = table::slip_beneath(copy, place, top);
    if let Some(covering) = &covering {
        forest.unhang(covering.id());
    }
    forest.hang(copy.id(), parent, covers);
    if let Some(namespace) = namespace {
        namespace.add_tree(forest, copy.id());
    }
    if let Some(covering) = covering {
        forest.hang(covering.id(), cover, true);
    }
}
