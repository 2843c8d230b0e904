use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use alloc::sync::{Arc, Weak};

use super::{Copying, Forest, Id, Kind};
use crate::mount::MountNamespace;

impl Forest {
    /// A mount that is only a number, in a namespace.
    fn plant(&mut self, namespace: &Arc<MountNamespace>, id: Id) {
        self.add(id, Weak::new(), 0);
        self.set_namespace(id, namespace.clone());
    }

    fn list(&self, master: Id) -> Vec<Id> {
        self.slaves(master).collect()
    }

    /// What must be true of every forest.
    fn check(&self) {
        let mut rings = BTreeMap::new();
        for (id, node) in &self.nodes {
            let ties = node.ties;
            let ring: Vec<Id> = self.peers(*id).collect();
            assert!(
                ties.shared || (ring.len() == 1 && ties.first_slave.is_none() && ties.group == 0),
                "{id}"
            );
            for peer in &ring {
                let other = self.ties(*peer);
                assert_eq!((other.group, other.shared, other.master), (ties.group, ties.shared, ties.master));
                assert_eq!(self.ties(other.next_peer).previous_peer, *peer);
            }
            if ties.shared {
                let ring: BTreeSet<Id> = ring.into_iter().collect();
                assert_eq!(*rings.entry(ties.group).or_insert(ring.clone()), ring, "a number has one group");
            }
            let slaves = self.list(*id);
            assert_eq!(ties.last_slave, slaves.last().copied());
            for (at, slave) in slaves.iter().enumerate() {
                assert_eq!(self.ties(*slave).master, Some(*id));
                assert_eq!(self.ties(*slave).previous_slave, at.checked_sub(1).map(|before| slaves[before]));
            }
            let mut groups: Vec<u32> = slaves.iter().map(|slave| self.ties(*slave).group).collect();
            groups.dedup();
            let runs = groups.iter().filter(|group| **group != 0);
            assert_eq!(runs.clone().count(), runs.collect::<BTreeSet<_>>().len(), "peers stand side by side");
        }
    }

    /// Who gets what happens in `origin`, found by following all ties.
    fn reached(&self, origin: Id) -> BTreeSet<Id> {
        let mut found = BTreeSet::new();
        let mut open: Vec<Id> = self.peers(origin).collect();
        while let Some(id) = open.pop() {
            if found.insert(id) {
                open.extend(self.peers(id));
                open.extend(self.slaves(id));
            }
        }
        found.remove(&origin);
        found
    }
}

#[test]
fn peers_come_before_slaves_and_the_slaves_of_a_group_before_what_is_beside_it() {
    let namespace = MountNamespace::empty();
    let mut forest = Forest::new();
    for id in 1..=8 {
        forest.plant(&namespace, id);
    }
    forest.invent_group(1).unwrap();
    forest.make(1, Kind::Shared);
    forest.tie_copy(2, 1, Copying::Alike).unwrap();
    forest.tie_copy(3, 2, Copying::Slave { shared: false }).unwrap();
    forest.tie_copy(4, 1, Copying::Slave { shared: true }).unwrap();
    forest.tie_copy(5, 4, Copying::Peer).unwrap();
    forest.tie_copy(6, 5, Copying::Slave { shared: false }).unwrap();
    forest.tie_copy(7, 1, Copying::Slave { shared: false }).unwrap();
    forest.check();
    let order = |origin| {
        let receivers = forest.receivers(origin).unwrap();
        receivers.iter().map(|receiver| (receiver.mount, receiver.group, receiver.from)).collect::<Vec<_>>()
    };
    assert_eq!(order(1), [(2, 0, 0), (7, 1, 0), (4, 2, 0), (5, 2, 0), (6, 3, 2), (3, 4, 0)]);
    assert_eq!(order(5), [(4, 0, 0), (6, 1, 0)]);
    assert_eq!(order(3), []);
    assert_eq!(order(8), []);
}

#[test]
fn ties_stay_sound_whatever_is_done_to_them() {
    let namespace = MountNamespace::empty();
    for seed in 1..=200_u64 {
        let mut state = seed;
        let mut random = |limit: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % limit
        };
        let mut forest = Forest::new();
        let mut alive: Vec<Id> = Vec::new();
        for id in 1..=60 {
            forest.plant(&namespace, id);
            if let Some(old) = alive.get(random(60) as usize).copied() {
                let shared = forest.ties(old).shared;
                let copying = match random(4) {
                    0 if shared => Copying::Peer,
                    1 if shared => Copying::Slave { shared: true },
                    2 if shared => Copying::Slave { shared: false },
                    _ => Copying::Alike,
                };
                forest.tie_copy(id, old, copying).unwrap();
            }
            alive.push(id);
            let chosen = random(alive.len() as u64) as usize;
            match random(6) {
                0 | 1 => {
                    forest.invent_group(alive[chosen]).unwrap();
                    forest.make(alive[chosen], Kind::Shared);
                }
                2 => forest.make(alive[chosen], Kind::Slave),
                3 => forest.make(alive[chosen], Kind::Private),
                4 => forest.dismiss(alive.swap_remove(chosen)),
                _ => {}
            }
            forest.check();
        }
        for id in &alive {
            let receivers = forest.receivers(*id).unwrap();
            let found: BTreeSet<Id> = receivers.iter().map(|receiver| receiver.mount).collect();
            assert_eq!(found.len(), receivers.len(), "nobody gets it twice");
            assert_eq!(found, forest.reached(*id));
        }
        for id in alive {
            forest.dismiss(id);
            forest.check();
        }
        assert_eq!(forest.groups.take(), Ok(1), "no number is lost");
    }
}

#[test]
fn trees_are_walked_from_the_top_in_the_order_of_attaching() {
    let namespace = MountNamespace::empty();
    let mut forest = Forest::new();
    for id in 1..=6 {
        forest.plant(&namespace, id);
    }
    for (id, parent) in [(5, 1), (2, 1), (3, 5), (4, 5), (6, 2)] {
        forest.hang(id, parent, false);
    }
    assert_eq!(forest.tree(1).collect::<Vec<_>>(), [1, 5, 3, 4, 2, 6]);
    assert_eq!(forest.tree(5).collect::<Vec<_>>(), [5, 3, 4]);
    assert_eq!(forest.next_beside(5, 1), Some(2));
    assert_eq!(forest.leaf(1), 3);
    assert!(forest.is_below(6, 1) && !forest.is_below(6, 5));
    forest.unhang(5);
    assert_eq!(forest.tree(1).collect::<Vec<_>>(), [1, 2, 6]);
}
