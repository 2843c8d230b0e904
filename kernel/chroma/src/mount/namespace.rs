//! Mount namespaces: the mounts that a group of processes sees.

use core::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hal::SpinLock;

use super::{Mount, Path, table};
use crate::lock_classes;

/// A set of mounts with one root.
pub struct MountNamespace {
    id: u64,
    /// In order of mounting; the first is the root.
    mounts: SpinLock<Vec<Arc<Mount>>>,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl MountNamespace {
    /// A namespace of one mount.
    pub fn new(root: Arc<Mount>) -> Arc<MountNamespace> {
        Arc::new(MountNamespace {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            mounts: SpinLock::new(&lock_classes::NAMESPACE, alloc::vec![root]),
        })
    }

    /// A number that no other namespace has.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The top of the first mount.
    pub fn root(&self) -> Option<Path> {
        let first = self.mounts.lock().first().cloned();
        first.map(Path::top_of)
    }

    /// All mounts, in order of mounting.
    pub fn mounts(&self) -> Vec<Arc<Mount>> {
        self.mounts.lock().clone()
    }

    /// Whether `mount` belongs to this namespace.
    pub fn contains(&self, mount: &Arc<Mount>) -> bool {
        self.mounts.lock().iter().any(|m| Arc::ptr_eq(m, mount))
    }

    pub(super) fn add(&self, mount: Arc<Mount>) {
        self.mounts.lock().push(mount);
    }

    pub(super) fn remove(&self, mount: &Arc<Mount>) {
        let removed = {
            let mut mounts = self.mounts.lock();
            let index = mounts.iter().position(|m| Arc::ptr_eq(m, mount));
            index.map(|index| mounts.remove(index))
        };
        drop(removed);
    }

    /// A namespace with copies of all mounts (`CLONE_NEWNS`), and a way to find a path's copy.
    pub fn duplicate(&self) -> Result<(Arc<MountNamespace>, Translation), Errno> {
        let originals = self.mounts();
        let mut pairs: Vec<(Arc<Mount>, Arc<Mount>)> = Vec::new();
        aegis::charge::reserve(&mut pairs, originals.len())?;
        for original in originals {
            let copy = Mount::new(original.root().clone(), original.source(), original.flags())?;
            pairs.push((original, copy));
        }
        for (original, copy) in &pairs {
            if let Some(on) = original.on()
                && let Some((_, parent)) = pairs.iter().find(|(old, _)| Arc::ptr_eq(old, &on.mount))
            {
                table::attach(copy, Path { mount: parent.clone(), dentry: on.dentry });
            }
        }
        let namespace = Arc::new(MountNamespace {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            mounts: SpinLock::new(&lock_classes::NAMESPACE, pairs.iter().map(|(_, c)| c.clone()).collect()),
        });
        Ok((namespace, Translation { pairs }))
    }
}

impl Drop for MountNamespace {
    fn drop(&mut self) {
        // Children come after their parents, so taking mounts from the end leaves no mount under a detached one.
        while let Some(mount) = self.mounts.get_mut().pop() {
            drop(table::detach(&mount));
        }
    }
}

/// From a namespace's mounts to their copies.
pub struct Translation {
    pairs: Vec<(Arc<Mount>, Arc<Mount>)>,
}

impl Translation {
    /// The same place in the copy; unchanged if its mount was not copied.
    pub fn apply(&self, path: &Path) -> Path {
        match self.pairs.iter().find(|(old, _)| Arc::ptr_eq(old, &path.mount)) {
            Some((_, copy)) => Path { mount: copy.clone(), dentry: path.dentry.clone() },
            None => path.clone(),
        }
    }
}
