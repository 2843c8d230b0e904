//! What is mounted where.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use hal::SpinLock;

use super::{Mount, Path};
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
