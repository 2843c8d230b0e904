//! Mount namespaces: the mounts that a group of processes sees.

use core::ops::Deref;
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use abi::{DeviceNumber, Errno};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hal::SpinLock;

use super::copy::{Which, copy_tree};
use super::forest::{self, Copying, Forest, Id};
use super::{Mount, Path, table};
use crate::inode::SuperBlock;
use crate::lock_classes;

/// How many mounts a namespace may have (`fs.mount-max`).
pub static MOUNT_MAX: AtomicU32 = AtomicU32::new(100_000);

/// A set of mounts with one root.
pub struct MountNamespace {
    id: u64,
    /// In order of mounting, by a number that grows; the first is the root.
    mounts: SpinLock<BTreeMap<u64, Arc<Mount>>>,
    /// How many more a change under way will add. Counted with the forest locked.
    expected: AtomicUsize,
    users: AtomicUsize,
    /// It holds a detached tree: nobody can be in it.
    is_nobodys: bool,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl MountNamespace {
    pub(super) fn empty() -> Arc<MountNamespace> {
        MountNamespace::new(false)
    }

    /// One for a detached tree.
    pub(super) fn nobodys() -> Arc<MountNamespace> {
        MountNamespace::new(true)
    }

    fn new(is_nobodys: bool) -> Arc<MountNamespace> {
        Arc::new(MountNamespace {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            mounts: SpinLock::new(&lock_classes::NAMESPACE, BTreeMap::new()),
            expected: AtomicUsize::new(0),
            users: AtomicUsize::new(0),
            is_nobodys,
        })
    }

    /// A namespace of one mount. May sleep.
    pub fn of(root: Arc<Mount>) -> UsedNamespace {
        let namespace = MountNamespace::empty();
        let mut forest = forest::lock();
        forest.enrol(&root);
        namespace.add(&mut forest, root);
        UsedNamespace::new(namespace)
    }

    /// Whether it holds a detached tree.
    pub(super) fn is_nobodys(&self) -> bool {
        self.is_nobodys
    }

    /// A number that no other namespace has.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The top of the first mount.
    pub fn root(&self) -> Option<Path> {
        self.mounts().next().map(Path::top_of)
    }

    /// The top of what is mounted on its root.
    pub fn top(&self) -> Option<Path> {
        let mut top = self.root()?;
        table::cross(&mut top);
        Some(top)
    }

    /// All mounts, in order of mounting, each as it is when its turn comes.
    pub fn mounts(&self) -> impl Iterator<Item = Arc<Mount>> + '_ {
        let mut from = 0;
        core::iter::from_fn(move || {
            let found =
                self.mounts.lock().range(from..).next().map(|(number, mount)| (*number, mount.clone()));
            found.map(|(number, mount)| {
                from = number + 1;
                mount
            })
        })
    }

    /// The file system with this device's number, if one of the mounts shows it. May sleep.
    pub fn superblock(&self, device: DeviceNumber) -> Option<Arc<SuperBlock>> {
        // Nothing is busy for being looked at.
        let _forest = forest::lock();
        self.mounts().map(|mount| mount.superblock().clone()).find(|superblock| superblock.device() == device)
    }

    pub(super) fn contains(self: &Arc<Self>, forest: &Forest, mount: &Arc<Mount>) -> bool {
        forest.namespace(mount.id()).is_some_and(|namespace| Arc::ptr_eq(namespace, self))
    }

    /// Adds a mount, which may be in another namespace so far.
    pub(super) fn add(self: &Arc<Self>, forest: &mut Forest, mount: Arc<Mount>) {
        if let Some(former) = forest.namespace(mount.id()) {
            former.remove(&mount);
        }
        forest.set_namespace(mount.id(), self.clone());
        let mut mounts = self.mounts.lock();
        let number = mounts.last_key_value().map_or(0, |(last, _)| last + 1);
        mount.set_number(number);
        mounts.insert(number, mount);
    }

    /// Adds a whole tree.
    pub(super) fn add_tree(self: &Arc<Self>, forest: &mut Forest, top: Id) {
        let mut next = Some(top);
        while let Some(id) = next {
            if let Some(mount) = forest.mount(id) {
                self.add(forest, mount);
            }
            next = forest.next(id, top);
        }
    }

    pub(super) fn remove(&self, mount: &Mount) {
        let removed = self.mounts.lock().remove(&mount.number());
        drop(removed);
    }

    /// Expects so many more mounts. `ENOSPC`: that would be more than `fs.mount-max`.
    pub(super) fn anticipate(&self, more: usize) -> Result<(), Errno> {
        let expected = self.expected.load(Ordering::Relaxed) + more;
        if self.mounts.lock().len() + expected > MOUNT_MAX.load(Ordering::Relaxed) as usize {
            return Err(Errno::ENOSPC);
        }
        self.expected.store(expected, Ordering::Relaxed);
        Ok(())
    }

    /// They have come, or will not come.
    pub(super) fn settle(&self) {
        self.expected.store(0, Ordering::Relaxed);
    }

    /// A namespace with copies of all mounts (`CLONE_NEWNS`), peers of those that are shared, and a way to find a path's
    /// copy. `ENOMEM`. May sleep.
    pub fn duplicate(&self) -> Result<(UsedNamespace, Translation), Errno> {
        let mut guard = forest::lock();
        let forest = &mut *guard;
        let root = self.mounts().next().ok_or(Errno::EINVAL)?;
        let mut pairs = Vec::new();
        let count = self.mounts.lock().len();
        aegis::charge::reserve_exact(&mut pairs, count)?;
        let top = copy_tree(forest, &root, root.root(), Copying::Alike, Which::All)?;
        let mut next = (Some(root.id()), Some(top.id()));
        while let (Some(original), Some(copy)) = next {
            pairs.extend(forest.mount(original).zip(forest.mount(copy)));
            next = (forest.next(original, root.id()), forest.next(copy, top.id()));
        }
        let namespace = MountNamespace::empty();
        namespace.add_tree(forest, top.id());
        Ok((UsedNamespace::new(namespace), Translation { pairs }))
    }

    /// Nobody is in it any more: its mounts go, and tell nobody.
    fn dissolve(&self) {
        while let Some(mount) = self.pop() {
            // The last mount of a file system drops all that was in it: nobody has to wait for that.
            drop(mount);
        }
    }

    fn pop(&self) -> Option<(Arc<Mount>, Option<Path>)> {
        let mut forest = forest::lock();
        let (_, mount) = self.mounts.lock().pop_last()?;
        let on = table::detach(&mount);
        forest.unhang(mount.id());
        forest.dismiss(mount.id());
        Some((mount, on))
    }
}

/// A thread's use of a namespace. The end of the last use takes its mounts away, also while others still look at it.
pub struct UsedNamespace(Arc<MountNamespace>);

impl UsedNamespace {
    fn new(namespace: Arc<MountNamespace>) -> UsedNamespace {
        namespace.users.fetch_add(1, Ordering::Relaxed);
        UsedNamespace(namespace)
    }

    /// The namespace, for who only looks.
    pub fn namespace(&self) -> &Arc<MountNamespace> {
        &self.0
    }
}

impl Clone for UsedNamespace {
    fn clone(&self) -> UsedNamespace {
        UsedNamespace::new(self.0.clone())
    }
}

impl Deref for UsedNamespace {
    type Target = Arc<MountNamespace>;

    fn deref(&self) -> &Arc<MountNamespace> {
        &self.0
    }
}

impl Drop for UsedNamespace {
    /// May sleep.
    fn drop(&mut self) {
        if self.0.users.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.dissolve();
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
