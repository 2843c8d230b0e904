//! Peers and slaves.
//!
//! The peers of a group form a ring. A mount that gets events without sending any has a master, a mount of the group
//! that sends them, and is in that one's list of slaves; all peers of a group have the same master, and stand side by
//! side in its list. The order of rings and lists is the order in which mounts propagate.

use abi::Errno;

use super::{Forest, Id};

/// What `mount` can make of a mount's ties.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It sends and gets. It must have a number for its group.
    Shared,
    /// It gets from those that were its peers, or its master.
    Slave,
    /// It neither sends nor gets.
    Private,
    /// Private, and not to be bound elsewhere.
    Unbindable,
}

/// What a copy of a mount is to the mount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::mount) enum Copying {
    /// Tied as the mount is: its peer if it is shared.
    Alike,
    /// Its peer.
    Peer,
    /// Its slave, shared as well or not.
    Slave { shared: bool },
}

/// How a mount is tied to others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::mount) struct Ties {
    /// The number of its group, or 0.
    pub group: u32,
    /// Whether it sends. It may have a group's number before.
    pub shared: bool,
    /// Whether it must not be bound elsewhere.
    pub unbindable: bool,
    /// From whom it gets, beside its peers.
    pub master: Option<Id>,
    /// Its neighbours in the ring; itself without peers.
    pub(super) next_peer: Id,
    pub(super) previous_peer: Id,
    /// The ends of its list of slaves.
    pub(super) first_slave: Option<Id>,
    pub(super) last_slave: Option<Id>,
    /// Its neighbours in its master's list.
    pub(super) next_slave: Option<Id>,
    pub(super) previous_slave: Option<Id>,
}

impl Ties {
    pub(super) fn alone(id: Id) -> Ties {
        Ties {
            group: 0,
            shared: false,
            unbindable: false,
            master: None,
            next_peer: id,
            previous_peer: id,
            first_slave: None,
            last_slave: None,
            next_slave: None,
            previous_slave: None,
        }
    }
}

impl Forest {
    /// How a mount is tied to others.
    pub(in crate::mount) fn ties(&self, id: Id) -> Ties {
        self.nodes.get(&id).map_or(Ties::alone(id), |node| node.ties)
    }

    fn change(&mut self, id: Id, change: impl FnOnce(&mut Ties)) {
        if let Some(node) = self.nodes.get_mut(&id) {
            change(&mut node.ties);
        }
    }

    /// The ring of peers, from `id` on.
    pub(in crate::mount) fn peers(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        core::iter::successors(Some(id), move |at| Some(self.ties(*at).next_peer).filter(|next| *next != id))
    }

    /// The slaves of a mount.
    pub(in crate::mount) fn slaves(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        core::iter::successors(self.ties(id).first_slave, |at| self.ties(*at).next_slave)
    }

    /// Changes a mount's ties.
    pub(in crate::mount) fn make(&mut self, id: Id, kind: Kind) {
        if kind == Kind::Shared {
            self.change(id, |ties| {
                ties.shared = true;
                ties.unbindable = false;
            });
            return;
        }
        self.make_slave(id);
        if kind != Kind::Slave {
            self.leave_master(id);
            self.change(id, |ties| ties.unbindable = kind == Kind::Unbindable);
        }
    }

    /// A slave of its former peers, of its master if it has none, or private without a master. What were its own slaves
    /// become slaves of the same master.
    fn make_slave(&mut self, id: Id) {
        let ties = self.ties(id);
        let heir = if ties.next_peer == id {
            if ties.shared {
                self.groups.give_back(ties.group);
                self.change(id, |ties| ties.group = 0);
            }
            ties.master
        } else {
            let heir = self.heir(id);
            self.leave_peers(id);
            self.change(id, |ties| ties.group = 0);
            heir
        };
        self.change(id, |ties| ties.shared = false);
        if let Some(master) = heir {
            self.leave_master(id);
            self.put_first(id, master);
        }
        while let Some(slave) = self.ties(id).first_slave {
            self.leave_master(slave);
            if let Some(master) = heir {
                self.put_last(slave, master);
            }
        }
    }

    /// The peer that shows the same folder, or else the next one.
    fn heir(&self, id: Id) -> Option<Id> {
        let root = |id| self.nodes.get(&id).map(|node| node.root);
        let same = self.peers(id).skip(1).find(|peer| root(*peer) == root(id));
        same.or_else(|| self.peers(id).nth(1))
    }

