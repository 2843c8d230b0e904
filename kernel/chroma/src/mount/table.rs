//! What is mounted where.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use hal::SpinLock;

use super::{Mount, Path};
use crate::lock_classes;

/// Addresses of mount and dentry; both are kept alive by the `on` of the mount that is listed under them.
type Key = (usize, usize);

static TABLE: SpinLock<BTreeMap<Key, Arc<Mount>>> = SpinLock::new(&lock_classes::MOUNTS, BTreeMap::new());

fn key(path: &Path) -> Key {
    (Arc::as_ptr(&path.mount).addr(), Arc::as_ptr(&path.dentry).addr())
}

/// What sits on exactly this path.
pub(super) fn mounted_on(path: &Path) -> Option<Arc<Mount>> {
    TABLE.lock().get(&key(path)).cloned()
}

/// Moves `path` to the top of what is mounted on it, as often as something is.
#[inline]
pub(crate) fn cross(path: &mut Path) {
    while path.dentry.is_mount_point() {
        let Some(mount) = mounted_on(path) else { return };
        *path = Path::top_of(mount);
    }
}

/// Attaches a mount; nothing may sit on `on` yet.
pub(super) fn attach(mount: &Arc<Mount>, on: Path) {
    on.dentry.add_mount();
    TABLE.lock().insert(key(&on), mount.clone());
    drop(mount.set_on(Some(on)));
}

/// Detaches a mount from what it sits on.
pub(super) fn detach(mount: &Arc<Mount>) -> Option<Path> {
    let on = mount.set_on(None)?;
    let entry = TABLE.lock().remove(&key(&on));
    drop(entry);
    on.dentry.remove_mount();
    Some(on)
}
