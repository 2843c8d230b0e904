//! Dentries: names in directories, and the cache of them.
//!
//! A [`Dentry`] says that a name in a directory means an inode, or (negative) that it means nothing. Its inode never
//! changes; its place (parent and name) changes by rename only. A dentry keeps its parent alive, so a path can always
//! be spelled; dropping a deep chain is a loop, not a recursion.
//!
//! Looking a name up takes no lock: neither in the [cache](lookup) nor for a dentry's place.

mod cache;
mod name;

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use abi::Errno;
use alloc::sync::{Arc, Weak};
use hal::{Rcu, SpinLock};

use crate::inode::{Inode, SuperBlock};
use crate::{lock_classes, notify};

pub(crate) use cache::{find, forget_absent, insert, move_to, purge, remove};
pub use cache::{lookup, replace_name, shrink};
pub use name::Name;

/// A name in a directory.
pub struct Dentry {
    inode: Option<Arc<Inode>>,
    place: Rcu<Place>,
    /// Keeps the parent that the place names.
    parent: SpinLock<Option<Arc<Dentry>>>,
    /// No longer reachable by its name.
    gone: AtomicBool,
    /// Looked at since the cache's hand last passed.
    referenced: AtomicBool,
    /// How many mounts (in any namespace) sit on it.
    mounted: AtomicU32,
}

/// Replaced as a whole: parent and name are of one moment.
struct Place {
    parent: Option<Weak<Dentry>>,
    name: Name,
}

impl Dentry {
    /// The root of a file system: no parent, no name.
    pub fn root(inode: Arc<Inode>) -> Arc<Dentry> {
        Dentry::make(None, Name::default(), Some(inode))
    }

    /// A dentry outside every directory, with a name for `/proc/PID/fd` to show.
    pub fn unattached(name: Name, inode: Arc<Inode>) -> Arc<Dentry> {
        let dentry = Dentry::make(None, name, Some(inode));
        dentry.gone.store(true, Ordering::Relaxed);
        dentry
    }

    /// A name in `parent`, not (yet) in the cache.
    pub fn child(parent: &Arc<Dentry>, name: Name, inode: Option<Arc<Inode>>) -> Arc<Dentry> {
        Dentry::make(Some(parent.clone()), name, inode)
    }

    fn make(parent: Option<Arc<Dentry>>, name: Name, inode: Option<Arc<Inode>>) -> Arc<Dentry> {
        let place = Place { parent: parent.as_ref().map(Arc::downgrade), name };
        Arc::new(Dentry {
            inode,
            place: Rcu::new(place),
            parent: SpinLock::new(&lock_classes::PLACE, parent),
            gone: AtomicBool::new(false),
            referenced: AtomicBool::new(true),
            mounted: AtomicU32::new(0),
        })
    }

    /// The inode; `ENOENT` for a negative dentry.
    #[inline]
    pub fn inode(&self) -> Result<&Arc<Inode>, Errno> {
        self.inode.as_ref().ok_or(Errno::ENOENT)
    }

    /// Whether the name means nothing.
    #[inline]
    pub fn is_negative(&self) -> bool {
        self.inode.is_none()
    }

    /// The directory it is in; `None` for roots.
    pub fn parent(&self) -> Option<Arc<Dentry>> {
        self.at_place(|_| ()).0
    }

    /// Its name now.
    pub fn name(&self) -> Name {
        self.place.read(|place| place.map(|place| place.name.clone()).unwrap_or_default())
    }

    /// Parent and name as of one moment.
    pub fn place(&self) -> (Option<Arc<Dentry>>, Name) {
        let (parent, name) = self.at_place(|place| place.name.clone());
        (parent, name.unwrap_or_default())
    }

    /// The parent, and what `look` gives of the same place.
    fn at_place<R>(&self, look: impl Fn(&Place) -> R) -> (Option<Arc<Dentry>>, Option<R>) {
        loop {
            let found = self.place.read(|place| match place {
                None => Some((None, None)),
                Some(place @ Place { parent: None, .. }) => Some((None, Some(look(place)))),
                Some(place @ Place { parent: Some(parent), .. }) => {
                    Some((Some(parent.upgrade()?), Some(look(place))))
                }
            });
            // A parent that is gone is no longer the parent: the place was replaced first.
            if let Some(found) = found {
                return found;
            }
        }
    }

    /// Gives it another place; the old parent is let go of here. The caller holds the tree lock for writing.
    fn put(&self, parent: &Arc<Dentry>, name: &[u8]) {
        let old = {
            let mut keeps = self.parent.lock();
            self.place.replace(Some(Place { parent: Some(Arc::downgrade(parent)), name: Name::new(name) }));
            keeps.replace(parent.clone())
        };
        drop(old);
    }

    /// Whether it can no longer be reached by its name (unlinked, removed, or never had one).
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Marks it unreachable.
    pub(crate) fn set_gone(&self) {
        self.gone.store(true, Ordering::Release);
    }

    /// Whether some mount may sit on it.
    #[inline]
    pub fn is_mount_point(&self) -> bool {
        self.mounted.load(Ordering::Acquire) != 0
    }

    pub(crate) fn add_mount(&self) {
        self.mounted.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn remove_mount(&self) {
        self.mounted.fetch_sub(1, Ordering::AcqRel);
    }

    /// Notes that it was looked at. Whoever finds that noted writes nothing that other processors read.
    #[inline]
    fn note_use(&self) {
        if !self.referenced.load(Ordering::Relaxed) {
            self.referenced.store(true, Ordering::Relaxed);
        }
    }

    /// Whether `self` is `other` or lies below it.
    pub fn is_within(self: &Arc<Self>, other: &Arc<Dentry>) -> bool {
        let mut at = self.clone();
        loop {
            if Arc::ptr_eq(&at, other) {
                return true;
            }
            match at.parent() {
                Some(parent) => at = parent,
                None => return false,
            }
        }
    }

    /// Whether it names something (or nothing) in a directory of this file system.
    fn is_on(&self, superblock: &Arc<SuperBlock>) -> bool {
        let keeps = self.parent.lock();
        let parent = keeps.as_ref().and_then(|parent| parent.inode.as_ref());
        parent.is_some_and(|directory| Arc::ptr_eq(directory.superblock(), superblock))
    }

    #[inline]
    fn is_at(&self, parent: &Arc<Dentry>, name: &[u8]) -> bool {
        self.place.read(|place| place.is_some_and(|place| place.is_in(parent) && place.name.bytes() == name))
    }

    fn is_in(&self, parent: &Arc<Dentry>) -> bool {
        self.place.read(|place| place.is_some_and(|place| place.is_in(parent)))
    }
}

impl Place {
    /// Whether it is in this directory. The caller's count keeps that: no other dentry has its address.
    #[inline]
    fn is_in(&self, parent: &Arc<Dentry>) -> bool {
        self.parent.as_ref().is_some_and(|named| core::ptr::eq(named.as_ptr(), Arc::as_ptr(parent)))
    }
}

impl Drop for Dentry {
    fn drop(&mut self) {
        if let Some(inode) = &self.inode {
            notify::forgotten(inode);
        }
        // Unlink ancestors one by one: a chain as deep as a program likes must not become a recursion.
        let mut next = self.parent.get_mut().take();
        while let Some(parent) = next {
            next = Arc::into_inner(parent).and_then(|mut parent| parent.parent.get_mut().take());
        }
    }
}
