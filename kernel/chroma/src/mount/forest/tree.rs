//! What sits in what.

use super::{Forest, Id, Place};

impl Forest {
    /// Hangs a mount below another; `covers` if it sits on the very top of that. It comes after what hangs there already.
    pub(in crate::mount) fn hang(&mut self, id: Id, parent: Id, covers: bool) {
        let number = self.next_place;
        if let Some(node) = self.nodes.get_mut(&id) {
            self.next_place += 1;
            node.place = Some(Place { parent, number, covers });
            self.children.insert((parent, number), id);
        }
    }

    /// Takes a mount from below its parent.
    pub(in crate::mount) fn unhang(&mut self, id: Id) {
        if let Some(place) = self.nodes.get_mut(&id).and_then(|node| node.place.take()) {
            self.children.remove(&(place.parent, place.number));
        }
    }

    fn place(&self, id: Id) -> Option<Place> {
        self.nodes.get(&id)?.place
    }

    /// What a mount sits in.
    pub(in crate::mount) fn parent(&self, id: Id) -> Option<Id> {
        self.place(id).map(|place| place.parent)
    }

    /// Whether it covers all of its parent.
    pub(in crate::mount) fn covers(&self, id: Id) -> bool {
        self.place(id).is_some_and(|place| place.covers)
    }

    /// What sits in a mount, in the order of attaching.
    pub(in crate::mount) fn children(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        self.children.range((id, 0)..=(id, u64::MAX)).map(|(_, child)| *child)
    }

    /// The first of them.
    pub(in crate::mount) fn first_child(&self, id: Id) -> Option<Id> {
        self.children(id).next()
    }

    /// What covers a mount, and is all that sits in it.
    pub(in crate::mount) fn only_cover(&self, id: Id) -> Option<Id> {
        let mut children = self.children(id);
        children.next().filter(|child| self.covers(*child) && children.next().is_none())
    }

    /// The next mount of the tree below `top`: first what sits in a mount, then what comes after it.
    pub(in crate::mount) fn next(&self, id: Id, top: Id) -> Option<Id> {
        self.first_child(id).or_else(|| self.next_beside(id, top))
    }

    /// As [`Forest::next`], without what is below `id`.
    pub(in crate::mount) fn next_beside(&self, id: Id, top: Id) -> Option<Id> {
        let mut at = id;
        while at != top {
            let place = self.place(at)?;
            let after = (place.parent, place.number + 1)..=(place.parent, u64::MAX);
            if let Some((_, sibling)) = self.children.range(after).next() {
                return Some(*sibling);
            }
            at = place.parent;
        }
        None
    }

    /// A mount of the tree below `id` (or itself) in which nothing sits.
    pub(in crate::mount) fn leaf(&self, id: Id) -> Id {
        let mut at = id;
        while let Some(child) = self.first_child(at) {
            at = child;
        }
        at
    }

    /// Whether `id` is `other` or sits somewhere below it.
    pub(in crate::mount) fn is_below(&self, id: Id, other: Id) -> bool {
        let mut at = Some(id);
        while let Some(id) = at {
            if id == other {
                return true;
            }
            at = self.parent(id);
        }
        false
    }

    /// The mounts of a tree, parents first.
    pub(in crate::mount) fn tree(&self, top: Id) -> impl Iterator<Item = Id> + '_ {
        core::iter::successors(Some(top), move |id| self.next(*id, top))
    }
}
