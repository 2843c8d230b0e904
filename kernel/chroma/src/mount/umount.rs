//! What `umount2` does to a namespace, and to others where that propagates to. The caller has checked `CAP_SYS_ADMIN`.

use abi::Errno;
pub use abi::fs::UmountFlags;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::copy::take_away;
use super::forest::{self, Forest, Id, Mark};
use super::{Mount, MountNamespace, Path, table};

/// Who refers to a mount that nobody uses: its namespace's list, the table, and we.
const OWN_REFERENCES: usize = 3;

/// The mounts that go. Their marks are taken away with it.
struct Going {
    /// Those that were asked for, parents first.
    asked: Vec<Id>,
    /// Those that are in the same places of receivers; not all of them go.
    candidates: Vec<Id>,
}

impl MountNamespace {
    /// `umount2` of the mount whose top is `at`: `EINVAL` if it is none, or the first root of all; `EBUSY` while it is used or
    /// carries mounts, or what goes with it is used (not with `MNT_DETACH`); `EAGAIN` for the first `MNT_EXPIRE`; `ENOMEM`.
    /// `root` is the caller's own root: it becomes read-only instead. The caller drops its own references to the path first
    /// except `at` itself. May sleep.
    pub fn umount(self: &Arc<Self>, at: Path, flags: UmountFlags, root: &Arc<Mount>) -> Result<(), Errno> {
        let mut guard = forest::lock();
        let forest = &mut *guard;
        self.check_mount_root(forest, &at)?;
        let mount = at.mount.clone();
        drop(at);
        if forest.parent(mount.id()).is_none() {
            return Err(Errno::EINVAL);
        }
        let is_root = Arc::ptr_eq(&mount, root);
        if flags.contains(UmountFlags::EXPIRE) {
            if is_root || flags.intersects(UmountFlags::DETACH | UmountFlags::FORCE) {
                return Err(Errno::EINVAL);
            }
            if Arc::strong_count(&mount) > OWN_REFERENCES {
                return Err(Errno::EBUSY);
            }
            if !mount.expire() {
                return Err(Errno::EAGAIN);
            }
        }
        if !flags.contains(UmountFlags::DETACH) {
            if is_root {
                mount.superblock().set_read_only(true);
                return Ok(());
            }
            if is_busy(forest, &mount)? {
                return Err(Errno::EBUSY);
            }
        }
        take_tree(forest, mount.id())
    }
}

/// Whether a mount is used, or what goes with it: that of a receiver of its parent in the same place.
fn is_busy(forest: &Forest, mount: &Arc<Mount>) -> Result<bool, Errno> {
    let Some(on) = mount.on() else { return Ok(false) };
    if forest.first_child(mount.id()).is_some() || Arc::strong_count(mount) > OWN_REFERENCES {
        return Ok(true);
    }
    for receiver in forest.receivers(on.mount.id())? {
        let Some(parent) = forest.mount(receiver.mount) else { continue };
        let Some(child) = table::mounted_on(&parent, &on.dentry) else { continue };
        // What covers it stays, and takes its place; with anything else below it stays itself.
        let cover = usize::from(forest.only_cover(child.id()).is_some());
        if cover == 0 && forest.first_child(child.id()).is_some() {
            continue;
        }
        if Arc::strong_count(&child) > OWN_REFERENCES + cover {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes away a tree of mounts, and what is in the same places of receivers. `ENOMEM`: nothing has changed then.
fn take_tree(forest: &mut Forest, top: Id) -> Result<(), Errno> {
    let mut going = Going { asked: Vec::new(), candidates: Vec::new() };
    let found = going.find(forest, top);
    if found.is_ok() {
        going.choose(forest);
        going.go(forest);
    }
    for id in going.asked.iter().chain(&going.candidates) {
        forest.set_mark(*id, Mark::None);
    }
    found
}

impl Going {
    fn find(&mut self, forest: &mut Forest, top: Id) -> Result<(), Errno> {
        aegis::charge::reserve_exact(&mut self.asked, forest.tree(top).count())?;
        self.asked.extend(forest.tree(top));
        for id in &self.asked {
            forest.set_mark(*id, Mark::Going);
        }
        for id in &self.asked {
            // Where it was found in the place of another one, all was looked through that gets it.
            if forest.mark(*id) == Mark::GoingKnown {
                continue;
            }
            let Some(on) = forest.mount(*id).and_then(|mount| mount.on()) else { continue };
            for receiver in forest.receivers(on.mount.id())? {
                let Some(parent) = forest.mount(receiver.mount) else { continue };
                let Some(child) = table::mounted_on(&parent, &on.dentry) else { continue };
                match forest.mark(child.id()) {
                    Mark::Going => forest.set_mark(child.id(), Mark::GoingKnown),
                    Mark::None => {
                        aegis::charge::reserve(&mut self.candidates, 1)?;
                        self.candidates.push(child.id());
                        forest.set_mark(child.id(), Mark::Candidate);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Of the candidates go those in which nothing stays but what covers them.
    fn choose(&self, forest: &mut Forest) {
        // Most were found after what they sit in.
        for id in self.candidates.iter().rev() {
            let mut at = Some(*id);
            while let Some(id) = at.filter(|id| matches!(forest.mark(*id), Mark::Candidate | Mark::Kept)) {
                let goes = forest.children(id).all(|child| forest.covers(child) || is_going(forest, child));
                forest.set_mark(id, if goes { Mark::Going } else { Mark::Kept });
                if !goes {
                    break;
                }
                // If that was looked at before, this may have been all that kept it.
                at = forest.parent(id).filter(|parent| forest.mark(*parent) == Mark::Kept);
            }
        }
    }

    fn go(&self, forest: &mut Forest) {
        for id in &self.candidates {
            if is_going(forest, *id) {
                lower_cover(forest, *id);
            }
        }
        for id in self.candidates.iter().chain(self.asked.iter().rev()) {
            if is_going(forest, *id) {
                take_away(forest, *id);
            }
        }
    }
}

fn is_going(forest: &Forest, id: Id) -> bool {
    matches!(forest.mark(id), Mark::Going | Mark::GoingKnown)
}

/// What covers a mount that goes, and stays, gets the place of that.
fn lower_cover(forest: &mut Forest, id: Id) {
    let cover = forest.children(id).find(|child| forest.covers(*child) && !is_going(forest, *child));
    let Some(cover) = cover.and_then(|cover| forest.mount(cover)) else { return };
    let mut place = cover.on();
    let place = loop {
        match place {
            Some(on) if is_going(forest, on.mount.id()) => place = on.mount.on(),
            other => break other,
        }
    };
    if let Some(place) = place {
        let (parent, covers) = (place.mount.id(), place.is_mount_root());
        table::move_to(&cover, place);
        forest.unhang(cover.id());
        forest.hang(cover.id(), parent, covers);
    }
}