    /// Ties a new mount as a copy of `old`. `ENOMEM`: there is no number for a group; nothing is tied then.
    pub(in crate::mount) fn tie_copy(&mut self, new: Id, old: Id, copying: Copying) -> Result<(), Errno> {
        let ties = self.ties(old);
        let (as_slave, shared) = match copying {
            Copying::Alike => (false, ties.shared),
            Copying::Peer => (false, true),
            Copying::Slave { shared } => (true, shared),
        };
        let group = match shared {
            true if as_slave || ties.group == 0 => self.groups.take()?,
            true => ties.group,
            false => 0,
        };
        self.change(new, |new| {
            new.group = group;
            new.shared = shared;
            new.unbindable = ties.unbindable && !shared;
        });
        if as_slave {
            self.put_first(new, old);
            return Ok(());
        }
        if shared {
            self.change(old, |old| old.group = group);
            self.put_into_ring(new, old);
        }
        if let Some(master) = ties.master {
            self.put_behind(new, old, master);
        }
        Ok(())
    }

    /// Ties a mount that has no ties as another one is tied: its peer, or another slave of its master.
    pub(in crate::mount) fn join(&mut self, id: Id, other: Id) {
        let ties = self.ties(other);
        if let Some(master) = ties.master {
            self.put_behind(id, other, master);
        }
        if ties.shared {
            self.change(id, |id| {
                id.group = ties.group;
                id.shared = true;
                id.unbindable = false;
            });
            self.put_into_ring(id, other);
        }
    }

    /// Gives a mount without a group a number for one. `ENOMEM`.
    pub(in crate::mount) fn invent_group(&mut self, id: Id) -> Result<(), Errno> {
        if self.ties(id).group == 0 {
            let group = self.groups.take()?;
            self.change(id, |ties| ties.group = group);
        }
        Ok(())
    }

    /// Takes the number back if the mount was not shared since.
    pub(in crate::mount) fn forget_group(&mut self, id: Id) {
        let ties = self.ties(id);
        if ties.group != 0 && !ties.shared {
            self.groups.give_back(ties.group);
            self.change(id, |ties| ties.group = 0);
        }
    }

    fn put_into_ring(&mut self, new: Id, old: Id) {
        let next = self.ties(old).next_peer;
        self.change(new, |ties| (ties.previous_peer, ties.next_peer) = (old, next));
        self.change(old, |ties| ties.next_peer = new);
        self.change(next, |ties| ties.previous_peer = new);
    }

    fn leave_peers(&mut self, id: Id) {
        let Ties { previous_peer, next_peer, .. } = self.ties(id);
        self.change(previous_peer, |ties| ties.next_peer = next_peer);
        self.change(next_peer, |ties| ties.previous_peer = previous_peer);
        self.change(id, |ties| (ties.previous_peer, ties.next_peer) = (id, id));
    }

    fn put_first(&mut self, slave: Id, master: Id) {
        let first = self.ties(master).first_slave;
        self.put_between(slave, master, None, first);
    }

    fn put_last(&mut self, slave: Id, master: Id) {
        let last = self.ties(master).last_slave;
        self.put_between(slave, master, last, None);
    }

    fn put_behind(&mut self, slave: Id, other: Id, master: Id) {
        let next = self.ties(other).next_slave;
        self.put_between(slave, master, Some(other), next);
    }

    fn put_between(&mut self, slave: Id, master: Id, previous: Option<Id>, next: Option<Id>) {
        self.change(slave, |ties| {
            ties.master = Some(master);
            ties.previous_slave = previous;
            ties.next_slave = next;
        });
        match previous {
            Some(previous) => self.change(previous, |ties| ties.next_slave = Some(slave)),
            None => self.change(master, |ties| ties.first_slave = Some(slave)),
        }
        match next {
            Some(next) => self.change(next, |ties| ties.previous_slave = Some(slave)),
            None => self.change(master, |ties| ties.last_slave = Some(slave)),
        }
    }

    fn leave_master(&mut self, slave: Id) {
        let Ties { master, previous_slave, next_slave, .. } = self.ties(slave);
        let Some(master) = master else { return };
        match previous_slave {
            Some(previous) => self.change(previous, |ties| ties.next_slave = next_slave),
            None => self.change(master, |ties| ties.first_slave = next_slave),
        }
        match next_slave {
            Some(next) => self.change(next, |ties| ties.previous_slave = previous_slave),
            None => self.change(master, |ties| ties.last_slave = previous_slave),
        }
        self.change(slave, |ties| {
            ties.master = None;
            ties.previous_slave = None;
            ties.next_slave = None;
        });
    }
}
