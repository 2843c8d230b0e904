//! Who gets what happens in a mount.

use abi::Errno;
use alloc::vec::Vec;

use super::{Forest, Id};

/// A mount that gets what happens in another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::mount) struct Receiver {
    /// Which.
    pub mount: Id,
    /// Its group among those that get it: 0 is the group of the mount in which it happens.
    pub group: usize,
    /// The group that its group gets it from.
    pub from: usize,
}

/// A group whose slaves are being looked for.
struct Level {
    group: usize,
    /// Where its ring was entered.
    first: Id,
    /// The peer whose slaves are looked at.
    peer: Id,
    /// The next of them.
    slave: Option<Id>,
    /// The group of the slave before that: its peers stand side by side.
    last: u32,
}

impl Forest {
    /// The mounts that get what happens in `origin`: its peers, then group by group their slaves, and the slaves of a
    /// group before what stands beside it. Nobody, if it is not shared. `ENOMEM`.
    pub(in crate::mount) fn receivers(&self, origin: Id) -> Result<Vec<Receiver>, Errno> {
        let mut found = Vec::new();
        if !self.ties(origin).shared {
            return Ok(found);
        }
        let mut levels = Vec::new();
        let mut groups = 1;
        self.enter(origin, 0, 0, &mut found, &mut levels)?;
        while let Some(level) = levels.last_mut() {
            let Some(slave) = level.slave else {
                level.peer = self.ties(level.peer).next_peer;
                level.slave = self.slaves(level.peer).next();
                level.last = 0;
                if level.peer == level.first {
                    levels.pop();
                }
                continue;
            };
            let ties = self.ties(slave);
            level.slave = ties.next_slave;
            let is_known = ties.group != 0 && ties.group == level.last;
            level.last = ties.group;
            if !is_known {
                let from = level.group;
                self.enter(slave, groups, from, &mut found, &mut levels)?;
                groups += 1;
            }
        }
        Ok(found)
    }

    fn enter(
        &self,
        first: Id,
        group: usize,
        from: usize,
        found: &mut Vec<Receiver>,
        levels: &mut Vec<Level>,
    ) -> Result<(), Errno> {
        // The first of all is where it happens.
        for mount in self.peers(first).skip(usize::from(group == 0)) {
            // What is still being prepared gets nothing.
            if self.namespace(mount).is_some() {
                aegis::charge::reserve(found, 1)?;
                found.push(Receiver { mount, group, from });
            }
        }
        aegis::charge::reserve(levels, 1)?;
        levels.push(Level { group, first, peer: first, slave: self.slaves(first).next(), last: 0 });
        Ok(())
    }
}
