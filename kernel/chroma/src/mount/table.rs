//! What is mounted where.

use core::sync::atomic::Ordering;

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hal::SpinLock;

use super::{Mount, Path, Seat};
use crate::dentry::Dentry;
use crate::lock_classes;

/// Addresses of mount and dentry; both are kept alive by the `on` of the mount that is listed under them.
type Key = (usize, usize);

static TABLE: SpinLock<BTreeMap<Key, Arc<Mount>>> = SpinLock::new(&lock_classes::MOUNTS, BTreeMap::new());

fn key(mount: &Arc<Mount>, dentry: &Arc<Dentry>) -> Key {
    (Arc::as_ptr(mount).addr(), Arc::as_ptr(dentry).addr())
}

fn key_of(path: &Path) -> Key {
    key(&path.mount, &path.dentry)
}

/// What sits on exactly this place of a mount.
pub(super) fn mounted_on(mount: &Arc<Mount>, dentry: &Arc<Dentry>) -> Option<Arc<Mount>> {
    TABLE.lock().get(&key(mount, dentry)).cloned()
}

/// Moves `path` to the top of what is mounted on it, as often as something is.
#[inline]
pub(crate) fn cross(path: &mut Path) {
    while path.dentry.is_mount_point() {
        let Some(mount) = mounted_on(&path.mount, &path.dentry) else { return };
        *path = Path::top_of(mount);
    }
}

/// Attaches a mount; nothing may sit on `on` yet.
pub(super) fn attach(mount: &Arc<Mount>, on: Path) {
    on.dentry.add_mount();
    TABLE.lock().insert(key_of(&on), mount.clone());
    drop(mount.set_on(Some(on)));
}

/// Detaches a mount from what it sits on.
pub(super) fn detach(mount: &Arc<Mount>) -> Option<Path> {
    let on = mount.set_on(None)?;
    let entry = {
        let mut table = TABLE.lock();
        let key = key_of(&on);
        // It has been replaced if something else sits there.
        if table.get(&key).is_some_and(|found| Arc::ptr_eq(found, mount)) { table.remove(&key) } else { None }
    };
    drop(entry);
    on.dentry.remove_mount();
    Some(on)
}

/// A mount of a dissolved tree: it stays where it is while what it sits in is used, and does not keep that.
pub(super) fn keep(mount: &Mount) {
    let former = {
        let mut on = mount.on.lock();
        let Seat::On(path) = &*on else { return };
        path.mount.keeps.store(true, Ordering::Release);
        let kept = Seat::Kept(Arc::downgrade(&path.mount), path.dentry.clone());
        core::mem::replace(&mut *on, kept)
    };
    drop(former);
}

/// A mount that was at this address is used no longer: what was kept on it goes, unless it is used itself.
pub(super) fn let_go(address: usize, mount: &mut Mount) {
    if !core::mem::take(mount.keeps.get_mut()) {
        return;
    }
    let mut bare = Vec::from([address]);
    while let Some(address) = bare.pop() {
        while let Some(child) = first_on(address) {
            if let Seat::Kept(_, dentry) = core::mem::replace(&mut *child.on.lock(), Seat::Nothing) {
                dentry.remove_mount();
            }
            let address = Arc::as_ptr(&child).addr();
            if let Some(mut child) = Arc::into_inner(child)
                && core::mem::take(child.keeps.get_mut())
            {
                bare.push(address);
            }
        }
    }
}

/// Takes what sits somewhere on the mount at this address out of the table.
fn first_on(address: usize) -> Option<Arc<Mount>> {
    let mut table = TABLE.lock();
    let (key, _) = table.range((address, 0)..=(address, usize::MAX)).next()?;
    let key = *key;
    table.remove(&key)
}

/// Attaches a mount where another one may sit: that one sits on `cover` then. Nobody ever sees the place bare.
pub(super) fn slip_beneath(mount: &Arc<Mount>, on: Path, cover: Path) -> Option<Arc<Mount>> {
    on.dentry.add_mount();
    cover.dentry.add_mount();
    let covering = {
        let mut table = TABLE.lock();
        let covering = table.insert(key_of(&on), mount.clone());
        if let Some(covering) = &covering {
            table.insert(key_of(&cover), covering.clone());
        }
        covering
    };
    drop(mount.set_on(Some(on)));
    let left = match &covering {
        Some(covering) => covering.set_on(Some(cover)),
        None => Some(cover),
    };
    if let Some(left) = left {
        left.dentry.remove_mount();
    }
    covering
}

/// Moves a mount to another place. What sits there already is on its way to be detached, or nothing is there.
pub(super) fn move_to(mount: &Arc<Mount>, on: Path) {
    on.dentry.add_mount();
    let new = key_of(&on);
    let left = mount.set_on(Some(on));
    let replaced = {
        let mut table = TABLE.lock();
        if let Some(left) = &left {
            table.remove(&key_of(left));
        }
        table.insert(new, mount.clone())
    };
    drop(replaced);
    if let Some(left) = left {
        left.dentry.remove_mount();
    }
}
